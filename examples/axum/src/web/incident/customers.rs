//! The public side of an incident: the text of the public page, made by the same functions.

use incident_core::incident::Incident;
use incident_core::status_page::HistoryIncident;
use sha2::{Digest, Sha256};

use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::frame::Frame;
use crate::web::reader::Reader;
use crate::web::status::edition::Edition;
use crate::web::status::incident_view::{IncidentView, Views};
use crate::web::texts::{number_of, texts};

texts! {
    /// The texts about what customers see.
    CustomerTexts {
        title: "Customers see", "Les clients voient", "Kunden sehen";
        nothing: "Nothing: this incident is not on the status page.", "Rien : cet incident n’est pas sur la page d’état.", "Nichts: Dieser Vorfall steht nicht auf der Statusseite.";
        waiting: "A text for customers is written and waits until the incident is published. | {n} texts for customers are written and wait until the incident is published.", "Un texte pour les clients est écrit et attend la publication. | {n} textes pour les clients sont écrits et attendent la publication.", "Ein Text für Kunden ist geschrieben und wartet auf die Veröffentlichung. | {n} Texte für Kunden sind geschrieben und warten auf die Veröffentlichung.";
        no_updates: "No update yet.", "Pas encore de message.", "Noch keine Meldung.";
        started: "started", "début", "Beginn";
        eta: "expected end", "fin prévue", "Ende erwartet";
        open: "Open the public page", "Ouvrir la page publique", "Öffentliche Seite öffnen";
    }
}

/// The public side of an incident as people of the console see it.
pub(super) struct CustomerView {
    pub(super) texts: &'static CustomerTexts,
    pub(super) shown: Option<ShownIncident>,
    /// The sentence about texts that wait for the publication.
    pub(super) waiting: Option<String>,
}

/// An incident on the public page.
pub(super) struct ShownIncident {
    pub(super) view: IncidentView,
    pub(super) href: String,
}

impl CustomerView {
    /// Creates the view of what the public knows of an incident.
    pub(super) fn new(
        frame: &Frame<'_>,
        incident: &Incident,
        public: Option<&HistoryIncident>,
    ) -> Self {
        let texts = CustomerTexts::of(frame.reader.language);
        let lines = incident.status_page.updates.iter();
        let waiting = lines.filter(|line| line.body.is_some()).count();
        let waiting = number_of(waiting);
        let is_waiting = public.is_none() && waiting > 0;
        Self {
            texts,
            shown: public.map(|public| ShownIncident {
                view: views(&frame.reader, frame).incident(public, false),
                href: frame.link(&format!("/status/incidents/{}", public.incident.id)),
            }),
            waiting: is_waiting
                .then(|| crate::web::texts::count(frame.reader.language, texts.waiting, waiting)),
        }
    }
}

fn views(reader: &Reader, frame: &Frame<'_>) -> Views {
    let edition = Edition {
        language: reader.language,
        is_chosen: false,
    };
    Views::new(edition, frame.times.now)
}

/// Loads what the public knows of an incident in a state that need not be stored.
///
/// # Errors
/// Fails if the store did not answer.
pub(super) async fn public_side(
    state: &AppState,
    incident: &Incident,
) -> Result<Option<HistoryIncident>, Problem> {
    let reports = state.incidents().reports();
    Ok(reports.public_view(incident).await?)
}

/// Returns a digest of everything that customers read, without the times of lines: two equal ones
/// read the same.
#[must_use]
pub(super) fn digest(public: Option<&HistoryIncident>) -> String {
    let mut hasher = Sha256::new();
    let mut add = |part: &str| {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part);
    };
    if let Some(HistoryIncident { incident, .. }) = public {
        add(incident.title.as_str());
        add(&format!("{:?} {:?}", incident.status, incident.impact));
        add(&format!("{:?} {:?}", incident.started_at, incident.eta));
        for service in &incident.services {
            add(service.as_str());
        }
        for line in &incident.updates {
            add(&format!("{:?}", line.status));
            add(line.body.as_str());
        }
    }
    let hash = incident_core::chain::Hash(hasher.finalize().into());
    hash.to_string()
}

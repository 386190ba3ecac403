//! `/`: live incidents, the worst first.

pub(crate) mod dismiss;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use incident_core::actor::Action;
use incident_core::incident::{Affected, Outline, Severity, Status};
use incident_core::paging::TargetId;
use incident_core::port::IncidentFilter;
use incident_core::suggestion::{DISMISSAL_TTL, Suggestion};

use crate::http::authorized::Authorized;
use crate::http::permission;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::countdown::Countdown;
use crate::web::filter::FilterFields;
use crate::web::frame::{Frame, Section};
use crate::web::numbers::minutes;
use crate::web::page::{WebPage, WebResult};
use crate::web::page_error::target_and_error;
use crate::web::pagers::wakes_nobody;
use crate::web::reader::Reader;
use crate::web::texts::{count, fill, number_of, texts};

/// Maximum number of incidents on the page.
const SHOWN: usize = 200;
/// Maximum number of suggestions on the page.
const SUGGESTIONS: usize = 3;
/// Number of tenants that a row names.
const NAMED: usize = 2;

texts! {
    /// The texts of the list of live incidents.
    ActiveTexts {
        title: "Active incidents", "Incidents en cours", "Aktive Vorfälle";
        live: "{n} active | {n} active", "{n} en cours | {n} en cours", "{n} aktiv | {n} aktiv";
        severity: "Severity", "Gravité", "Schwere";
        incident: "Incident", "Incident", "Vorfall";
        tenants: "Tenants", "Clients", "Mandanten";
        responder: "Responder", "Responsable", "Zuständig";
        started: "Started", "Début", "Beginn";
        elapsed: "Elapsed", "Durée", "Dauer";
        eta: "ETA", "Fin prévue", "Ende erwartet";
        due: "Due", "À faire", "Fällig";
        page: "Page", "Alerte", "Alarm";
        empty: "No active incident", "Aucun incident en cours", "Kein aktiver Vorfall";
        empty_help: "When something breaks, declare it: the timeline starts.", "Si quelque chose casse, déclarez-le : la chronologie commence.", "Geht etwas kaputt, melden Sie es: Der Verlauf beginnt.";
        empty_api: "Monitoring can do it too:", "La supervision peut aussi le faire :", "Die Überwachung kann es auch:";
        pages_go_to: "Pages go to {targets}, in this order.", "Les alertes sont envoyées à {targets}, dans cet ordre.", "Alarme gehen an {targets}, in dieser Reihenfolge.";
        more: "Only {n} are shown, the worst ones first.", "Seuls {n} sont affichés, les plus graves d’abord.", "Nur {n} sind zu sehen, die schwersten zuerst.";
        unpaged: "Nobody has accepted the page for #{number}", "Personne n’a accepté l’alerte pour #{number}", "Niemand hat den Alarm für #{number} angenommen";
        unpaged_for: "for {time}.", "depuis {time}.", "seit {time}.";
        tried: "Tried last: {target} ({error}).", "Dernière tentative : {target} ({error}).", "Zuletzt versucht: {target} ({error}).";
        open_incident: "Open #{number}", "Ouvrir #{number}", "#{number} öffnen";
        suggestion: "Suggestion: {service} × {tenant}, {signal}", "Suggestion : {service} × {tenant}, {signal}", "Vorschlag: {service} × {tenant}, {signal}";
        since: "since", "depuis", "seit";
        declare_from: "Declare from it", "Déclarer à partir d’elle", "Daraus melden";
        dismiss: "Dismiss", "Écarter", "Verwerfen";
        not_open: "The suggestion was used or dismissed already, or has expired.", "La suggestion a déjà servi, a été écartée ou a expiré.", "Der Vorschlag wurde schon verwendet oder verworfen, oder er ist abgelaufen.";
        dismissed: "The suggestion is dismissed. Repeats of it stay quiet for {time}.", "La suggestion est écartée. Ses répétitions restent muettes pendant {time}.", "Der Vorschlag ist verworfen. Wiederholungen bleiben {time} lang stumm.";
        public: "Customers see", "Les clients voient", "Kunden sehen";
        public_none: "no incident", "aucun incident", "keinen Vorfall";
        public_some: "{n} incident | {n} incidents", "{n} incident | {n} incidents", "{n} Vorfall | {n} Vorfälle";
        view: "View the status page", "Voir la page d’état", "Statusseite ansehen";
        is_public: "public", "public", "öffentlich";
    }
}

/// A row of the list.
struct ActiveRow<'a> {
    outline: &'a Outline,
    tenants: String,
    due: Option<Countdown>,
    is_unpaged: bool,
}

/// A page that nobody has accepted.
struct Unpaged<'a> {
    outline: &'a Outline,
    since: String,
    tried: String,
}

#[derive(Template)]
#[template(path = "active.html")]
struct ActiveListPage<'a> {
    frame: Frame<'a>,
    texts: &'static ActiveTexts,
    heading: String,
    rows: Vec<ActiveRow<'a>>,
    is_cut: bool,
    unpaged: Vec<Unpaged<'a>>,
    suggestions: &'a [Suggestion],
    may_dismiss: bool,
    notice: Option<String>,
    pages_go_to: String,
    public: String,
}

/// Handles `GET /`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized { context, .. }: Authorized<permission::Read>,
    fields: FilterFields,
) -> WebResult {
    let frame = Frame::of(&state, &reader, &context.caller, Section::Active);
    let frame = frame.following(&state).await;
    let (live, is_cut) = live(&state).await?;
    let suggestions = match frame.may_declare {
        true => {
            let signals = state.incidents().signals();
            signals.open_suggestions(SUGGESTIONS).await?
        }
        false => Vec::new(),
    };
    let texts = ActiveTexts::of(reader.language);
    let total = number_of(live.len());
    let public = live.iter().filter(|one| one.public).count();
    let public = match number_of(public) {
        0 => texts.public_none.to_owned(),
        some => count(reader.language, texts.public_some, some),
    };
    let page = ActiveListPage {
        heading: heading(&frame, texts, &live, total),
        rows: live.iter().map(|one| row(&frame, one)).collect(),
        is_cut,
        unpaged: live
            .iter()
            .filter_map(|one| unpaged(&frame, texts, one))
            .collect(),
        suggestions: &suggestions,
        may_dismiss: state
            .incidents()
            .may(&context.caller, Action::DismissSuggestion),
        pages_go_to: pages_go_to(&state, &frame, texts),
        notice: notice(&frame, texts, &fields),
        public,
        frame,
        texts,
    };
    WebPage::ok(&page)
}

/// Returns live incidents, the worst first, then the oldest; and whether some did not fit. If there
/// are too many, the worst ones are among those that do.
async fn live(state: &AppState) -> Result<(Vec<Outline>, bool), Problem> {
    let filter = IncidentFilter {
        statuses: Status::live(),
        limit: SHOWN + 1,
        skip_unreadable: true,
        ..IncidentFilter::default()
    };
    let mut found = state.incidents().list(&filter).await?;
    let is_cut = found.len() > SHOWN;
    if is_cut {
        found.clear();
        for severity in Severity::ALL {
            let of_severity = IncidentFilter {
                severity: Some(severity),
                limit: SHOWN - found.len(),
                ..filter.clone()
            };
            if of_severity.limit > 0 {
                found.extend(state.incidents().list(&of_severity).await?);
            }
        }
    }
    found.sort_by_key(|one| (one.severity, one.started_at, one.number));
    Ok((found, is_cut))
}

/// Returns what became of a dismissal, if the list was opened after one.
fn notice(frame: &Frame<'_>, texts: &ActiveTexts, fields: &FilterFields) -> Option<String> {
    match fields.get(dismiss::RESULT) {
        "" => None,
        dismiss::NOT_OPEN => Some(texts.not_open.to_owned()),
        _ => {
            let lasts = DISMISSAL_TTL.as_secs() * 1_000_000;
            let time = minutes(frame.reader.language, lasts);
            Some(fill(texts.dismissed, &[("time", &time)]))
        }
    }
}

/// Returns the sentence about who is woken.
fn pages_go_to(state: &AppState, frame: &Frame<'_>, texts: &ActiveTexts) -> String {
    let targets = state.incidents().paging().targets();
    if let Some(warning) = wakes_nobody(frame.reader.language, &targets) {
        return warning.to_owned();
    }
    let names: Vec<&str> = targets.iter().map(TargetId::name).collect();
    fill(texts.pages_go_to, &[("targets", &names.join(", "))])
}

/// Returns the title of the browser's tab: the number and the worst severity first.
fn heading(frame: &Frame<'_>, texts: &ActiveTexts, live: &[Outline], total: u64) -> String {
    let Some(worst) = live.first() else {
        return texts.title.to_owned();
    };
    let number = count(frame.reader.language, texts.live, total);
    format!("{} · {number}", worst.severity)
}

fn row<'a>(frame: &Frame<'_>, outline: &'a Outline) -> ActiveRow<'a> {
    ActiveRow {
        tenants: tenants(frame, outline),
        due: outline
            .deadline
            .map(|deadline| Countdown::of_deadline(frame, deadline)),
        is_unpaged: is_unpaged(outline),
        outline,
    }
}

/// Returns the tenants in a few words: the first two, and the number of the others.
pub(super) fn tenants(frame: &Frame<'_>, outline: &Outline) -> String {
    let Affected::These(rows) = &outline.affected_tenants else {
        return frame.common.all_tenants.to_owned();
    };
    let names: Vec<&str> = rows.iter().map(|row| row.tenant_id.as_str()).collect();
    let total = outline.affected_tenants_total.unwrap_or_default();
    frame.named(&names, NAMED, total)
}

/// Returns `true` if nobody has accepted the page of an incident, and somebody should have.
fn is_unpaged(outline: &Outline) -> bool {
    !outline.is_acknowledged() && outline.paging.is_unaccepted()
}

/// Returns the alarm about a page that nobody has accepted.
fn unpaged<'a>(
    frame: &Frame<'_>,
    texts: &ActiveTexts,
    outline: &'a Outline,
) -> Option<Unpaged<'a>> {
    if !is_unpaged(outline) {
        return None;
    }
    let paging = &outline.paging;
    let since = paging.begun_at.unwrap_or(outline.declared_at);
    let since = frame.times.between(&since, &frame.times.now);
    let (target, error) = target_and_error(paging);
    let tried = target.zip(error);
    Some(Unpaged {
        outline,
        since: fill(texts.unpaged_for, &[("time", &since)]),
        tried: tried.map_or_else(String::new, |(target, error)| {
            fill(texts.tried, &[("target", target), ("error", error)])
        }),
    })
}

//! What the public sees: a type of its own, made only of what was written for
//! the public.
//!
//! [`PublicIncident`] has no field that could hold an internal text: titles and
//! bodies are [`PublicText`], services appear under their public names, and ids
//! are [`PublicId`]s. There is no conversion from internal types.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::incident::{Incident, Publish, Severity, Status, Updated};
use crate::{IncidentId, PublicId, PublicText, ServiceId, Timestamp};

/// How long an incident stays on the page after it was resolved.
pub const RESOLVED_STAYS: Duration = Duration::from_secs(24 * 60 * 60);

/// One line of the public history, kept with the incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaceUpdate {
    /// The entry it comes from.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The status it led to.
    pub status: Status,
    /// Whether the status changed: then it shows even without a text.
    pub transition: bool,
    /// The text written for the public.
    pub body: Option<PublicText>,
    /// The entry that text comes from: that of a correction, if there was one.
    pub body_seq: u64,
}

/// The public side of an incident, whether shown or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicFace {
    /// The public id.
    pub id: PublicId,
    /// Whether it is shown.
    pub public: bool,
    /// The title written for the public.
    pub title: Option<PublicText>,
    /// What the public may read, in order of the timeline.
    pub updates: Vec<FaceUpdate>,
    /// When the public side last changed.
    pub changed_at: Timestamp,
}

impl PublicFace {
    pub(crate) const fn hidden(id: PublicId, now: Timestamp) -> Self {
        Self {
            id,
            public: false,
            title: None,
            updates: Vec::new(),
            changed_at: now,
        }
    }

    pub(crate) const fn touched(&mut self, now: Timestamp) {
        self.changed_at = now;
    }

    pub(crate) fn publish(&mut self, publish: &Publish, seq: u64, now: Timestamp, status: Status) {
        self.public = publish.public;
        if let Some(title) = &publish.title {
            self.title = Some(title.clone());
        }
        if let Some(body) = &publish.message {
            self.updates.push(FaceUpdate {
                seq,
                at: now,
                status,
                transition: false,
                body: Some(body.clone()),
                body_seq: seq,
            });
        }
        self.changed_at = now;
    }

    pub(crate) fn update(&mut self, updated: &Updated, seq: u64, now: Timestamp) {
        if let (Some(corrected), Some(body)) = (updated.corrects, &updated.public_message)
            && let Some(shown) = self.updates.iter_mut().find(|shown| shown.seq == corrected)
        {
            shown.body = Some(body.clone());
            shown.body_seq = seq;
            self.changed_at = now;
            return;
        }
        if updated.transition.is_none() && updated.public_message.is_none() {
            return;
        }
        let status = updated
            .transition
            .map_or_else(|| self.last_status(), |transition| transition.to);
        self.updates.push(FaceUpdate {
            seq,
            at: updated.occurred_at,
            status,
            transition: updated.transition.is_some(),
            body: updated.public_message.clone(),
            body_seq: seq,
        });
        self.changed_at = now;
    }

    /// Takes in the public side of an incident that is merged into this one.
    pub(crate) fn take_in(&mut self, _source: IncidentId, face: &Self, now: Timestamp) {
        self.public |= face.public;
        self.changed_at = now;
    }

    pub(crate) fn redact(&mut self, seq: u64, now: Timestamp) {
        for shown in &mut self.updates {
            if shown.body_seq == seq {
                shown.body = None;
            }
        }
        self.changed_at = now;
    }

    fn last_status(&self) -> Status {
        self.updates
            .last()
            .map_or(Status::Triage, |shown| shown.status)
    }
}

/// A status as the public knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicStatus {
    /// We are looking into it.
    Investigating,
    /// The cause is known.
    Identified,
    /// A fix is in place.
    Monitoring,
    /// It is over.
    Resolved,
}

impl PublicStatus {
    /// The public name of a status; none for those the page does not show.
    const fn of(status: Status) -> Option<Self> {
        match status {
            Status::Triage | Status::Investigating => Some(Self::Investigating),
            Status::Identified => Some(Self::Identified),
            Status::Mitigated => Some(Self::Monitoring),
            Status::Resolved | Status::Closed => Some(Self::Resolved),
            Status::Cancelled | Status::Merged => None,
        }
    }

    /// The sentence for a change of status that came without a public text.
    const fn neutral(self) -> &'static str {
        match self {
            Self::Investigating => "We are investigating this incident.",
            Self::Identified => "The cause has been identified.",
            Self::Monitoring => "A fix is in place and we are monitoring the results.",
            Self::Resolved => "This incident has been resolved.",
        }
    }
}

/// How bad it is, as the public knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// Nothing is wrong.
    None,
    /// SEV4 or SEV3.
    Minor,
    /// SEV2.
    Major,
    /// SEV1.
    Critical,
}

impl Indicator {
    /// The public word for a severity.
    #[must_use]
    pub const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Sev1 => Self::Critical,
            Severity::Sev2 => Self::Major,
            Severity::Sev3 | Severity::Sev4 => Self::Minor,
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::None => "All systems operational",
            Self::Minor => "Minor service disruption",
            Self::Major => "Major service disruption",
            Self::Critical => "Critical service outage",
        }
    }
}

/// One line of an incident's public history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicUpdate {
    /// When.
    pub at: Timestamp,
    /// The status it led to.
    pub status: PublicStatus,
    /// The text written for the public, or a neutral sentence.
    pub body: PublicText,
}

/// An incident as the public sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicIncident {
    /// The public id.
    pub id: PublicId,
    /// The title written for the public, or a neutral one.
    pub title: PublicText,
    /// Where it stands.
    pub status: PublicStatus,
    /// How bad it is.
    pub impact: Indicator,
    /// Public names of the services hit.
    pub services: Vec<PublicText>,
    /// Start of the impact.
    pub started_at: Timestamp,
    /// When its public side last changed.
    pub updated_at: Timestamp,
    /// When it should be over.
    pub eta: Option<Timestamp>,
    /// Its public history, newest first.
    pub updates: Vec<PublicUpdate>,
}

/// The state of everything in one word and one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Overall {
    /// The worst public live incident.
    pub indicator: Indicator,
    /// The same for people.
    pub description: &'static str,
}

/// The content of the public page, without the time it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicPage {
    /// The state of everything.
    pub status: Overall,
    /// Live incidents and those resolved in the last 24 hours; newest first.
    pub incidents: Vec<PublicIncident>,
}

/// The public names of services; one without a name is never shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicNames(BTreeMap<ServiceId, PublicText>);

impl PublicNames {
    /// Names a service for the public.
    #[must_use]
    pub fn with(mut self, service: ServiceId, name: PublicText) -> Self {
        self.0.insert(service, name);
        self
    }

    fn of(&self, services: &[ServiceId]) -> Vec<PublicText> {
        services
            .iter()
            .filter_map(|service| self.0.get(service).cloned())
            .collect()
    }
}

/// What the public sees of an incident at `now`: nothing unless it was made
/// public and is live or was resolved in the last 24 hours.
#[must_use]
pub fn show(incident: &Incident, names: &PublicNames, now: Timestamp) -> Option<PublicIncident> {
    let face = &incident.face;
    let status = PublicStatus::of(incident.status)?;
    let over = incident
        .resolved_at
        .is_some_and(|at| at.saturating_add(RESOLVED_STAYS) <= now);
    if !face.public || (status == PublicStatus::Resolved && over) {
        return None;
    }
    let services = names.of(&incident.affected_services);
    let mut updates: Vec<PublicUpdate> = face.updates.iter().filter_map(line).collect();
    updates.reverse();
    Some(PublicIncident {
        id: face.id,
        title: face
            .title
            .clone()
            .unwrap_or_else(|| neutral_title(&services)),
        status,
        impact: Indicator::of(incident.severity),
        services,
        started_at: incident.started_at,
        updated_at: face.changed_at,
        eta: incident.eta,
        updates,
    })
}

fn line(shown: &FaceUpdate) -> Option<PublicUpdate> {
    let status = PublicStatus::of(shown.status)?;
    let body = match &shown.body {
        Some(body) => body.clone(),
        None if shown.transition => PublicText::made(status.neutral()),
        None => return None,
    };
    Some(PublicUpdate {
        at: shown.at,
        status,
        body,
    })
}

fn neutral_title(services: &[PublicText]) -> PublicText {
    let names: Vec<&str> = services.iter().map(PublicText::as_str).collect();
    PublicText::made(&match names.as_slice() {
        [] => "Service disruption".to_owned(),
        names => format!("Service disruption: {}", names.join(", ")),
    })
}

/// The page made of what is shown of each incident.
#[must_use]
pub fn page(mut incidents: Vec<PublicIncident>) -> PublicPage {
    incidents.sort_by(|a, b| b.started_at.cmp(&a.started_at).then(a.id.cmp(&b.id)));
    let live = incidents
        .iter()
        .filter(|incident| incident.status != PublicStatus::Resolved);
    let indicator = live
        .map(|incident| incident.impact)
        .max()
        .unwrap_or(Indicator::None);
    PublicPage {
        status: Overall {
            indicator,
            description: indicator.description(),
        },
        incidents,
    }
}

//! The public view of one incident.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::PublicUpdate;
use super::lines::mixed;
use super::words::{Indicator, PublicStatus};
use crate::incident::StatusPageEntry;
use crate::incident::{Incident, Status};
use crate::{IncidentId, PublicId, PublicText, ServiceId, Timestamp};

/// An incident as the public sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct PublicIncident {
    /// The public id.
    pub id: PublicId,
    /// The title written for the public, or a neutral one.
    pub title: PublicText,
    /// `true` if the title is the neutral one, for pages in other languages.
    #[serde(skip)]
    pub has_standard_title: bool,
    /// Public status.
    pub status: PublicStatus,
    /// Public severity.
    pub impact: Indicator,
    /// Public names of the services hit.
    pub services: Vec<PublicText>,
    /// Start of the impact.
    pub started_at: Timestamp,
    /// Time of the last change of its public side.
    pub updated_at: Timestamp,
    /// Expected end.
    pub eta: Option<Timestamp>,
    /// Its public history, newest first.
    pub updates: Vec<PublicUpdate>,
    /// Number of older updates that are left out.
    pub updates_omitted: u64,
}

/// The public names of services; a service without one is never shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicNames(BTreeMap<ServiceId, PublicText>);

impl PublicNames {
    /// Adds the public name of a service.
    #[must_use]
    pub fn with(mut self, service: ServiceId, name: PublicText) -> Self {
        self.0.insert(service, name);
        self
    }

    /// Returns the services that have a name, by id.
    pub(crate) fn services(&self) -> impl Iterator<Item = &ServiceId> {
        self.0.keys()
    }

    fn of(&self, services: &[ServiceId]) -> Vec<PublicText> {
        services
            .iter()
            .filter_map(|service| self.0.get(service).cloned())
            .collect()
    }
}

/// Returns `true` if an incident is public, and live or resolved or cancelled after `since`.
///
/// A merged incident is not shown; its updates are, in the incident that it was merged into.
#[must_use]
pub fn is_shown(incident: &Incident, since: Timestamp) -> bool {
    let here = match incident.status {
        Status::Merged => false,
        // Incidents that were cancelled before that time was stored have none.
        Status::Cancelled => incident.over_at().is_some_and(|at| since < at),
        Status::Resolved | Status::Closed => incident.over_at().is_none_or(|at| since < at),
        Status::Triage | Status::Investigating | Status::Identified | Status::Mitigated => true,
    };
    incident.status_page.public && here
}

/// Returns the public view of an incident of any age; nothing if it is not public, or was merged.
///
/// A page shows it only while [`is_shown`] says so.
///
/// `sources` are incidents that were merged into others. The updates of those that this one names,
/// and that are public themselves, are mixed in by time; each has the status that was in force in
/// its own incident.
#[must_use]
pub fn public_incident(
    incident: &Incident,
    sources: &[Arc<Incident>],
    names: &PublicNames,
) -> Option<PublicIncident> {
    if !incident.status_page.public {
        return None;
    }
    let status = PublicStatus::of(incident.status)?;
    let entry = &incident.status_page;
    let merged = || {
        let all = sources.iter().map(Arc::as_ref);
        all.filter(|source| source.status_page.public && entry.merged.contains(&source.id))
    };
    let (updates, updates_omitted) = mixed(std::iter::once(incident).chain(merged()));
    let services = names.of(&incident.affected_services);
    let title = title(entry, merged);
    Some(PublicIncident {
        id: entry.id,
        has_standard_title: title.is_none(),
        title: title.unwrap_or_else(|| neutral_title(&services)),
        status,
        impact: Indicator::of(incident.severity),
        services,
        started_at: incident.started_at,
        updated_at: merged()
            .map(|source| source.status_page.changed_at)
            .fold(entry.changed_at, Timestamp::max),
        eta: incident.eta,
        updates,
        updates_omitted,
    })
}

/// Returns the title of an incident, or of the first one merged into it that has one.
fn title<'a, I>(entry: &StatusPageEntry, merged: impl Fn() -> I) -> Option<PublicText>
where
    I: Iterator<Item = &'a Incident>,
{
    let own = entry.title.clone();
    own.or_else(|| {
        let named = |id: &IncidentId| merged().find(|source| source.id == *id);
        let titles = entry.merged.iter().filter_map(named);
        titles
            .filter_map(|source| source.status_page.title.clone())
            .next()
    })
}

fn neutral_title(services: &[PublicText]) -> PublicText {
    let names: Vec<&str> = services.iter().map(PublicText::as_str).collect();
    PublicText::made(&match names.as_slice() {
        [] => "Service disruption".to_owned(),
        names => format!("Service disruption: {}", names.join(", ")),
    })
}

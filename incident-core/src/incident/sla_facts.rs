//! The facts from which the figures of SLA and billing are computed.

use serde::Serialize;

use super::{Affected, Ending, Incident, Mode, Scope};
use crate::{IncidentId, Name, Timestamp, Window, Windows};

/// The facts of an incident that statements, reports and credits are computed from.
///
/// All figures are computed from this type alone. A command that changes it recomputes the credits
/// of an incident that ended: a field that is added here moves the ledger, and a field that is not
/// here moves no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaFacts<'a> {
    incident: IncidentId,
    mode: Mode,
    environment: &'a Name,
    ending: Option<Ending>,
    open: bool,
    partial: bool,
    tenants: &'a Affected,
    started_at: Timestamp,
    earlier: &'a [Window],
    reopened_at: Option<Timestamp>,
    impact_ended_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
}

/// An interval of an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct OutageInterval {
    /// Its start.
    pub start: Timestamp,
    /// Its end, exclusive; `None` while the outage goes on.
    pub end: Option<Timestamp>,
}

impl OutageInterval {
    /// Returns the time from its start to its end, or to `open_end` if it has no end; `None` if
    /// that is empty.
    pub(super) fn window(self, open_end: Timestamp) -> Option<Window> {
        Window::non_empty(self.start, self.end.unwrap_or(open_end))
    }
}

impl<'a> SlaFacts<'a> {
    /// Creates the facts of an incident as it stands.
    #[must_use]
    pub fn of(incident: &'a Incident) -> Self {
        Self {
            incident: incident.id,
            mode: incident.mode,
            environment: &incident.environment,
            ending: incident.ending,
            open: incident.status.is_live(),
            partial: match incident.facts.scope {
                Some(Scope::Regions | Scope::Segments) => true,
                Some(Scope::All) | None => false,
            },
            tenants: &incident.affected_tenants,
            started_at: incident.started_at,
            earlier: &incident.earlier,
            reopened_at: incident.reopened_at,
            impact_ended_at: incident.impact_ended_at,
            resolved_at: incident.resolved_at,
        }
    }

    /// Returns the id of the incident.
    #[must_use]
    pub const fn incident(&self) -> IncidentId {
        self.incident
    }

    /// Returns the tenants it hit.
    #[must_use]
    pub const fn tenants(&self) -> &'a Affected {
        self.tenants
    }

    /// Returns `true` if it is live, so that a report about it may still change by itself.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Returns `true` if it hit regions or segments only, so that terms may weigh it less.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.partial
    }

    /// Returns the reason why it is excluded from SLA and billing, if it is.
    #[must_use]
    pub fn excluded(&self) -> Option<String> {
        match (self.mode, self.ending) {
            (Mode::Drill, _) => Some("drill".to_owned()),
            (_, Some(Ending::Cancelled(_))) => Some("cancelled".to_owned()),
            (_, Some(Ending::MergedInto(_))) => Some("merged".to_owned()),
            _ if self.environment.as_str() != Incident::PRODUCTION => {
                Some(self.environment.to_string())
            }
            _ => None,
        }
    }

    /// Returns every interval of the outage. They are not joined.
    pub fn intervals(&self) -> impl Iterator<Item = OutageInterval> + 'a {
        let current = OutageInterval {
            start: self.reopened_at.unwrap_or(self.started_at),
            end: self.end_of_outage(),
        };
        let earlier = self.earlier.iter().map(|window| OutageInterval {
            start: window.start(),
            end: Some(window.end()),
        });
        earlier.chain([current])
    }

    /// Returns the outage as a set of disjoint windows. An interval without an end runs until
    /// `now`.
    #[must_use]
    pub fn outage(&self, now: Timestamp) -> Windows {
        self.intervals()
            .filter_map(|interval| interval.window(now))
            .collect()
    }

    /// Returns the end of its newest outage, if it has one.
    #[must_use]
    pub fn end_of_outage(&self) -> Option<Timestamp> {
        self.impact_ended_at.or(self.resolved_at)
    }

    /// Returns the time of the resolution, or `now`. An incident without an outage is credited with
    /// nothing, in the period of that time.
    #[must_use]
    pub fn end(&self, now: Timestamp) -> Timestamp {
        self.resolved_at.unwrap_or(now)
    }
}

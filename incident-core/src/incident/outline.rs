//! Outlines: incidents as lists show them.

use serde::{Deserialize, Serialize};

use super::{Affected, Incident, NextDeadline, Severity, Status, is_acknowledged};
use crate::paging::Paging;
use crate::{IncidentId, PersonName, Revision, ServiceId, Timestamp, Title};

/// Maximum number of tenants in an outline.
pub const OUTLINE_TENANTS: usize = 20;

/// The summary of an incident in a list. It is small for any number of tenants and any length of
/// texts, and a store reads no more than this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The id.
    pub id: IncidentId,
    /// Short number for people.
    pub number: u64,
    /// Number of times it was written.
    pub revision: Revision,
    /// The title, internal.
    pub title: Title,
    /// The severity.
    pub severity: Severity,
    /// The status.
    pub status: Status,
    /// The services it hits.
    pub affected_services: Vec<ServiceId>,
    /// The first [`OUTLINE_TENANTS`] tenants it hits.
    pub affected_tenants: Affected,
    /// Number of rows in the whole list of tenants; `None` if it hits all tenants.
    pub affected_tenants_total: Option<u64>,
    /// The person responsible for the response.
    pub responder: Option<PersonName>,
    /// Start of the impact.
    pub started_at: Timestamp,
    /// End of the impact, if it was stated.
    pub impact_ended_at: Option<Timestamp>,
    /// Time of the resolution.
    pub resolved_at: Option<Timestamp>,
    /// Time of the cancellation.
    pub cancelled_at: Option<Timestamp>,
    /// Time of the declaration.
    pub declared_at: Timestamp,
    /// Time of the first acknowledgement.
    pub acknowledged_at: Option<Timestamp>,
    /// Expected end.
    pub eta: Option<Timestamp>,
    /// Due time of the next update.
    pub next_update_due_at: Option<Timestamp>,
    /// The earliest deadline of its clocks.
    #[serde(default)]
    pub deadline: Option<NextDeadline>,
    /// Set if the public sees it.
    pub public: bool,
    /// State of its page.
    pub paging: Paging,
}

impl Outline {
    /// Creates the outline of an incident.
    #[must_use]
    pub fn of(incident: &Incident) -> Self {
        Self {
            id: incident.id,
            number: incident.number,
            revision: incident.revision,
            title: incident.title.clone(),
            severity: incident.severity,
            status: incident.status,
            affected_services: incident.affected_services.clone(),
            affected_tenants: incident.affected_tenants.first(OUTLINE_TENANTS),
            affected_tenants_total: incident.affected_tenants.rows(),
            responder: incident.responder.clone(),
            started_at: incident.started_at,
            impact_ended_at: incident.impact_ended_at,
            resolved_at: incident.resolved_at,
            cancelled_at: incident.cancelled_at,
            declared_at: incident.declared_at,
            acknowledged_at: incident.acknowledged_at,
            eta: incident.eta,
            next_update_due_at: incident.next_update_due_at,
            deadline: incident.clocks.deadline,
            public: incident.status_page.public,
            paging: incident.paging.clone(),
        }
    }

    /// Returns the time at which it was resolved or cancelled, as [`Incident::over_at`] does.
    #[must_use]
    pub fn over_at(&self) -> Option<Timestamp> {
        self.resolved_at.or(self.cancelled_at)
    }

    /// Returns the end of the impact: as stated, else the time of the resolution.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.impact_ended_at.or(self.resolved_at)
    }

    /// Returns `true` if it is acknowledged, as [`Incident::is_acknowledged`] does.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        is_acknowledged(self.acknowledged_at, &self.paging)
    }
}

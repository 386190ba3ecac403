//! An incident as lists show it.

use serde::{Deserialize, Serialize};

use super::{Affected, Incident, Severity, Status, is_acknowledged};
use crate::paging::Paging;
use crate::{IncidentId, PersonName, Revision, ServiceId, Timestamp, Title};

/// The number of tenants that an outline names.
pub const OUTLINE_TENANTS: usize = 20;

/// What a list shows of an incident. However many tenants and however long texts the
/// incident has, an outline is small: a store reads no more than that of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The id.
    pub id: IncidentId,
    /// A short number for people.
    pub number: u64,
    /// How often it was written.
    pub revision: Revision,
    /// The title, internal.
    pub title: Title,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: Status,
    /// The services it hits.
    pub affected_services: Vec<ServiceId>,
    /// The first [`OUTLINE_TENANTS`] tenants it hits.
    pub affected_tenants: Affected,
    /// The number of rows in the whole list of tenants; none where it hits all tenants.
    pub affected_tenants_total: Option<u64>,
    /// Who answers for it.
    pub responder: Option<PersonName>,
    /// Start of the impact.
    pub started_at: Timestamp,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// When it should be over.
    pub eta: Option<Timestamp>,
    /// When the next update is due.
    pub next_update_due_at: Option<Timestamp>,
    /// Whether the public sees it.
    pub public: bool,
    /// Where its page stands.
    pub paging: Paging,
}

impl Outline {
    /// The outline of an incident.
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
            declared_at: incident.declared_at,
            acknowledged_at: incident.acknowledged_at,
            eta: incident.eta,
            next_update_due_at: incident.next_update_due_at,
            public: incident.status_page.public,
            paging: incident.paging.clone(),
        }
    }

    /// Whether somebody has it, as [`Incident::is_acknowledged`].
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        is_acknowledged(self.acknowledged_at, &self.paging)
    }
}

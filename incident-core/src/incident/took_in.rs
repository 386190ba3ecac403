//! The facts that an incident takes in when another one is merged into it.

use std::sync::Arc;

use super::{Change, StatusPageEntry};
use crate::window::Window;
use crate::{IncidentId, Name, PersonName, Timestamp};

/// The facts that an incident takes in when another one is merged into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TookIn {
    /// The incident that ended.
    pub from: IncidentId,
    /// Its number for people.
    pub number: u64,
    /// The fields that change.
    pub changes: Vec<Change>,
    /// The outage of both together.
    pub(super) outage: OutageIntervals,
    /// The alerts that the other one stood for and this one did not.
    pub(super) alerts: Vec<Name>,
    /// The public side of the other one.
    pub(super) entry: Box<StatusPageEntry>,
    /// Set if the other one was live, had paged and was not acknowledged.
    pub(crate) was_paging: bool,
    /// The people who shaped the outage of the other one.
    pub(super) shaped_by: Arc<[PersonName]>,
}

/// The intervals of an outage, as a state holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutageIntervals {
    pub(super) started_at: Timestamp,
    pub(super) started_at_assumed: bool,
    pub(super) earlier: Vec<Window>,
    pub(super) reopened_at: Option<Timestamp>,
    pub(super) impact_ended_at: Option<Timestamp>,
}

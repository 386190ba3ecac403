//! The figures of the incidents whose pages were loaded last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use incident_core::{IncidentId, Timestamp, Version};
use tokio::sync::watch;

/// The users of one tenant.
#[derive(Clone, Debug)]
pub(super) struct TenantUsers {
    pub(super) tenant: String,
    pub(super) users: u64,
    /// The usual number; none if it is unknown.
    pub(super) usual: Option<u64>,
}

/// The users that are hit first in a part of the outage.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstUsers {
    pub(super) from: Timestamp,
    pub(super) users: u64,
}

/// The figures of an incident.
#[derive(Clone, Debug)]
pub(super) struct ImpactFigures {
    pub(super) users: u64,
    /// The usual number of all tenants together; none if that of one is unknown.
    pub(super) usual: Option<u64>,
    pub(super) provisional: bool,
    /// The tenants with the most users, and the number of the others.
    pub(super) tenants: Vec<TenantUsers>,
    pub(super) more_tenants: usize,
    /// The first hits, in parts of equal length.
    pub(super) first_hits: Vec<FirstUsers>,
    /// Length of a part, in minutes.
    pub(super) minutes: u64,
}

/// The reason why there are no figures.
#[derive(Clone, Debug)]
pub(super) enum NoFigures {
    /// The host has no usage source, or no list of all tenants.
    NotConfigured,
    /// The source did not answer.
    Unavailable,
    /// The source still counts.
    Counting,
}

/// An outcome of counting.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) at: Timestamp,
    pub(super) version: Version,
    pub(super) figures: Result<ImpactFigures, NoFigures>,
}

pub(super) type Outcome = Option<Arc<Counted>>;

/// The newest figures of an incident, and the count that runs.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pub(super) newest: Outcome,
    pub(super) running: Option<watch::Receiver<Outcome>>,
}

/// The figures of the incidents whose pages were loaded last.
#[derive(Debug, Default)]
pub(crate) struct FigureMemory(Mutex<BTreeMap<IncidentId, Remembered>>);

impl FigureMemory {
    /// Locks the figures.
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<IncidentId, Remembered>> {
        // A panic elsewhere leaves figures that are old at worst.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

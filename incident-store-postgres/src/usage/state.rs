//! The state of a usage source.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident_core::impact::IncrementalCache;
use incident_core::port::UsageError;
use tokio::time::Instant;

use super::latency::LatencyTracker;
use super::shared_count::SharedCount;
use super::table::UsageTable;
use crate::access::PgServer;
use crate::failure::{Failure, Late};

/// A usage source that counts distinct users exactly, in `incident.usage_events` or in the
/// host's table. Clones share the pool and the state.
///
/// As a [`TenantDirectory`](incident_core::port::TenantDirectory) it lists every tenant that
/// has an event.
#[derive(Clone, Debug)]
pub struct PgUsage {
    pub(super) server: PgServer,
    pub(super) table: UsageTable,
    pub(super) key: TenantKey,
    pub(super) connections: usize,
    /// Days that are known to have a partition.
    pub(super) days: Arc<Mutex<BTreeSet<i64>>>,
    pub(super) latency: LatencyTracker,
    /// The moment from which the cache measures time.
    pub(super) started: Instant,
    /// The cache of recent queries.
    pub(super) live: Arc<Mutex<IncrementalCache<tokio::sync::Mutex<SharedCount>>>>,
    /// Duration of a query from which it is followed.
    pub(super) follow_from: Duration,
    /// Maximum number of days that have a partition.
    pub(super) most_days: usize,
}

/// The type of the tenant column. A parameter is cast to it and never the column, which would
/// prevent the use of its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TenantKey {
    Text,
    Uuid,
    Integer,
}

pub(super) fn usage_error(failure: Failure) -> UsageError {
    match failure {
        Failure::Before(source) | Failure::During(source) if source.is::<Late>() => {
            UsageError::TimedOut
        }
        Failure::Before(source)
        | Failure::NotSent(source)
        | Failure::During(source)
        | Failure::Unreadable(source) => UsageError::Unavailable(source),
        Failure::Server(error) => UsageError::Unavailable(Box::new(error)),
    }
}

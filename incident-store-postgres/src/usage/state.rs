//! The parts of a usage source.

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

/// Counts distinct users exactly, in our own table or in the host's. Clones
/// share its pool, and what it knows.
///
/// As a [`TenantDirectory`](incident_core::port::TenantDirectory) it answers with every tenant
/// that has an event.
#[derive(Clone, Debug)]
pub struct PgUsage {
    pub(super) server: PgServer,
    pub(super) table: UsageTable,
    pub(super) key: TenantKey,
    pub(super) connections: usize,
    /// Days that are known to have a partition.
    pub(super) days: Arc<Mutex<BTreeSet<i64>>>,
    pub(super) latency: LatencyTracker,
    /// The moment from which the cache counts time.
    pub(super) started: Instant,
    /// The queries that were asked lately.
    pub(super) live: Arc<Mutex<IncrementalCache<tokio::sync::Mutex<SharedCount>>>>,
    /// A question that takes as long is followed.
    pub(super) follow_from: Duration,
    /// So many days have a partition at most.
    pub(super) most_days: usize,
}

/// The type of the column of tenants: a parameter is cast to it, never the
/// column, which would leave its index unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TenantKey {
    Text,
    Uuid,
    Integer,
}

pub(super) fn usage_error(failure: Failure) -> UsageError {
    match failure {
        Failure::Before(source) | Failure::During(source) if source.is::<Late>() => {
            UsageError::TimedOut {
                tenants: 0,
                events: None,
            }
        }
        Failure::Before(source)
        | Failure::NotSent(source)
        | Failure::During(source)
        | Failure::Unreadable(source) => UsageError::Unavailable(source),
        Failure::Server(error) => UsageError::Unavailable(Box::new(error)),
    }
}

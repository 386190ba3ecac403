//! The ports to usage events.

use std::error::Error as StdError;
use std::time::Duration;

use async_trait::async_trait;

use crate::TenantId;
use crate::impact::{ApiUsageEvent, Breakdown, ImpactCounts, ImpactQuery, UserPage};

/// An error of a usage source or sink.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// The sink has no room for the events. Nothing of the batch was stored. **Handling:**
    /// raise the limit, or use a source that holds more; nothing is dropped by age.
    #[error(
        "the usage source is full: it holds {held} bytes of events; the limit is {limit} bytes"
    )]
    Full {
        /// Approximate size of the stored events, in bytes.
        held: u64,
        /// Maximum size, in bytes.
        limit: u64,
    },
    /// The events would lie on more days than the limit. Nothing of the batch was stored.
    /// **Handling:** drop days that are no longer needed.
    #[error("usage events would cover {days} days; the limit is {limit}")]
    TooManyDays {
        /// Number of days with the batch.
        days: u64,
        /// Maximum number of days.
        limit: u64,
    },
    /// The source cannot be reached. **Handling:** try again later.
    #[error("the usage source is unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The query was too large for its time-out. **Handling:** ask with more time, for less, or
    /// for an estimate.
    #[error("the usage query timed out: {tenants} tenants, {} events", event_count(*.events))]
    QueryTimedOut {
        /// Number of tenants in the query.
        tenants: usize,
        /// Approximate number of events in the query, if the source knows it.
        events: Option<u64>,
    },
    /// A batch was not stored, or the tenants were not listed, in time. The batch may be stored
    /// all the same. **Handling:** send it again: an event that arrives twice counts once.
    #[error("the usage source timed out")]
    TimedOut,
    /// The source does not accept this query or batch. Nothing of a batch was stored.
    /// **Handling:** change it as the message says.
    #[error("{0}")]
    Refused(String),
}

fn event_count(events: Option<u64>) -> String {
    events.map_or_else(
        || "an unknown number of".to_owned(),
        |events| format!("about {events}"),
    )
}

/// A source that counts distinct users.
///
/// # Contract
/// **Ordered:** the answer does not depend on the order in which events arrived; rows are in
/// the order of the query, zeros included.
/// **Idempotent:** an event that arrived twice counts once. A query that is repeated with a
/// later end may cost only the new part: its answer is the same as if it were the first, late
/// events included.
/// **Isolated:** a batch is seen whole or not at all.
/// **Bounded:** answers within `timeout`, or with [`UsageError::QueryTimedOut`].
/// **Errors:** [`unique_users`](UsageSource::unique_users) is exact or an error, never an
/// estimate.
#[async_trait]
pub trait UsageSource: Send + Sync {
    /// Returns its name in reports: `memory`, `postgres`.
    fn name(&self) -> &'static str;

    /// Counts distinct users. The answer equals that of [`impact::scan`](crate::impact::scan).
    async fn unique_users(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError>;

    /// Estimates distinct users, with bounds. A source that has no faster way than to count
    /// returns the counts, as estimates [without error](ImpactCounts::with_relative_error).
    async fn estimates(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError>;

    /// Breaks the users down by time of their first hit, by service and by endpoint.
    ///
    /// The answer equals that of [`impact::break_down`](crate::impact::break_down). A source
    /// that does not know services or endpoints leaves those rows out.
    async fn breakdown(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<Breakdown, UsageError>;

    /// Lists the distinct users of a query over all its tenants, in the order of the bytes of their
    /// names: the first `limit` after the name `after`.
    ///
    /// The answer equals that of [`impact::list_users`](crate::impact::list_users). The source holds
    /// no more names at a time than a page has, besides what it needs to count.
    async fn users(
        &self,
        query: &ImpactQuery,
        after: Option<&str>,
        limit: usize,
        timeout: Duration,
    ) -> Result<UserPage, UsageError>;
}

/// A sink for usage events.
///
/// # Contract
/// **Atomic:** a batch is stored whole or not at all.
/// **Idempotent:** a batch may be sent again.
/// **Bounded:** answers within `timeout`, or with [`UsageError::TimedOut`].
#[async_trait]
pub trait UsageSink: Send + Sync {
    /// Records a batch of events of any age.
    async fn record(&self, events: Vec<ApiUsageEvent>, timeout: Duration)
    -> Result<(), UsageError>;
}

/// A directory of all tenants.
///
/// # Contract
/// **Bounded:** answers within `timeout`, or with [`UsageError::TimedOut`]. The order does not
/// matter.
#[async_trait]
pub trait TenantDirectory: Send + Sync {
    /// Lists all tenants.
    async fn tenants(&self, timeout: Duration) -> Result<Vec<TenantId>, UsageError>;
}

//! The ports to usage events.

use std::error::Error as StdError;
use std::time::Duration;

use async_trait::async_trait;

use crate::TenantId;
use crate::impact::{ApiUsageEvent, Breakdown, ImpactCounts, ImpactQuery};

/// Why a usage source did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// No more events fit. Nothing of the batch was kept. **Handling:** raise
    /// the limit, or use a source that keeps more; nothing is dropped by age.
    #[error("the usage source is full: it holds {held} bytes of events, its limit is {limit}")]
    Full {
        /// About how many bytes of events it holds.
        held: u64,
        /// How many it may hold.
        limit: u64,
    },
    /// The events would lie on more days than are kept. Nothing of the batch was kept.
    /// **Handling:** drop days that nobody asks about any more.
    #[error("usage events would lie on {days} days; at most {limit} are kept")]
    TooManyDays {
        /// The number of days with the batch.
        days: u64,
        /// How many are kept at most.
        limit: u64,
    },
    /// The source cannot be reached. **Handling:** try again later.
    #[error("the usage source is not available")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The question was too large for the time given. **Handling:** ask with
    /// more time, about less, or for an estimate.
    #[error("the usage source did not answer in time: {tenants} tenants, {} events", told(*.events))]
    TimedOut {
        /// How many tenants it was about.
        tenants: usize,
        /// About how many events it was about, where the source can tell.
        events: Option<u64>,
    },
    /// The source does not take this question or this batch as it is. Nothing of a
    /// batch was kept. **Handling:** change it as the sentence says.
    #[error("{0}")]
    Refused(String),
}

fn told(events: Option<u64>) -> String {
    events.map_or_else(
        || "an unknown number of".to_owned(),
        |events| format!("about {events}"),
    )
}

/// Counts distinct users.
///
/// # Contract
/// **Ordered:** the answer does not depend on the order in which events
/// arrived; rows are in the order of the question, zeros too.
/// **Idempotent:** an event that arrived twice counts as one. A question that is asked again
/// with a later end may cost only what is new: its answer is the same as if it were the
/// first, late events included.
/// **Isolated:** a batch is seen whole or not at all.
/// **Bounded:** answers within `timeout`, or [`UsageError::TimedOut`].
/// **Errors:** [`unique_users`](UsageSource::unique_users) is exact or an error, never
/// an estimate.
#[async_trait]
pub trait UsageSource: Send + Sync {
    /// A word for reports: `memory`, `postgres`.
    fn name(&self) -> &'static str;

    /// Counts: the same answer as [`impact::scan`](crate::impact::scan).
    async fn unique_users(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError>;

    /// The same, estimated with bounds, for who asks for it. A source that has no faster
    /// way than to count answers the counts, as estimates
    /// [without error](ImpactCounts::with_relative_error).
    async fn estimates(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError>;

    /// When the users were first hit, in which services and through which endpoints: the
    /// same answer as [`impact::break_down`](crate::impact::break_down). A source that does
    /// not know services or endpoints leaves those rows out.
    async fn breakdown(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<Breakdown, UsageError>;
}

/// Takes usage events.
///
/// # Contract
/// **Atomic:** a batch is kept whole or not at all.
/// **Idempotent:** a batch may be sent again.
/// **Bounded:** answers within `timeout`.
#[async_trait]
pub trait UsageSink: Send + Sync {
    /// Keeps a batch; events of any age.
    async fn record(&self, events: Vec<ApiUsageEvent>, timeout: Duration)
    -> Result<(), UsageError>;
}

/// Knows who "all tenants" are.
///
/// # Contract
/// **Bounded:** answers within `timeout`. The order does not matter.
#[async_trait]
pub trait TenantDirectory: Send + Sync {
    /// All tenants.
    async fn tenants(&self, timeout: Duration) -> Result<Vec<TenantId>, UsageError>;
}

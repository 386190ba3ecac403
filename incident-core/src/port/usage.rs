//! The ports to usage events.

use std::error::Error as StdError;
use std::time::Duration;

use async_trait::async_trait;

use crate::TenantId;
use crate::impact::{ApiUsageEvent, ImpactCounts, ImpactQuery};

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
    /// The source cannot be reached. **Handling:** try again later.
    #[error("the usage source is not available")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The question was too large for the time given. **Handling:** ask with
    /// more time, or about less.
    #[error("the usage source did not answer in time")]
    TimedOut,
}

/// Counts distinct users.
///
/// # Contract
/// **Ordered:** the answer does not depend on the order in which events
/// arrived; rows are in the order of the question, zeros too.
/// **Idempotent:** an event that arrived twice counts as one.
/// **Isolated:** a batch is seen whole or not at all.
/// **Bounded:** answers within `within`, or [`UsageError::TimedOut`].
/// **Errors:** exact or an error; never an estimate.
#[async_trait]
pub trait UsageSource: Send + Sync {
    /// A word for reports: `memory`, `postgres`.
    fn name(&self) -> &'static str;

    /// Counts: the same answer as [`impact::scan`](crate::impact::scan).
    async fn unique_users(
        &self,
        query: &ImpactQuery,
        within: Duration,
    ) -> Result<ImpactCounts, UsageError>;
}

/// Takes usage events.
///
/// # Contract
/// **Atomic:** a batch is kept whole or not at all.
/// **Idempotent:** a batch may be sent again.
/// **Bounded:** answers within `within`.
#[async_trait]
pub trait UsageSink: Send + Sync {
    /// Keeps a batch; events of any age.
    async fn record(&self, events: Vec<ApiUsageEvent>, within: Duration) -> Result<(), UsageError>;
}

/// Knows who "all tenants" are.
///
/// # Contract
/// **Bounded:** answers within `within`. The order does not matter.
#[async_trait]
pub trait TenantDirectory: Send + Sync {
    /// All tenants.
    async fn tenants(&self, within: Duration) -> Result<Vec<TenantId>, UsageError>;
}

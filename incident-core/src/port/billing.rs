//! The port to billing.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::billing::{Batch, BilledCredit, Lookup, Submission};
use crate::paging::TargetId;
use crate::{CreditId, Period};

/// The credits that a lookup asks for.
#[derive(Clone, Copy, Debug)]
pub enum LookupBy<'a> {
    /// The credits with these keys.
    Keys(&'a [CreditId]),
    /// The credits of a period.
    Period(Period),
}

impl LookupBy<'_> {
    /// Returns `true` if the lookup includes a credit.
    #[must_use]
    pub fn includes(&self, credit: &BilledCredit) -> bool {
        match self {
            Self::Keys(keys) => keys.contains(&credit.key),
            Self::Period(period) => credit.period == *period,
        }
    }
}

/// A sink that takes issued credits.
///
/// # Contract
/// **Atomic:** a batch is taken whole or not at all.
/// **Idempotent:** a batch whose id was taken in the last
/// [`key_window`](BillingSink::key_window) changes nothing and is [`Submission::Accepted`]; so
/// each credit reaches billing exactly once within the window. Beyond it the engine asks
/// [`lookup`](BillingSink::lookup) first; a sink without lookup then gets each batch at most
/// once, with an alarm. Batches are sent again byte by byte.
/// **Isolated:** two concurrent submissions of one batch count as one.
/// **Durable:** every later handle holds the accepted credits.
/// **Bounded:** answers within `timeout`, with [`Submission::Unknown`] or
/// [`Lookup::Unavailable`] if the outcome is not known by then.
/// **Errors:** [`Submission::NotSent`] only if the sink certainly took nothing.
#[async_trait]
pub trait BillingSink: Debug + Send + Sync {
    /// Returns its id for logs, audit and reports.
    fn target_id(&self) -> TargetId;

    /// Returns for how long the sink remembers the id of a batch; none for ever.
    fn key_window(&self) -> Option<Duration>;

    /// Submits a batch.
    async fn submit(&self, batch: &Batch, timeout: Duration) -> Submission;

    /// Looks up the credits that the sink holds: those with some keys, or all of a period. The
    /// default implementation returns [`Lookup::Unsupported`].
    async fn lookup(&self, asked: LookupBy<'_>, timeout: Duration) -> Lookup {
        let _ = (asked, timeout);
        Lookup::Unsupported
    }
}

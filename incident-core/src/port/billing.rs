//! The port to billing.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::billing::{Batch, BilledCredit, Lookup, Submission};
use crate::paging::TargetId;
use crate::{CreditId, Period};

/// Which credits a sink is asked about.
#[derive(Clone, Copy, Debug)]
pub enum LookupBy<'a> {
    /// Those of these keys.
    Keys(&'a [CreditId]),
    /// Those of a period.
    Period(Period),
}

impl LookupBy<'_> {
    /// Whether a credit is asked about.
    #[must_use]
    pub fn includes(&self, credit: &BilledCredit) -> bool {
        match self {
            Self::Keys(keys) => keys.contains(&credit.key),
            Self::Period(period) => credit.period == *period,
        }
    }
}

/// Takes credits that were issued.
///
/// # Contract
/// **Atomic:** a batch is taken whole or not at all.
/// **Idempotent:** a batch whose id was taken in the last
/// [`key_window`](BillingSink::key_window) changes nothing and is
/// [`Submission::Accepted`]; so each credit reaches billing exactly
/// once within the window. Beyond it the engine asks [`lookup`](BillingSink::lookup)
/// first; a sink that cannot be asked gets each batch at most once then, with an
/// alarm. Batches are sent again byte by byte.
/// **Isolated:** two submissions of one batch at a time are one.
/// **Durable:** what was accepted is held by every later handle.
/// **Bounded:** answers within `timeout`, and [`Submission::Unknown`] or
/// [`Lookup::Unavailable`] if it cannot be known by then.
/// **Errors:** [`Submission::NotSent`] only where the sink certainly took nothing.
#[async_trait]
pub trait BillingSink: Debug + Send + Sync {
    /// Its name, for logs, audit and reports.
    fn target_id(&self) -> TargetId;

    /// How long it knows the id of a batch; none for good.
    fn key_window(&self) -> Option<Duration>;

    /// Takes a batch.
    async fn submit(&self, batch: &Batch, timeout: Duration) -> Submission;

    /// What it holds: the status of keys, or everything of a period. If not given, it cannot
    /// be asked ([`Lookup::Unsupported`]).
    async fn lookup(&self, asked: LookupBy<'_>, timeout: Duration) -> Lookup {
        let _ = (asked, timeout);
        Lookup::Unsupported
    }
}

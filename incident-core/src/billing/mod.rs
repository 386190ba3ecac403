//! The credit ledger: credits owed, decisions on them, and batches issued to billing.

mod batch;
mod cap;
mod compare;
mod decision;
mod ledger;
mod revise;
mod submission;

pub use batch::{Batch, BilledCredit, MAX_CREDITS, SignedPercent};
pub use cap::{CappedCredit, CreditAccount, cap_periods, stale_grants};
pub use compare::{Difference, compare};
pub use decision::{CreditDecision, CreditPolicy, CreditTransition};
pub use ledger::{
    Approval, CreditInput, CreditState, CreditSubject, Issued, LedgerRow, LedgerWrite, outstanding,
};
pub use revise::{ComputedCredit, is_up_to_date, newest, newest_of, revise};
pub use submission::{HeldCredit, Lookup, Submission};

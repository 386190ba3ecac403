//! The ports that adapters implement: traits, their contracts and their errors.
//!
//! Each contract stands on its trait under fixed leads, and every lead has a test in
//! `incident_core::conformance` that each implementation runs.

mod anchor;
mod billing;
mod changes;
mod channel;
mod check;
mod clock;
mod incidents;
mod pager;
mod records;
mod store;
mod store_error;
mod usage;

pub use anchor::{AnchorError, AnchorRecord, AnchorSink};
pub use billing::{BillingSink, LookupBy};
pub use changes::{ChangeHint, ChangeLog, ChangePosition, ChangeRange};
pub use channel::{Channel, ChannelError};
pub use check::PageCheck;
pub use clock::{Clock, IdGen};
pub use incidents::{IncidentFilter, IncidentStore, SEARCH_CHARS};
pub use pager::Pager;
pub use records::{
    AuditLog, AuditQuery, CreditQuery, Ledger, Policies, SuggestionQuery, Suggestions,
};
pub use store::{ClaimRequest, Outbox, Store};
pub use store_error::StoreError;
pub use usage::*;

//! The engine: the one handle users hold, and the only room that awaits.
//!
//! [`Incidents`] is cheap to clone. It takes commands ([`Incidents::declare`],
//! [`Incidents::act`]), answers questions, and does outside work when told to
//! ([`Incidents::drain`]). It owns no timer and spawns nothing: the host wakes it.

mod anchor;
mod bill;
mod billing_report;
mod builder;
mod check;
mod coalesce;
mod confirm;
mod context;
mod deadline;
mod decide_credit;
mod declare;
mod denial;
mod each;
mod end_test;
mod error;
mod figures;
mod gates;
mod gather;
mod guard;
mod issue;
mod meter;
mod notice;
mod page;
mod prepare;
mod query;
mod recompute;
mod reconcile;
mod relay;
mod repeat;
mod report;
mod retry;
mod returned;
mod run;
mod settings;
mod settle;
mod settle_periods;
mod shared;
mod statements;
mod suggest;
#[cfg(feature = "system")]
pub mod system;
mod test_page;
mod told;
mod trail;
mod turns;
mod usage;
mod vendor_events;
mod verify;
mod yield_now;

pub use anchor::{Anchored, LogAnchors};
pub use billing_report::{BillingReport, Waiting};
pub use builder::{BuildError, IncidentsBuilder};
pub use context::{CommandOutcome, IdempotencyKey, RequestContext};
pub use decide_credit::CreditDecided;
pub use error::Error;
pub use figures::FigureMismatch;
pub use meter::describe_metrics;
pub use notice::{Alarm, Notice};
pub use prepare::Prepared;
pub use relay::Drained;
pub use report::{BreakdownReport, ImpactReport, Method, SlaReport, SlaRow, TenantImpact};
pub use statements::MOST_OUTAGES;
pub use suggest::{MOST_OPEN_SUGGESTIONS, Suggested};
pub use test_page::Tested;
pub use vendor_events::Ingested;
pub use verify::AuditVerdict;

use shared::Shared;

/// The incident subsystem.
///
/// ```
/// use std::sync::Arc;
/// use incident_core::engine::Incidents;
/// # fn build(store: Arc<dyn incident_core::port::Store>, pager: Arc<dyn incident_core::port::Pager>)
/// # -> Result<Incidents, incident_core::engine::BuildError> {
/// let incidents = Incidents::builder(store).pager(pager).build()?;
/// # Ok(incidents)
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Incidents(Shared);

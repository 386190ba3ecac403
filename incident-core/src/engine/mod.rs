//! The engine: the one handle users hold, and the only room that awaits.
//!
//! [`Incidents`] is cheap to clone. It takes commands ([`Incidents::declare`],
//! [`Incidents::act`]), answers questions, and does outside work when told to
//! ([`Incidents::drain`]). It owns no timer and spawns nothing: the host wakes it.

mod anchor;
mod audit_detail;
mod authorize;
mod bill;
mod billing_report;
mod builder;
mod check;
mod confirm;
mod context;
mod deadline;
mod decide_credit;
mod declare;
mod deliver;
mod delivery_outcome;
mod each;
mod end_test;
mod error;
mod events;
mod execute;
mod figures;
mod gates;
mod group;
mod guard;
mod incident_credits;
mod issue;
mod metrics;
mod period_credits;
mod prepare;
mod query;
mod recompute;
mod reconcile;
mod relay;
mod report;
mod resend;
mod retry;
mod returned;
mod settings;
mod shared;
mod stage;
mod statements;
mod suggest;
#[cfg(feature = "system")]
pub mod system;
mod test_page;
mod turns;
mod usage;
mod vendor_events;
mod verify;
mod yield_now;

pub use self::metrics::describe_metrics;
pub use anchor::{Anchored, LogAnchors};
pub use billing_report::{BatchInFlight, BillingReport};
pub use builder::{BuildError, IncidentsBuilder};
pub use context::{CommandOutcome, IdempotencyKey, RequestContext};
pub use decide_credit::CreditDecided;
pub use error::Error;
pub use events::{Alarm, EngineEvent};
pub use figures::FigureMismatch;
pub use prepare::Prepared;
pub use relay::Drained;
pub use report::{BreakdownReport, ImpactReport, Method, SlaReport, SlaRow, TenantImpact};
pub use statements::MAX_OUTAGES;
pub use suggest::{MAX_OPEN_SUGGESTIONS, Suggested};
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

//! The engine: the handle that hosts hold, and the only module with async code for them.
//!
//! [`Incidents`] is cheap to clone. It runs commands ([`Incidents::declare`], [`Incidents::act`]),
//! answers queries, and works off the outbox when the host calls [`WorkerHandle::drain`]. It owns
//! no timer and spawns no task.

mod anchoring;
mod builder;
mod commands;
mod conflict;
mod context;
mod credits;
mod deadline;
mod delivery;
mod each;
mod error;
mod events;
mod guard;
mod handles;
mod incidents;
mod metrics;
mod queries;
mod response;
mod state;
#[cfg(feature = "system")]
pub mod system;
mod worker;
mod yield_now;

pub use self::metrics::describe_metrics;
pub use crate::idempotency::IdempotencyKey;
pub use anchoring::anchor::{Anchored, LogAnchors};
pub use anchoring::verify::AuditVerdict;
pub use builder::{BuildError, IncidentsBuilder};
pub use commands::prepare::PreparedCommand;
pub use commands::suggest::{MAX_OPEN_SUGGESTIONS, Suggested};
pub use commands::usage::UsageAccepted;
pub use context::{CommandOutcome, RequestContext};
pub use credits::billing::{BatchInFlight, BillingReport};
pub use credits::decide::CreditDecided;
pub use delivery::relay::Drained;
pub use delivery::test_page::Tested;
pub use delivery::vendor_events::Ingested;
pub use error::Error;
pub use events::{Alarm, EngineEvent};
pub use handles::{
    AuditHandle, CreditsHandle, PagingHandle, ReportsHandle, SignalsHandle, WorkerHandle,
};
pub use incidents::Incidents;
pub use queries::due::DueIncident;
pub use queries::figures::FigureMismatch;
pub use queries::reports::{
    BreakdownReport, ImpactReport, ImpactRequest, Method, ServiceScope, SlaReport, SlaRow,
    TenantImpact,
};
pub use queries::statements::MAX_OUTAGES;
pub use queries::users::{EXPORT_PAGE, UserExport};
pub use response::Fired;
pub use worker::Health;

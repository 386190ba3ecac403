//! SLA arithmetic: exact, pure and usable on its own in a plain `#[test]`.
//!
//! A breach of the target and a credit are two separate facts: 99.9 % of a 30-day month is 43.2
//! minutes, so 44 minutes breach the target and earn 0 %.
//!
//! ```
//! use incident_core::incident::AffectedTenant;
//! use incident_core::sla::{SlaTerms, credit_rows};
//! use incident_core::{Percent, TenantId, Timestamp, Window, Windows};
//!
//! let terms = SlaTerms::default(); // 99.9 %; 0/10/25/50 % at 0/45/240/720 minutes
//! let start: Timestamp = "2026-11-20T22:00:00Z".parse()?;
//! let end: Timestamp = "2026-11-20T22:45:00Z".parse()?;
//! let outage = Windows::from(Window::new(start, end)?);
//! let hit = [AffectedTenant::whole(TenantId::new("tenant-fr")?)];
//! let rows: Vec<_> = credit_rows(&terms, &outage, Percent::HUNDRED, &hit, end).collect();
//! assert_eq!(rows[0].credit_percent.to_string(), "10"); // exactly 45 minutes
//! assert_eq!(rows[0].outage_minutes(), "45");
//! assert!(rows[0].target_breached);
//! # Ok::<(), incident_core::ValidationError>(())
//! ```

mod availability;
mod change;
mod contracts;
mod count;
mod credit;
mod derivation;
mod outages;
mod remaining;
mod scale;
mod statement;
mod terms;

pub use availability::Availability;
pub(crate) use change::IncidentTerms;
pub use contracts::{Contract, Contracts};
pub use count::{Downtime, Exclusion};
pub use credit::{CreditRow, credit_rows, decimal_minutes};
pub use outages::{OutagePart, Outages};
pub use remaining::{NextTier, left_of_target, next_tier, next_tier_after};
pub use scale::{AvailabilityTier, Scale, Tier};
pub use statement::{IncidentCredit, IncidentLine, IncidentShare, SlaStatement, statement};
pub use terms::{Basis, SlaTerms};

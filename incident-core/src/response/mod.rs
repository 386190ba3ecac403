//! The response: what is due for an incident by the policy.
//!
//! [`due()`] is a pure function of an incident, a policy and a time. A worker acts on its answer.

mod clock;
mod due;
mod explain;

pub use clock::{AUTHORITY_WITHIN, Clock, ClockState, clocks};
pub use due::{Due, LATE_AFTER, due};
pub use explain::{NextLevel, RuleState, Silence, explain};

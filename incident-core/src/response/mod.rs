//! The response: the classification of an incident, and what is due for it by the policy.
//!
//! [`due()`] is a pure function of an incident, a policy and a time. A worker acts on its answer.

mod classify;
mod clock;
mod due;
mod explain;

pub use classify::{
    Classification, ClassificationFact, ClassificationFacts, ClassificationReason,
    ClassificationRules, classify,
};
pub use clock::{Clock, ClockState, clocks};
pub use due::{Due, LATE_AFTER, due};
pub use explain::{NextLevel, RuleState, Silence, explain};

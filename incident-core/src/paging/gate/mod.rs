//! What a target can take now: a limiter for what only informs, the target's own
//! wishes to wait, and a breaker for a target that is down. One per target and
//! process.
//!
//! Pages that wake people (SEV1 and SEV2) wait for two things only: the target's own
//! `Retry-After`, and a turn among those that try a target that is down, which comes
//! within two seconds. A rate that was learned or configured never holds them.
//!
//! Nothing here loses a page: one that is held stays in the outbox and comes back when
//! the gate said.

mod admission;
mod breaker;
mod rate;
mod settings;
mod target;

pub use admission::{Admission, AdmitRequest, BreakerTransition};
pub use settings::GateSettings;
pub use target::Gate;

#[cfg(test)]
mod tests;

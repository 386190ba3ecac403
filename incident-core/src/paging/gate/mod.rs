//! Admission control for each target: a rate limiter for SEV3 and SEV4, the target's own
//! `Retry-After`, and a circuit breaker. There is one gate per target and process.
//!
//! Urgent pages (SEV1 and SEV2) wait for two things only: the target's own `Retry-After`, and
//! their turn among the probes of a target that is down, which comes within two seconds. A
//! learned or configured rate never holds them.
//!
//! A gate loses no page: a page that is held stays in the outbox and is tried again at the time
//! that the gate returned.

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

//! Commands: decided, staged and committed.

pub(super) mod audit_detail;
pub(super) mod authorize;
pub(super) mod declare;
pub(super) mod execute;
pub(super) mod prepare;
pub(super) mod stage;
pub(super) mod suggest;
mod transaction;
pub(super) mod usage;

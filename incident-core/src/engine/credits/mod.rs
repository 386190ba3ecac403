//! Credits: computed, decided, issued and submitted to billing.

pub(super) mod billing;
pub(super) mod decide;
pub(super) mod incident;
pub(super) mod issue;
pub(super) mod period;
pub(super) mod recompute;
pub(super) mod submit;

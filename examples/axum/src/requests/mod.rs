//! Request bodies of commands.

mod affected_tenants;
pub(crate) mod change;
pub(crate) mod coordination;
pub(crate) mod declare;
pub(crate) mod incident;

use incident_core::paging::Urgency;
use incident_core::response::ClassificationFacts;
use incident_core::suggestion::Suggest;
use incident_core::{Month, Statement};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::body::CommandBody;

/// A body without members.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmptyBody {}

impl CommandBody for EmptyBody {
    const MAY_BE_EMPTY: bool = true;
}

/// A body with only a reason.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonRequest {
    pub(crate) reason: Statement,
}

impl CommandBody for ReasonRequest {}

/// The body of `POST /sys/sla/credits/recompute`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecomputeRequest {
    pub(crate) month: Month,
}

impl CommandBody for RecomputeRequest {}

/// The body of `POST /sys/incidents/suggestions`.
impl CommandBody for Suggest {}

/// The body of `POST /sys/classify`.
impl CommandBody for ClassificationFacts {}

/// The body of `POST /sys/pages/test`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestPageRequest {
    #[serde(default)]
    urgency: Option<Urgency>,
}

impl CommandBody for TestPageRequest {
    const MAY_BE_EMPTY: bool = true;
}

impl TestPageRequest {
    /// Returns the urgency; high by default, because a test should make the pager ring.
    pub(crate) fn urgency(&self) -> Urgency {
        self.urgency.unwrap_or(Urgency::High)
    }
}

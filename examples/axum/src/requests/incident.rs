//! Commands on an incident.

use incident_core::incident::{Command, Publish, Update};
use incident_core::{HttpsUrl, RuleName, Statement, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::body::CommandBody;

/// The body of `POST /sys/incidents/{id}/updates`.
impl CommandBody for Update {}

/// The body of `POST /sys/incidents/{id}/acknowledge`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcknowledgeRequest {
    #[serde(default)]
    pub(crate) at: Option<Timestamp>,
}

impl CommandBody for AcknowledgeRequest {
    const MAY_BE_EMPTY: bool = true;
}

/// The body of `POST /sys/incidents/{id}/page`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageRequest {
    reason: Statement,
    #[serde(default)]
    rule: Option<RuleName>,
}

impl CommandBody for PageRequest {}

impl PageRequest {
    /// Converts the body into a command: page on-call again, or escalate by a rule.
    pub(crate) fn command(self) -> Command {
        let Self { reason, rule } = self;
        match rule {
            Some(rule) => Command::Escalate { rule, reason },
            None => Command::Page { reason },
        }
    }
}

/// The body of `POST /sys/incidents/{id}/affected-users/notified` and of
/// `POST /sys/incidents/{id}/authority/notified`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotifiedRequest {
    pub(crate) note: Statement,
}

impl CommandBody for NotifiedRequest {}

/// The body of `POST /sys/incidents/{id}/public`.
impl CommandBody for Publish {}

/// The body of `POST /sys/incidents/{id}/post-mortem`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostMortemRequest {
    pub(crate) url: HttpsUrl,
}

impl CommandBody for PostMortemRequest {}

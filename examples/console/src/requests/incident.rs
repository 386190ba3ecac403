//! Commands on an incident.

use incident_core::incident::{Command, CommsSent, Publish, Severity, Status, Update};
use incident_core::timeline::EntryKind;
use incident_core::{HttpsUrl, IncidentId, PublicText, RuleName, Statement, Timestamp};
use serde::Deserialize;

use crate::http::body::CommandBody;

/// The body of `POST /sys/incidents/{id}/updates`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateRequest {
    message: Statement,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    eta: Option<Timestamp>,
    #[serde(default)]
    occurred_at: Option<Timestamp>,
    #[serde(default)]
    kind: Option<EntryKind>,
    #[serde(default)]
    impact_ended_at: Option<Timestamp>,
    #[serde(default)]
    reason: Option<Statement>,
    #[serde(default)]
    corrects: Option<u64>,
    #[serde(default)]
    merged_into: Option<IncidentId>,
    #[serde(default)]
    public_message: Option<PublicText>,
    #[serde(default)]
    comms_sent: Option<CommsSent>,
}

impl CommandBody for UpdateRequest {}

impl From<UpdateRequest> for Update {
    fn from(new: UpdateRequest) -> Self {
        let UpdateRequest {
            message,
            status,
            severity,
            eta,
            occurred_at,
            kind,
            impact_ended_at,
            reason,
            corrects,
            merged_into,
            public_message,
            comms_sent,
        } = new;
        Self {
            message,
            status,
            severity,
            eta,
            occurred_at,
            kind,
            impact_ended_at,
            reason,
            corrects,
            merged_into,
            public_message,
            comms_sent,
        }
    }
}

/// The body of `POST /sys/incidents/{id}/acknowledge`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcknowledgeRequest {
    #[serde(default)]
    pub(crate) at: Option<Timestamp>,
}

impl CommandBody for AcknowledgeRequest {
    const MAY_BE_EMPTY: bool = true;
}

/// The body of `POST /sys/incidents/{id}/page`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageRequest {
    reason: Statement,
    #[serde(default)]
    rule: Option<RuleName>,
}

impl CommandBody for PageRequest {}

impl PageRequest {
    /// Returns the command: on-call once more; or, by a rule, others.
    pub(crate) fn command(self) -> Command {
        let Self { reason, rule } = self;
        match rule {
            Some(rule) => Command::Escalate { rule, reason },
            None => Command::Page { reason },
        }
    }
}

/// The body of `POST /sys/incidents/{id}/public`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishRequest {
    public: bool,
    #[serde(default)]
    title: Option<PublicText>,
    #[serde(default)]
    message: Option<PublicText>,
}

impl CommandBody for PublishRequest {}

impl From<PublishRequest> for Publish {
    fn from(
        PublishRequest {
            public,
            title,
            message,
        }: PublishRequest,
    ) -> Self {
        Self {
            public,
            title,
            message,
        }
    }
}

/// The body of `POST /sys/incidents/{id}/post-mortem`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostMortemRequest {
    pub(crate) url: HttpsUrl,
}

impl CommandBody for PostMortemRequest {}

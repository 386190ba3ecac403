//! Requests about the response to an incident: roles, approvals, checklists.

use incident_core::Statement;
use incident_core::incident::ChangeRole;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::body::CommandBody;

/// The body of `POST /sys/incidents/{id}/roles`.
impl CommandBody for ChangeRole {}

/// The body of `POST /sys/incidents/{id}/approvals`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalRequest {
    /// The action that is to be approved.
    pub(crate) text: Statement,
}

impl CommandBody for ApprovalRequest {}

/// A body with only a note, or none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteRequest {
    #[serde(default)]
    pub(crate) note: Option<Statement>,
}

impl CommandBody for NoteRequest {
    const MAY_BE_EMPTY: bool = true;
}

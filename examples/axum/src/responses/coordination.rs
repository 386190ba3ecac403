//! Responses about the response to an incident: approvals, checklists, warnings.

use incident_core::incident::{
    EndedApproval, GivenApproval, RiskApproval, RiskApprovalState, TickedItem,
};
use incident_core::response::{ChecklistItem, ChecklistProgress, Warning, WarningCode};
use incident_core::{ChecklistKey, PersonName, Text, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! { ; ChecklistsResponse }

/// The approval of a risky action.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ApprovalResponse<'a> {
    number: u32,
    /// The action; null once its entry was redacted.
    text: Option<&'a Text>,
    state: RiskApprovalState,
    requested_by: &'a PersonName,
    requested_at: Timestamp,
    seq: u64,
    given: &'a [GivenApproval],
    ended: Option<&'a EndedApproval>,
}

impl<'a> From<&'a RiskApproval> for ApprovalResponse<'a> {
    fn from(approval: &'a RiskApproval) -> Self {
        Self {
            number: approval.number,
            text: approval.text.as_ref(),
            state: approval.state,
            requested_by: &approval.requested_by,
            requested_at: approval.requested_at,
            seq: approval.seq,
            given: &approval.given,
            ended: approval.ended.as_ref(),
        }
    }
}

/// Something that is easily forgotten in a response. It blocks nothing.
#[derive(JsonSchema, Serialize)]
pub(crate) struct WarningResponse {
    code: WarningCode,
    text: String,
}

impl From<&Warning> for WarningResponse {
    fn from(warning: &Warning) -> Self {
        Self {
            code: warning.code(),
            text: warning.to_string(),
        }
    }
}

/// The checklists that apply to an incident as it is now.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ChecklistsResponse<'a> {
    pub(crate) checklists: Vec<ChecklistResponse<'a>>,
}

/// A checklist.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ChecklistResponse<'a> {
    name: &'a ChecklistKey,
    /// Number of ticked items.
    done: usize,
    /// Number of all items.
    total: usize,
    items: Vec<ChecklistItemResponse<'a>>,
}

impl<'a> From<ChecklistProgress<'a>> for ChecklistResponse<'a> {
    fn from(progress: ChecklistProgress<'a>) -> Self {
        Self {
            name: &progress.list.name,
            done: progress.done(),
            total: progress.items.len(),
            items: progress.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// An item of a checklist.
#[derive(JsonSchema, Serialize)]
struct ChecklistItemResponse<'a> {
    id: &'a ChecklistKey,
    text: &'a Text,
    /// The person who ticked it; null while it is open.
    ticked_by: Option<&'a PersonName>,
    ticked_at: Option<Timestamp>,
    /// The entry that records the tick.
    seq: Option<u64>,
}

impl<'a> From<(&'a ChecklistItem, Option<&'a TickedItem>)> for ChecklistItemResponse<'a> {
    fn from((item, tick): (&'a ChecklistItem, Option<&'a TickedItem>)) -> Self {
        Self {
            id: &item.id,
            text: &item.text,
            ticked_by: tick.map(|tick| &tick.by),
            ticked_at: tick.map(|tick| tick.at),
            seq: tick.map(|tick| tick.seq),
        }
    }
}

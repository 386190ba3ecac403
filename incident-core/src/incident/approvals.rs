//! Approvals of risky actions: requested by one person, given by the incident commander and one
//! more. They are recorded; nothing is executed.

use serde::{Deserialize, Serialize};

use super::refusal::wrong_state;
use super::{Refusal, State};
use crate::{PersonName, Statement, Text, Timestamp, ValidationError};

/// Maximum number of approvals that are requested for one incident.
pub const MAX_APPROVALS: usize = 100;

/// The state of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RiskApprovalState {
    /// Requested, and not decided yet.
    Requested,
    /// Approved by the incident commander and one more person.
    Approved,
    /// Refused by a person who could have approved it.
    Refused,
    /// Withdrawn by the person who requested it.
    Withdrawn,
}

impl RiskApprovalState {
    /// Returns its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// One of the two decisions that make an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct GivenApproval {
    /// The person.
    pub by: PersonName,
    /// Time of the decision.
    pub at: Timestamp,
    /// The entry that records it.
    pub seq: u64,
    /// `true` if the person was the incident commander at that time; the backup otherwise.
    pub as_commander: bool,
}

/// The end of an approval that was refused or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct EndedApproval {
    /// The person.
    pub by: PersonName,
    /// Time of the decision.
    pub at: Timestamp,
    /// The entry that records it, with the reason.
    pub seq: u64,
}

/// The approval of a risky action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct RiskApproval {
    /// Its number within the incident: 1, 2, 3, ... without gaps.
    pub number: u32,
    /// The action, for example "roll back release 42"; absent once its entry was redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// The state.
    pub state: RiskApprovalState,
    /// The actor who requested it.
    pub requested_by: PersonName,
    /// Time of the request.
    pub requested_at: Timestamp,
    /// The entry that records the request.
    pub seq: u64,
    /// The decisions in favour, at most two; the first one first.
    #[serde(default)]
    pub given: Vec<GivenApproval>,
    /// The refusal or the withdrawal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndedApproval>,
}

impl RiskApproval {
    /// Returns the reason why a person cannot approve it now, if there is one.
    #[must_use]
    pub fn obstacle(&self, person: &PersonName, commander: Option<&PersonName>) -> Option<Refusal> {
        let is_commander = commander == Some(person);
        if self.state != RiskApprovalState::Requested {
            return Some(not_open(self));
        }
        if *person == self.requested_by {
            let detail = "the person who requested an approval cannot give it; the incident commander and one more person do";
            return Some(wrong_state("requester_cannot_approve", detail));
        }
        let first = self.given.first()?;
        if first.by == *person {
            let detail = "this person has approved it already; a second person has to approve it";
            return Some(wrong_state("already_approved", detail));
        }
        if !first.as_commander && !is_commander {
            let detail =
                "one person has approved it; the second one has to be the incident commander";
            return Some(wrong_state("commander_missing", detail));
        }
        None
    }
}

/// A step of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalStep {
    /// Requests one.
    Request {
        /// The action that is to be approved.
        text: Statement,
    },
    /// Approves.
    Approve {
        /// The number of the approval.
        number: u32,
        /// A note for the timeline.
        note: Option<Statement>,
    },
    /// Refuses.
    Refuse {
        /// The number of the approval.
        number: u32,
        /// The reason.
        reason: Statement,
    },
    /// Withdraws the request.
    Withdraw {
        /// The number of the approval.
        number: u32,
        /// The reason.
        reason: Statement,
    },
}

impl ApprovalStep {
    /// Returns the number of the approval that it is about; none for a new one.
    #[must_use]
    pub const fn number(&self) -> Option<u32> {
        match self {
            Self::Request { .. } => None,
            Self::Approve { number, .. }
            | Self::Refuse { number, .. }
            | Self::Withdraw { number, .. } => Some(*number),
        }
    }

    /// Returns its name in the audit trail.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Request { .. } => "request_approval",
            Self::Approve { .. } => "approve_action",
            Self::Refuse { .. } => "refuse_action",
            Self::Withdraw { .. } => "withdraw_approval",
        }
    }

    pub(super) fn check(&self) -> Result<(), ValidationError> {
        match self {
            Self::Request { text } => text.check("text"),
            Self::Approve { note, .. } => note.as_ref().map_or(Ok(()), |note| note.check("note")),
            Self::Refuse { reason, .. } | Self::Withdraw { reason, .. } => reason.check("reason"),
        }
    }
}

/// A step of an approval that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalChanged {
    /// The number of the approval.
    pub number: u32,
    /// The actor.
    pub by: PersonName,
    /// The step.
    pub step: ApprovalStep,
    /// `true` if the actor was the incident commander at that time.
    pub as_commander: bool,
    /// The state before; none for a new one.
    pub from: Option<RiskApprovalState>,
    /// The state after.
    pub to: RiskApprovalState,
}

impl ApprovalChanged {
    /// Returns the sentence of its entry.
    pub(crate) fn sentence(&self) -> String {
        let number = self.number;
        match &self.step {
            ApprovalStep::Request { text } => format!("approval {number} requested: {text}"),
            ApprovalStep::Approve { note, .. } => {
                let who = if self.as_commander {
                    "the incident commander"
                } else {
                    "a backup"
                };
                let complete = match self.to {
                    RiskApprovalState::Approved => "the approval is complete",
                    RiskApprovalState::Requested
                    | RiskApprovalState::Refused
                    | RiskApprovalState::Withdrawn => "one more person has to approve",
                };
                let note = note.as_ref().map(|note| format!("\nNote: {note}"));
                let note = note.unwrap_or_default();
                format!("approval {number} given by {who}; {complete}{note}")
            }
            ApprovalStep::Refuse { reason, .. } => format!("approval {number} refused: {reason}"),
            ApprovalStep::Withdraw { reason, .. } => {
                format!("approval {number} withdrawn: {reason}")
            }
        }
    }
}

impl State {
    /// Returns an approval by its number.
    #[must_use]
    pub fn approval(&self, number: u32) -> Option<&RiskApproval> {
        self.approvals.iter().find(|one| one.number == number)
    }

    /// Records a step; `seq` is its entry.
    pub(super) fn change_approval(&mut self, changed: &ApprovalChanged, seq: u64, now: Timestamp) {
        if let ApprovalStep::Request { text } = &changed.step {
            self.approvals.push(RiskApproval {
                number: changed.number,
                text: Some(Text::cut(text.as_str())),
                state: changed.to,
                requested_by: changed.by.clone(),
                requested_at: now,
                seq,
                given: Vec::new(),
                ended: None,
            });
            return;
        }
        let mut all = self.approvals.iter_mut();
        let Some(approval) = all.find(|one| one.number == changed.number) else {
            return;
        };
        approval.state = changed.to;
        let by = changed.by.clone();
        match &changed.step {
            ApprovalStep::Request { .. } => {}
            ApprovalStep::Approve { .. } => approval.given.push(GivenApproval {
                by,
                at: now,
                seq,
                as_commander: changed.as_commander,
            }),
            ApprovalStep::Refuse { .. } | ApprovalStep::Withdraw { .. } => {
                approval.ended = Some(EndedApproval { by, at: now, seq });
            }
        }
    }

    /// Erases the text of the approval that an entry requested.
    pub(super) fn erase_approval_of(&mut self, seq: u64) {
        for approval in &mut self.approvals {
            if approval.seq == seq {
                approval.text = None;
            }
        }
    }
}

pub(super) fn not_open(approval: &RiskApproval) -> Refusal {
    let detail = format!("the approval is {} already", approval.state.name());
    wrong_state("approval_decided", detail)
}

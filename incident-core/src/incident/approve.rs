//! Decisions on approvals of risky actions.

use super::approvals::{
    ApprovalChanged, ApprovalStep, MAX_APPROVALS, RiskApproval, RiskApprovalState, not_open,
};
use super::limits;
use super::refusal::{ended, wrong_state};
use super::{Event, Incident, Refusal, State};
use crate::actor::{Actor, ActorKind};
use crate::{Statement, ValidationError};

/// Decides a step of an approval.
pub(super) fn approve(
    incident: &Incident,
    step: &ApprovalStep,
    by: &Actor,
) -> Result<Vec<Event>, Refusal> {
    if incident.status.is_final() {
        return Err(ended(incident));
    }
    let commander = incident.commander();
    let as_commander = by.kind == ActorKind::Person && commander == Some(&by.name);
    let (number, from, to) = match step {
        ApprovalStep::Request { text } => {
            let number = requested(incident, text, by, as_commander)?;
            (number, None, RiskApprovalState::Requested)
        }
        ApprovalStep::Approve { number, .. } => {
            let approval = known(incident, *number)?;
            if by.kind != ActorKind::Person {
                let detail = "only a person can approve a risky action";
                return Err(wrong_state("approver_is_no_person", detail));
            }
            if let Some(refusal) = approval.obstacle(&by.name, commander) {
                return Err(refusal);
            }
            let to = if approval.given.is_empty() {
                RiskApprovalState::Requested
            } else {
                RiskApprovalState::Approved
            };
            (*number, Some(approval.state), to)
        }
        ApprovalStep::Refuse { number, .. } => {
            let approval = open(incident, *number)?;
            if approval.requested_by == by.name {
                let detail = "the person who requested an approval cannot refuse it; withdraw the request instead";
                return Err(wrong_state("requester_cannot_refuse", detail));
            }
            (*number, Some(approval.state), RiskApprovalState::Refused)
        }
        ApprovalStep::Withdraw { number, .. } => {
            let approval = open(incident, *number)?;
            if approval.requested_by != by.name {
                let detail =
                    "only the person who requested an approval can withdraw it; refuse it instead";
                return Err(wrong_state("not_the_requester", detail));
            }
            (*number, Some(approval.state), RiskApprovalState::Withdrawn)
        }
    };
    Ok(vec![Event::ApprovalChanged(Box::new(ApprovalChanged {
        number,
        by: by.name.clone(),
        step: step.clone(),
        as_commander,
        from,
        to,
    }))])
}

/// Returns the number of a new approval.
fn requested(
    incident: &Incident,
    text: &Statement,
    by: &Actor,
    as_commander: bool,
) -> Result<u32, Refusal> {
    if as_commander {
        let detail = "the incident commander gives approvals and cannot request one; ask another person to request it";
        return Err(wrong_state("requester_is_commander", detail));
    }
    if incident.approvals.len() >= MAX_APPROVALS {
        let detail =
            format!("{MAX_APPROVALS} approvals, the maximum, were requested for this incident");
        return Err(wrong_state("too_many_approvals", detail));
    }
    let number = incident.approvals.last().map_or(1, |last| last.number + 1);
    let mut after = State::clone(incident);
    let asked = ApprovalChanged {
        number,
        by: by.name.clone(),
        step: ApprovalStep::Request { text: text.clone() },
        as_commander,
        from: None,
        to: RiskApprovalState::Requested,
    };
    after.change_approval(&asked, incident.last_seq + 1, incident.last_recorded_at);
    limits::size(Some(incident), &after, &["text"])?;
    Ok(number)
}

fn known(incident: &Incident, number: u32) -> Result<&RiskApproval, ValidationError> {
    let found = incident.approval(number);
    found
        .ok_or_else(|| ValidationError::new("number", "the number of an approval of this incident"))
}

/// Returns an approval that is not decided yet.
fn open(incident: &Incident, number: u32) -> Result<&RiskApproval, Refusal> {
    let approval = known(incident, number)?;
    match approval.state {
        RiskApprovalState::Requested => Ok(approval),
        RiskApprovalState::Approved | RiskApprovalState::Refused | RiskApprovalState::Withdrawn => {
            Err(not_open(approval))
        }
    }
}

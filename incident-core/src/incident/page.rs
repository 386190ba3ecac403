//! Decisions on paging again, on escalations and on retries of pages.

use super::refusal::wrong_state;
use super::{Event, Incident, Mode, Refusal, Retried, RetryOf, Status};
use crate::actor::Actor;
use crate::paging::{PageAction, Paging};
use crate::{RuleName, Statement};

fn may_page(incident: &Incident) -> Result<(), Refusal> {
    if !incident.status.is_live() {
        return Err(wrong_state(
            "not_live",
            "only an active incident can page someone",
        ));
    }
    if incident.mode == Mode::Retrospective {
        return Err(wrong_state(
            "retrospective",
            "a retrospective incident cannot page anyone",
        ));
    }
    Ok(())
}

/// Decides an escalation. Only one page per rule at a time: while its alert may be open, a second
/// page would notify no one.
pub(super) fn escalate(
    incident: &Incident,
    rule: &RuleName,
    reason: &Statement,
    by: &Actor,
) -> Result<Vec<Event>, Refusal> {
    may_page(incident)?;
    let paging = incident.paging_of(Some(rule));
    if paging.is_some_and(Paging::is_on_its_way) {
        return Err(wrong_state(
            "already_escalated",
            "a page for this rule is already pending or accepted",
        ));
    }
    Ok(vec![Event::Escalated {
        rule: rule.clone(),
        reason: reason.clone(),
        by: by.name.clone(),
    }])
}

pub(super) fn page(incident: &Incident, reason: &Statement) -> Result<Vec<Event>, Refusal> {
    may_page(incident)?;
    Ok(vec![Event::PageRequested {
        reason: reason.clone(),
        epoch: incident.paging.epoch + 1,
    }])
}

/// Decides a retry of dead letters, and drops those that are stale: a trigger if the page is
/// acknowledged or the incident is over, any message of an earlier page, and a notice if the incident
/// was cancelled or merged.
pub(super) fn retry(incident: &Incident, given_up: &[RetryOf]) -> Result<Vec<Event>, Refusal> {
    let live = incident.status.is_live();
    let wanted = |one: &&RetryOf| match &one.of {
        Retried::Page {
            rule,
            action,
            epoch,
        } => incident.paging_of(rule.as_ref()).is_some_and(|paging| {
            *epoch == paging.epoch
                && match action {
                    PageAction::Trigger => live && !paging.acknowledged,
                    PageAction::Acknowledge | PageAction::Reprioritise => live,
                    PageAction::Resolve => !live,
                }
        }),
        Retried::Notice { .. } => !matches!(incident.status, Status::Cancelled | Status::Merged),
    };
    let messages: Vec<RetryOf> = given_up.iter().filter(wanted).cloned().collect();
    if messages.is_empty() {
        return Err(wrong_state(
            "nothing_to_retry",
            "the incident has no failed page or notice to retry",
        ));
    }
    Ok(vec![Event::PageRetried { messages }])
}

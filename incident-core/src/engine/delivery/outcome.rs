//! The timeline messages, audit entries and alarms of one delivery step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::actor::{Actor, ActorKind};
use crate::audit::AuditDraft;
use crate::engine::Alarm;
use crate::incident::Incident;
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{DeliveryResult, PageAction, PageEvent, Receipt, TargetId};
use crate::{PersonName, Timestamp};

/// One attempt at one target.
pub(in crate::engine) struct TargetAttempt {
    pub(in crate::engine) target: TargetId,
    pub(in crate::engine) answer: DeliveryResult,
    /// `true` if it was the first at this target.
    pub(in crate::engine) first: bool,
    /// `true` if an earlier target may have taken the page too, so that someone may have been
    /// notified twice.
    pub(in crate::engine) perhaps_twice: bool,
}

impl TargetAttempt {
    const fn is_reduced(&self) -> bool {
        matches!(&self.answer, DeliveryResult::Accepted(receipt) if receipt.reduced)
    }
}

impl DeliveryOutcome {
    /// Returns the outcome of a page that is no longer wanted.
    pub(in crate::engine) const fn cancelled() -> Self {
        Self {
            attempt: None,
            outcome: JobOutcome::Cancelled,
            overdue: None,
            behind: None,
        }
    }

    /// Returns `true` if there is more to record than that the page waits.
    pub(in crate::engine) const fn is_to_be_told(&self) -> bool {
        let waits = matches!(self.outcome, JobOutcome::Retry { .. });
        self.attempt.is_some() || self.overdue.is_some() || !waits
    }

    pub(in crate::engine) fn is_acceptance(&self, page: &PageEvent) -> bool {
        let attempt = self.attempt.as_ref().map(|attempt| &attempt.answer);
        page.action == PageAction::Trigger && matches!(attempt, Some(DeliveryResult::Accepted(_)))
    }
}

/// The outcome of one delivery step.
pub(in crate::engine) struct DeliveryOutcome {
    pub(in crate::engine) attempt: Option<TargetAttempt>,
    pub(in crate::engine) outcome: JobOutcome,
    /// The time that the page has been undelivered, if the overdue alarm is due now.
    pub(in crate::engine) overdue: Option<Duration>,
    /// The incident under whose open alert the page is grouped.
    pub(in crate::engine) behind: Option<Arc<Incident>>,
}

/// Returns the alarm that a step raises, and logs it.
pub(in crate::engine) fn alarm(
    claim: &Claim,
    page: &PageEvent,
    delivery: &DeliveryOutcome,
    shown: Option<TargetId>,
) -> Option<Alarm> {
    let attempt = delivery.attempt.as_ref();
    let target = attempt.map(|attempt| attempt.target.clone()).or(shown);
    if matches!(delivery.outcome, JobOutcome::DeadLettered { .. }) {
        tracing::error!(incident.id = %page.incident_id, action = ?page.action, "page delivery failed permanently; no one may have been notified");
        return Some(Alarm::PageGivenUp {
            incident_id: page.incident_id,
            action: page.action,
            target,
        });
    }
    if attempt.is_some_and(TargetAttempt::is_reduced) {
        tracing::error!(incident.id = %page.incident_id, "pager rejected the full page but accepted a shortened one");
        return Some(Alarm::PageReduced {
            incident_id: page.incident_id,
            target: attempt.map(|attempt| attempt.target.clone())?,
        });
    }
    let waited = delivery.overdue?;
    tracing::error!(incident.id = %page.incident_id, seconds = waited.as_secs(), "no pager has accepted the page; no one may have been notified");
    Some(Alarm::PageOverdue {
        incident_id: page.incident_id,
        since: claim.message.committed_at,
        target,
    })
}

/// Returns the timeline messages of a step, one per entry.
pub(in crate::engine) fn timeline_messages(
    page: &PageEvent,
    delivery: &DeliveryOutcome,
) -> impl Iterator<Item = String> {
    let overdue = delivery.overdue.map(|waited| {
        let seconds = waited.as_secs();
        format!("no one may have been notified: no pager has accepted the page for {seconds} s")
    });
    let behind = delivery.behind.as_ref().map(|leader| {
        let number = leader.number;
        format!("delayed: the pager's rate limit is reached, and incident #{number} already has an open alert for the same service")
    });
    let happened = happened(page, delivery).into_iter();
    happened.chain(overdue).chain(behind)
}

/// Returns the timeline message of an attempt or of a dead letter. The timeline has acceptance, the
/// first failure at each target and giving up, but not every attempt: a bad hour at the vendor
/// would bury the response.
fn happened(page: &PageEvent, delivery: &DeliveryOutcome) -> Option<String> {
    let attempt = delivery.attempt.as_ref().filter(|_| !page.is_resend);
    let what = match &page.rule {
        Some(rule) => format!("{} of {rule}", page.action.noun()),
        None => page.action.noun().to_owned(),
    };
    if let JobOutcome::DeadLettered { .. } = delivery.outcome {
        let why = attempt.map_or_else(
            || "no pager is configured, or retrying timed out".to_owned(),
            reason_of,
        );
        return Some(format!("{what} failed permanently: {why}"));
    }
    let attempt = attempt?;
    if attempt.perhaps_twice {
        let how = reason_of(attempt);
        return Some(format!(
            "{what} failed over, but an earlier pager may have delivered it: someone may be paged twice. {how}"
        ));
    }
    match &attempt.answer {
        DeliveryResult::Accepted(receipt) if receipt.reduced => Some(format!(
            "{what} accepted by {} in shortened form: the full page was rejected",
            attempt.target
        )),
        DeliveryResult::Accepted(_) => Some(format!("{what} accepted by {}", attempt.target)),
        DeliveryResult::NotSent(_) | DeliveryResult::Unknown => attempt
            .first
            .then(|| format!("{what} failed at {}", reason_of(attempt))),
    }
}

fn reason_of(attempt: &TargetAttempt) -> String {
    match &attempt.answer {
        DeliveryResult::Accepted(_) => format!("{}: accepted", attempt.target),
        DeliveryResult::NotSent(not_sent) => {
            format!("{}: {}", attempt.target, not_sent.reason.words())
        }
        DeliveryResult::Unknown => format!("{}: no response", attempt.target),
    }
}

pub(in crate::engine) fn pager_actor(target: &str) -> Actor {
    // `pager:` and a target's name are always a valid name.
    let name = PersonName::new(&format!("pager:{target}"));
    Actor {
        kind: ActorKind::Integration,
        name: name.unwrap_or_else(|_| PersonName::pager()),
    }
}

/// Returns the audit entry of a page that was not sent because another alert stands for it.
pub(in crate::engine) fn audit_of_waiting(
    leader: &Incident,
    page: &PageEvent,
    at: Timestamp,
) -> AuditDraft {
    let detail = BTreeMap::from([
        ("behind".to_owned(), leader.id.to_string()),
        ("epoch".to_owned(), page.epoch.to_string()),
    ]);
    let (id, actor) = (Some(page.incident_id), pager_actor("none"));
    AuditDraft::allowed(actor, at, id, "page_coalesced", detail)
}

pub(in crate::engine) fn audit_of(
    page: &PageEvent,
    attempt: &TargetAttempt,
    at: Timestamp,
) -> AuditDraft {
    let mut detail = BTreeMap::from([
        ("answer".to_owned(), attempt.answer.name().to_owned()),
        ("epoch".to_owned(), page.epoch.to_string()),
    ]);
    if let Some(rule) = &page.rule {
        detail.insert("rule".to_owned(), rule.to_string());
    }
    if let DeliveryResult::Accepted(Receipt {
        request_id: Some(id),
        ..
    }) = &attempt.answer
    {
        // The vendor's support needs this id.
        detail.insert("request_id".to_owned(), id.clone());
    }
    let (id, actor) = (Some(page.incident_id), pager_actor(attempt.target.name()));
    let action = format!("page_{}", page.action.name());
    AuditDraft::allowed(actor, at, id, &action, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paging::{NotSent, NotSentReason};

    fn said(answer: DeliveryResult, perhaps_twice: bool, outcome: JobOutcome) -> Vec<String> {
        let step = DeliveryOutcome {
            attempt: Some(TargetAttempt {
                target: TargetId::new("pagerduty").unwrap(),
                answer,
                first: true,
                perhaps_twice,
            }),
            outcome,
            overdue: None,
            behind: None,
        };
        timeline_messages(&crate::testing::a_page(PageAction::Trigger), &step).collect()
    }

    fn accepted(reduced: bool) -> DeliveryResult {
        DeliveryResult::Accepted(Receipt {
            request_id: None,
            reduced,
        })
    }

    fn refused() -> DeliveryResult {
        DeliveryResult::NotSent(NotSent {
            reason: NotSentReason::Unauthorized,
            retry_after: None,
        })
    }

    #[test]
    fn the_timeline_says_how_the_target_answered() {
        let given_up = || JobOutcome::DeadLettered { log: Vec::new() };
        let noun = PageAction::Trigger.noun();
        let words = NotSentReason::Unauthorized.words();
        let twice =
            "failed over, but an earlier pager may have delivered it: someone may be paged twice.";
        for (answer, perhaps_twice, outcome, expected) in [
            (
                accepted(false),
                false,
                JobOutcome::Done,
                "accepted by pagerduty".to_owned(),
            ),
            (
                accepted(true),
                false,
                JobOutcome::Done,
                "accepted by pagerduty in shortened form: the full page was rejected".to_owned(),
            ),
            (
                accepted(false),
                true,
                JobOutcome::Done,
                format!("{twice} pagerduty: accepted"),
            ),
            (
                DeliveryResult::Unknown,
                true,
                JobOutcome::Done,
                format!("{twice} pagerduty: no response"),
            ),
            (
                DeliveryResult::Unknown,
                false,
                JobOutcome::Done,
                "failed at pagerduty: no response".to_owned(),
            ),
            (
                refused(),
                false,
                JobOutcome::Done,
                format!("failed at pagerduty: {words}"),
            ),
            (
                refused(),
                false,
                given_up(),
                format!("failed permanently: pagerduty: {words}"),
            ),
        ] {
            let expected = format!("{noun} {expected}");
            assert_eq!(said(answer, perhaps_twice, outcome), [expected]);
        }
    }

    /// The alarms of a step: dead-lettered, taken only in the shortest form, not accepted for too
    /// long.
    #[test]
    fn an_alarm_goes_off_for_what_somebody_has_to_look_at() {
        let page = crate::testing::a_page(PageAction::Trigger);
        let claim = crate::testing::a_claim(page.clone());
        let target = TargetId::new("pagerduty").unwrap();
        let alarm_of = |answer, outcome, overdue| {
            let step = DeliveryOutcome {
                attempt: Some(TargetAttempt {
                    target: target.clone(),
                    answer,
                    first: true,
                    perhaps_twice: false,
                }),
                outcome,
                overdue,
                behind: None,
            };
            alarm(&claim, &page, &step, None)
        };
        let late = Some(Duration::from_secs(90));
        assert_eq!(alarm_of(accepted(false), JobOutcome::Done, None), None);
        let reduced = alarm_of(accepted(true), JobOutcome::Done, None);
        assert!(
            matches!(reduced, Some(Alarm::PageReduced { .. })),
            "{reduced:?}"
        );
        let given_up = alarm_of(
            refused(),
            JobOutcome::DeadLettered { log: Vec::new() },
            None,
        );
        assert!(
            matches!(given_up, Some(Alarm::PageGivenUp { .. })),
            "{given_up:?}"
        );
        let overdue = alarm_of(refused(), JobOutcome::Done, late);
        let since = claim.message.committed_at;
        assert!(matches!(overdue, Some(Alarm::PageOverdue { since: at, .. }) if at == since));
    }
}

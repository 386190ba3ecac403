//! Tests of the next action for a page, moment by moment.

use std::time::Duration;

use super::*;
use crate::paging::{NotSent, Receipt};

const MINUTE: Duration = Duration::from_secs(60);

fn at(seconds: u64) -> Timestamp {
    let start: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
    start.saturating_add(Duration::from_secs(seconds))
}

fn two() -> [TargetId; 2] {
    ["pagerduty", "opsgenie"].map(|name| TargetId::new(name).unwrap())
}

fn refused(reason: NotSentReason, retry_after: Option<Duration>) -> DeliveryResult {
    DeliveryResult::NotSent(NotSent {
        reason,
        retry_after,
    })
}

/// Returns the log of a target that gave this result at `now`.
fn answered(target: &TargetId, answer: &DeliveryResult, now: Timestamp) -> DeliveryLog {
    let mut log = DeliveryLog::untried(target.clone(), now);
    log.note(answer, now, &Backoff::default(), 1);
    log
}

fn trigger(log: &[DeliveryLog], policy: &FailoverPolicy, now: Timestamp) -> NextAction {
    next_step(DeliveryMode::FirstSuccess, &two(), log, policy, now)
}

#[test]
fn the_policies_are_those_of_the_handbook() {
    let (urgent, calm) = (
        FailoverPolicy::high_urgency(),
        FailoverPolicy::low_urgency(),
    );
    assert_eq!(urgent.after_refusal, Duration::ZERO);
    assert_eq!(urgent.backoff.first, Duration::from_secs(1));
    assert_eq!(urgent.backoff.cap, Duration::from_secs(2));
    assert_eq!(calm.after_refusal, Duration::from_secs(30));
    assert_eq!(calm.backoff, Backoff::default());
    for policy in [urgent, calm] {
        assert_eq!(policy.after_unknown, Some(MINUTE));
        assert_eq!(policy.give_up_after, Duration::from_secs(86_400));
    }
}

#[test]
fn a_wish_to_wait_is_kept_to_the_moment_within_its_two_edges() {
    let [first, _] = two();
    let wait_after = |wish| {
        let answer = refused(NotSentReason::RateLimited, Some(wish));
        answered(&first, &answer, at(100)).not_before
    };
    assert_eq!(wait_after(Duration::from_secs(7)), at(107));
    // Half of the first wait at least, a quarter of an hour at most.
    let half = at(100).saturating_add(Duration::from_millis(500));
    assert_eq!(wait_after(Duration::ZERO), half);
    assert_eq!(wait_after(Duration::from_secs(86_400)), at(100 + 15 * 60));
}

#[test]
fn only_an_untried_target_counts_as_refused_while_its_gate_holds_it() {
    let [first, _] = two();
    let mut untried = DeliveryLog::untried(first.clone(), at(0));
    untried.hold(NotSentReason::RateLimited, at(9));
    assert_eq!(
        untried.last,
        LastResult::NotSent(NotSentReason::RateLimited)
    );
    assert_eq!(untried.attempts, 0);

    let mut unknown = answered(&first, &DeliveryResult::Unknown, at(0));
    unknown.hold(NotSentReason::RateLimited, at(9));
    assert_eq!(unknown.last, LastResult::Unknown, "it may have the page");
}

/// The latest of several holds counts, but never one before the target's own wait; holds are
/// not stored.
#[test]
fn a_hold_only_puts_off_and_is_not_stored() {
    let [first, second] = two();
    let untried = DeliveryLog::untried(first, at(50));
    let held = |until: &[u64]| {
        let mut entry = untried.clone();
        for until in until {
            entry.hold(NotSentReason::RateLimited, at(*until));
        }
        entry
    };
    for (until, due_at) in [(&[][..], 50), (&[10], 50), (&[60, 70], 70), (&[70, 60], 70)] {
        assert_eq!(held(until).due_at(), at(due_at), "{until:?}");
    }
    let mut entry = held(&[70]);
    let stored = serde_json::to_string(&entry).unwrap();
    entry.release();
    assert_eq!(entry.due_at(), at(50));
    assert_eq!(serde_json::from_str::<DeliveryLog>(&stored).unwrap(), entry);
    let other = DeliveryLog::untried(second, at(50));
    assert_eq!(other.due_at(), at(50), "only the target that is held waits");
}

#[test]
fn a_log_has_one_entry_a_target() {
    let [first, second] = two();
    let mut log = Vec::new();
    for target in [&first, &second, &first] {
        DeliveryLog::change(&mut log, target, at(3), |entry| entry.attempts += 1);
    }
    let counted: Vec<_> = log.iter().map(|one| (&one.target, one.attempts)).collect();
    assert_eq!(counted, [(&first, 2), (&second, 1)]);
}

#[test]
fn a_refusal_leads_to_the_next_target_when_its_time_has_come() {
    let [first, second] = two();
    let log = [answered(
        &first,
        &refused(NotSentReason::Unavailable, Some(MINUTE)),
        at(0),
    )];
    let (urgent, calm) = (
        FailoverPolicy::high_urgency(),
        FailoverPolicy::low_urgency(),
    );
    assert_eq!(
        trigger(&log, &urgent, at(0)),
        NextAction::Send(second.clone())
    );
    assert_eq!(trigger(&log, &calm, at(29)), NextAction::Wait(at(30)));
    assert_eq!(trigger(&log, &calm, at(30)), NextAction::Send(second));
}

#[test]
fn an_unknown_answer_keeps_the_target_for_its_minute_also_after_a_refusal() {
    let [first, second] = two();
    let urgent = FailoverPolicy::high_urgency();
    let mut log = vec![answered(&first, &DeliveryResult::Unknown, at(0))];
    assert_eq!(
        trigger(&log, &urgent, at(10)),
        NextAction::Send(first.clone())
    );
    assert_eq!(
        trigger(&log, &urgent, at(60)),
        NextAction::Send(second.clone())
    );
    // The result of the first attempt is still unknown.
    let refusal = refused(NotSentReason::Rejected, None);
    DeliveryLog::change(&mut log, &first, at(20), |entry| {
        entry.note(&refusal, at(20), &Backoff::default(), 1);
    });
    assert_eq!(trigger(&log, &urgent, at(20)), NextAction::Wait(at(60)));
    assert_eq!(trigger(&log, &urgent, at(60)), NextAction::Send(second));
    let never = FailoverPolicy {
        after_unknown: None,
        ..urgent
    };
    assert_eq!(trigger(&log, &never, at(3_600)), NextAction::GiveUp);
}

#[test]
fn of_two_that_may_be_tried_at_once_the_first_in_order_is() {
    let [first, second] = two();
    let log = [&second, &first].map(|target| DeliveryLog {
        attempts: 1,
        last: LastResult::NotSent(NotSentReason::Unreachable),
        ..DeliveryLog::untried(target.clone(), at(5))
    });
    let urgent = FailoverPolicy::high_urgency();
    assert_eq!(trigger(&log, &urgent, at(5)), NextAction::Send(first));
}

#[test]
fn a_page_is_given_up_at_its_time_and_when_all_refuse_for_good() {
    let [first, second] = two();
    let urgent = FailoverPolicy::high_urgency();
    let tried = [answered(
        &first,
        &refused(NotSentReason::Unavailable, None),
        at(0),
    )];
    assert_ne!(trigger(&tried, &urgent, at(86_399)), NextAction::GiveUp);
    assert_eq!(trigger(&tried, &urgent, at(86_400)), NextAction::GiveUp);
    let gone = [&first, &second]
        .map(|target| answered(target, &refused(NotSentReason::Unauthorized, None), at(0)));
    assert_eq!(trigger(&gone, &urgent, at(1)), NextAction::GiveUp);
}

#[test]
fn a_trigger_needs_one_that_accepts_and_an_end_needs_all() {
    let [first, second] = two();
    let urgent = FailoverPolicy::high_urgency();
    let accepted = DeliveryResult::Accepted(Receipt::default());
    let mut log = vec![answered(&first, &accepted, at(0))];
    let every = |log: &[DeliveryLog]| next_step(DeliveryMode::All, &two(), log, &urgent, at(1));
    assert_eq!(trigger(&log, &urgent, at(1)), NextAction::Done);
    assert_eq!(every(&log), NextAction::Send(second.clone()));
    log.push(answered(&second, &accepted, at(0)));
    assert_eq!(every(&log), NextAction::Done);
}

//! Tests of a gate: which requests it admits, and when.

use std::collections::VecDeque;

use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::incident::Severity;
use crate::paging::{DeliveryResult, NotSentReason};
use crate::paging::{NotSent, Receipt};
use crate::{MessageId, Timestamp};

fn at(millis: u64) -> Timestamp {
    let start: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
    start.saturating_add(Duration::from_millis(millis))
}

/// Returns a request for a new message on each call.
fn ask(severity: Severity, may_probe: bool) -> AdmitRequest {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    AdmitRequest {
        message: MessageId::from_uuid(uuid::Uuid::from_u64_pair(7, count)),
        severity,
        may_probe,
    }
}

fn accepted() -> DeliveryResult {
    DeliveryResult::Accepted(Receipt::default())
}

fn not_sent(reason: NotSentReason, retry_after: Option<u64>) -> DeliveryResult {
    DeliveryResult::NotSent(NotSent {
        reason,
        retry_after: retry_after.map(Duration::from_secs),
    })
}

fn capped(per_minute: u32) -> Gate {
    Gate::new(GateSettings {
        per_minute: NonZeroU32::new(per_minute),
        ..GateSettings::default()
    })
}

fn until(admission: Admission) -> Option<Timestamp> {
    match admission {
        Admission::Go => None,
        Admission::Hold { until, .. } => Some(until),
    }
}

#[test]
fn a_minute_holds_no_more_than_its_rate_and_keeps_room_for_what_wakes() {
    let mut gate = capped(120);
    let calm = (0..500).filter(|_| gate.admit(ask(Severity::Sev4, true), at(0)) == Admission::Go);
    assert_eq!(calm.count(), 90);
    // Urgent pages are counted and admitted: the vendor decides if they are too many.
    for severity in [Severity::Sev1, Severity::Sev2] {
        let urgent = (0..60).filter(|_| gate.admit(ask(severity, true), at(10)) == Admission::Go);
        assert_eq!(urgent.count(), 60);
    }
    let calm = until(gate.admit(ask(Severity::Sev3, true), at(20)));
    assert_eq!(calm, Some(at(60_010)));
}

#[test]
fn those_that_are_held_come_back_one_after_the_other() {
    let mut gate = capped(4);
    let times: Vec<_> = (0..6)
        .map(|_| until(gate.admit(ask(Severity::Sev4, true), at(0))))
        .collect();
    let expected = [None, None, None, Some(60_000), Some(80_001), Some(100_002)];
    assert_eq!(times, expected.map(|millis| millis.map(at)));
    // A worse severity does not wait in that queue.
    assert_eq!(
        until(gate.admit(ask(Severity::Sev3, true), at(1))),
        Some(at(60_000))
    );
    // A message that asks too early keeps its slot.
    let mut early = gate.clone();
    let one = ask(Severity::Sev4, true);
    let place = until(early.admit(one, at(0)));
    assert_eq!(
        (place, until(early.admit(one, at(9)))),
        (Some(at(120_003)), place)
    );
    for millis in [60_000, 80_001, 100_002] {
        assert_eq!(
            gate.admit(ask(Severity::Sev4, true), at(millis)),
            Admission::Go
        );
    }
}

/// A vendor that takes 120 requests in any minute, and a sender that does not know this limit.
#[test]
fn an_unknown_limit_is_learned_and_hardly_touched_again() {
    let mut gate = Gate::new(GateSettings::default());
    let (mut taken, mut refused_late, mut now) = (VecDeque::new(), 0, 0);
    let mut last_hour = 0;
    let mut page = ask(Severity::Sev4, true);
    while now < 3_600_000 {
        let time = at(now);
        if gate.admit(page, time) == Admission::Go {
            page = ask(Severity::Sev4, true);
            while taken.front().is_some_and(|sent| *sent + 60_000 <= now) {
                taken.pop_front();
            }
            if taken.len() < 120 {
                taken.push_back(now);
                last_hour += 1;
                gate.note(&accepted(), time);
            } else {
                gate.note(&not_sent(NotSentReason::RateLimited, None), time);
                refused_late += u32::from(now > 120_000);
            }
        }
        now += 100;
    }
    assert!(refused_late < 360, "{refused_late} of {last_hour}");
    assert!(last_hour > 60 * 120 * 8 / 10, "{last_hour}");
}

#[test]
fn a_pause_that_was_asked_for_is_kept_and_an_absurd_one_is_cut() {
    for severity in [Severity::Sev1, Severity::Sev4] {
        for (wish, expected) in [(7, 7_000), (u64::MAX, 900_000)] {
            let mut gate = Gate::new(GateSettings::default());
            assert_eq!(gate.admit(ask(severity, true), at(0)), Admission::Go);
            gate.note(&not_sent(NotSentReason::RateLimited, Some(wish)), at(0));
            let held = until(gate.admit(ask(severity, true), at(1)));
            assert_eq!(held, Some(at(expected)));
            assert_eq!(gate.admit(ask(severity, true), at(expected)), Admission::Go);
        }
    }
}

/// A refusal without `Retry-After`, or after a handful of requests, holds no urgent page and
/// teaches no rate; only SEV3 and SEV4 slow down.
#[test]
fn a_refusal_teaches_a_rate_only_by_evidence_and_never_holds_what_wakes_people() {
    let refusal = not_sent(NotSentReason::RateLimited, None);
    for taken in [0, 1, 19, 20, 200] {
        let mut gate = Gate::new(GateSettings::default());
        for _ in 0..taken {
            assert_eq!(gate.admit(ask(Severity::Sev1, true), at(0)), Admission::Go);
            gate.note(&accepted(), at(0));
        }
        assert_eq!(gate.admit(ask(Severity::Sev1, true), at(0)), Admission::Go);
        gate.note(&refusal, at(0));
        for millis in [1, 500, 1_000, 30_000] {
            let urgent = gate.clone().admit(ask(Severity::Sev2, true), at(millis));
            assert_eq!(urgent, Admission::Go, "{taken} {millis}");
        }
        let calm = until(gate.admit(ask(Severity::Sev3, true), at(1)));
        assert_eq!(calm, Some(at(if taken < 20 { 1_000 } else { 60_000 })));
    }
    // Consecutive refusals slow down SEV3 and SEV4: 1, 2, 4, ... 60 s.
    let mut gate = Gate::new(GateSettings::default());
    let mut now = 0;
    for wait in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        gate.note(&refusal, at(now));
        gate.note(&refusal, at(now + 1));
        let held = until(gate.clone().admit(ask(Severity::Sev4, true), at(now + 1)));
        assert_eq!(held, Some(at(now + 1 + wait)), "{wait}");
        now += 60_001;
    }
    gate.note(&accepted(), at(now));
    gate.note(&refusal, at(now));
    let held = until(gate.admit(ask(Severity::Sev4, true), at(now)));
    assert_eq!(held, Some(at(now + 1_000)));
}

fn down() -> Gate {
    let mut gate = Gate::new(GateSettings::default());
    let fail = |gate: &mut Gate, millis| gate.note(&DeliveryResult::Unknown, at(millis));
    // Neither a burst of simultaneous failures nor a few over a long time open the breaker.
    assert_eq!((0..40).find_map(|_| fail(&mut gate, 0)), None);
    assert_eq!(gate.note(&accepted(), at(1)), None);
    assert_eq!((0..4).find_map(|n| fail(&mut gate, 2 + n * 9_000)), None);
    assert_eq!(gate.note(&accepted(), at(28_000)), None);
    let mut gate = Gate::new(GateSettings::default());
    assert_eq!((0..4).find_map(|n| fail(&mut gate, n)), None);
    assert_eq!(gate.admit(ask(Severity::Sev1, true), at(4)), Admission::Go);
    assert_eq!(fail(&mut gate, 5_000), Some(BreakerTransition::Opened));
    // Requests that were in flight do not count.
    assert_eq!((0..9).find_map(|_| fail(&mut gate, 5_000)), None);
    gate
}

/// Urgent pages, however many, try a target that is down once a second.
#[test]
fn a_target_that_is_down_is_tried_once_a_second_and_never_more() {
    let mut gate = down();
    let pages: Vec<AdmitRequest> = (0..40).map(|_| ask(Severity::Sev1, true)).collect();
    let mut due: Vec<u64> = vec![5_001; 40];
    let mut sent: Vec<u64> = Vec::new();
    let mut waits = 0;
    for now in (5_001..65_000).step_by(10) {
        for (page, due) in pages.iter().zip(&mut due) {
            if *due <= now {
                match gate.admit(*page, at(now)) {
                    Admission::Go => {
                        sent.push(now);
                        assert_eq!(gate.note(&DeliveryResult::Unknown, at(now)), None);
                        *due = now + 1_500;
                    }
                    Admission::Hold { until, reason } => {
                        assert_eq!(reason, NotSentReason::Unavailable);
                        let wait = until.since(at(now));
                        assert!(wait <= Duration::from_secs(2), "{wait:?}");
                        *due = now + u64::try_from(wait.as_millis()).unwrap();
                        waits += 1;
                    }
                }
            }
        }
    }
    assert!(
        sent.windows(2).all(|two| two[0] + 1_000 <= two[1]),
        "{sent:?}"
    );
    // About one a second; a held page tries again about every two seconds.
    assert!(55 <= sent.len() && sent.len() <= 60, "{}", sent.len());
    assert!(waits <= 40 * 35, "{waits}");
    // The held messages are listed once, when the target works again.
    let Some(BreakerTransition::Closed(held)) = gate.note(&accepted(), at(65_000)) else {
        panic!("it works again");
    };
    assert!(30 <= held.len() && held.len() <= 40, "{}", held.len());
    assert_eq!(gate.note(&accepted(), at(65_001)), None);
    for page in pages {
        assert_eq!(gate.admit(page, at(65_002)), Admission::Go);
    }
}

/// A single page that waits for a target has a turn every second.
#[test]
fn one_page_alone_has_every_turn() {
    let mut gate = down();
    let page = ask(Severity::Sev2, true);
    let first = until(gate.admit(page, at(5_200))).unwrap();
    assert_eq!(first, at(6_200));
    for second in 0..20 {
        let now = at(6_200 + second * 1_000);
        assert_eq!(gate.admit(page, now), Admission::Go);
        assert_eq!(gate.note(&DeliveryResult::Unknown, now), None);
        let next = until(gate.admit(page, now)).unwrap();
        assert_eq!(next, now.saturating_add(Duration::from_secs(1)));
    }
}

/// A refused connection is no request: it is tried twice a second. The first connection that is
/// made counts as one again.
#[test]
fn a_target_that_cannot_be_reached_is_tried_twice_a_second() {
    let mut gate = down();
    let page = ask(Severity::Sev1, true);
    let unreachable = not_sent(NotSentReason::Unreachable, None);
    let mut now = 6_000;
    for _ in 0..10 {
        assert_eq!(gate.admit(page, at(now)), Admission::Go);
        assert_eq!(gate.note(&unreachable, at(now)), None);
        assert_eq!(until(gate.admit(page, at(now))), Some(at(now + 500)));
        now += 500;
    }
    assert_eq!(gate.admit(page, at(now)), Admission::Go);
    assert_eq!(gate.note(&DeliveryResult::Unknown, at(now)), None);
    assert_eq!(until(gate.admit(page, at(now))), Some(at(now + 1_000)));
    let early = gate.admit(ask(Severity::Sev2, true), at(now + 999));
    assert_ne!(early, Admission::Go);
}

/// A new page that another target may take does not probe a target that is down.
#[test]
fn a_page_with_another_way_is_no_probe() {
    let mut gate = down();
    for millis in [6_000, 16_000, 60_000] {
        let held = until(gate.admit(ask(Severity::Sev1, false), at(millis)));
        assert_eq!(held, Some(at(millis + 1_000)));
    }
    assert!(gate.wants_probe(at(60_000)));
    assert!(!gate.wants_probe(at(60_999)));
    // Asking for a probe that is not due uses up no turn.
    let turn = until(gate.clone().admit(ask(Severity::Sev1, true), at(60_999)));
    assert_eq!(turn, Some(at(61_999)));
    assert!(gate.wants_probe(at(61_000)));
    gate.try_again();
    assert!(!gate.wants_probe(at(62_000)) && !gate.is_down());
    let fresh = gate.admit(ask(Severity::Sev1, false), at(62_000));
    assert_eq!(fresh, Admission::Go);
}

/// SEV3 and SEV4 send nothing to a target that is down, for a time that doubles up to a cap.
#[test]
fn what_informs_waits_until_a_target_is_up() {
    let mut gate = down();
    let calm = |gate: &mut Gate, millis| until(gate.admit(ask(Severity::Sev4, true), at(millis)));
    assert_eq!(calm(&mut gate, 5_001), Some(at(10_000)));
    assert_eq!(calm(&mut gate.clone(), 10_000), None);
    let held = until(gate.admit(ask(Severity::Sev3, false), at(10_000)));
    assert_eq!(held, Some(at(25_000)));
    // They share their turns with urgent pages.
    assert_eq!(
        gate.admit(ask(Severity::Sev1, true), at(10_000)),
        Admission::Go
    );
    assert_eq!(calm(&mut gate, 10_001), Some(at(25_001)));
    assert_eq!(gate.note(&DeliveryResult::Unknown, at(10_500)), None);
    assert_eq!(calm(&mut gate, 11_000), Some(at(20_500)));
    assert_eq!(
        gate.admit(ask(Severity::Sev1, true), at(12_000)),
        Admission::Go
    );
    assert_eq!(gate.note(&DeliveryResult::Unknown, at(12_000)), None);
    // At the cap of 15 s.
    assert_eq!(calm(&mut gate, 12_001), Some(at(27_000)));
    assert_eq!(calm(&mut gate, 27_000), None);
}

#[test]
fn a_clock_that_went_back_leaves_a_target_no_longer_alone() {
    let mut gate = down();
    assert_eq!(
        gate.admit(ask(Severity::Sev1, true), at(90_000)),
        Admission::Go
    );
    let page = ask(Severity::Sev1, true);
    assert_eq!(gate.admit(page, at(6_000)), Admission::Go);
}

#[test]
fn a_refused_key_closes_at_once_and_a_refused_body_does_not() {
    let mut gate = Gate::new(GateSettings::default());
    for _ in 0..20 {
        let body = not_sent(NotSentReason::Rejected, None);
        assert_eq!(gate.note(&body, at(0)), None);
    }
    let key = not_sent(NotSentReason::Unauthorized, None);
    assert_eq!(gate.note(&key, at(0)), Some(BreakerTransition::Opened));
    assert_eq!((0..9).find_map(|_| gate.note(&key, at(0))), None);
    let again = until(gate.admit(ask(Severity::Sev1, true), at(1)));
    assert_eq!(again, Some(at(1_001)));
}

#[test]
fn a_clock_that_went_back_shuts_nothing_for_long() {
    let mut gate = capped(1);
    assert_eq!(
        gate.admit(ask(Severity::Sev1, true), at(86_400_000)),
        Admission::Go
    );
    gate.note(
        &not_sent(NotSentReason::RateLimited, Some(60)),
        at(86_400_000),
    );
    assert_eq!(gate.admit(ask(Severity::Sev1, true), at(0)), Admission::Go);
}

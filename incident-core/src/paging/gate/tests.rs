//! What a gate lets through, and when.

use super::*;
use crate::paging::{NotSent, Receipt};

fn at(millis: u64) -> Timestamp {
    let start: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
    start.saturating_add(Duration::from_millis(millis))
}

/// Asks for another message each time.
fn ask(severity: Severity, may_probe: bool) -> Asking {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Asking {
        message: MessageId::from_uuid(uuid::Uuid::from_u64_pair(7, count)),
        severity,
        may_probe,
    }
}

fn accepted() -> PageAnswer {
    PageAnswer::Accepted(Receipt::default())
}

fn not_sent(reason: NotSentReason, retry_after: Option<u64>) -> PageAnswer {
    PageAnswer::NotSent(NotSent {
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
    let urgent =
        (0..500).filter(|_| gate.admit(ask(Severity::Sev1, true), at(10)) == Admission::Go);
    assert_eq!(urgent.count(), 30);
    assert_eq!(
        until(gate.admit(ask(Severity::Sev2, true), at(20))),
        Some(at(60_000))
    );
    assert_eq!(
        gate.admit(ask(Severity::Sev2, true), at(60_000)),
        Admission::Go
    );
}

#[test]
fn those_that_are_held_come_back_one_after_the_other() {
    let mut gate = capped(4);
    let times: Vec<_> = (0..6)
        .map(|_| until(gate.admit(ask(Severity::Sev4, true), at(0))))
        .collect();
    let expected = [None, None, None, Some(60_000), Some(80_001), Some(100_002)];
    assert_eq!(times, expected.map(|millis| millis.map(at)));
    // A worse one does not stand in that queue.
    assert_eq!(
        until(gate.admit(ask(Severity::Sev3, true), at(1))),
        Some(at(60_000))
    );
    // One that asks too early keeps its place.
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

/// A vendor that takes so many in any minute, and a sender that knows nothing
/// of it.
#[test]
fn an_unknown_limit_is_learned_and_hardly_touched_again() {
    let mut gate = Gate::new(GateSettings::default());
    let (mut taken, mut refused_late, mut now) = (VecDeque::new(), 0, 0);
    let mut last_hour = 0;
    while now < 3_600_000 {
        let time = at(now);
        if gate.admit(ask(Severity::Sev1, true), time) == Admission::Go {
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
    for (wish, expected) in [(Some(7), 7_000), (None, 1_000), (Some(u64::MAX), 900_000)] {
        let mut gate = Gate::new(GateSettings::default());
        assert_eq!(gate.admit(ask(Severity::Sev1, true), at(0)), Admission::Go);
        gate.note(&not_sent(NotSentReason::RateLimited, wish), at(0));
        assert_eq!(
            until(gate.admit(ask(Severity::Sev1, true), at(1))),
            Some(at(expected))
        );
        assert_eq!(
            gate.admit(ask(Severity::Sev1, true), at(expected)),
            Admission::Go
        );
    }
}

#[test]
fn a_target_that_fails_is_left_alone_and_tried_by_one() {
    let slow = GateSettings {
        open_for: Duration::from_secs(10),
        open_at_most: Duration::from_secs(60),
        ..GateSettings::default()
    };
    let mut gate = Gate::new(slow);
    let fail = |gate: &mut Gate, millis| gate.note(&PageAnswer::Unknown, at(millis));
    // A burst that fails together does not count, nor do few over a long time.
    assert_eq!((0..40).find_map(|_| fail(&mut gate, 0)), None);
    assert_eq!(gate.note(&accepted(), at(1)), None);
    assert_eq!((0..4).find_map(|n| fail(&mut gate, 2 + n * 9_000)), None);
    assert_eq!(gate.note(&accepted(), at(28_000)), None);
    let mut gate = Gate::new(slow);
    assert_eq!((0..4).find_map(|n| fail(&mut gate, n)), None);
    assert_eq!(gate.admit(ask(Severity::Sev1, true), at(4)), Admission::Go);
    assert_eq!(fail(&mut gate, 5_000), Some(Turn::Opened));
    // Others were on their way.
    assert_eq!((0..9).find_map(|_| fail(&mut gate, 5_000)), None);
    assert_eq!(
        until(gate.admit(ask(Severity::Sev1, true), at(5_001))),
        Some(at(15_000))
    );
    let mut patient = gate.clone();
    patient.try_again();
    assert_eq!(
        patient.admit(ask(Severity::Sev1, true), at(5_002)),
        Admission::Go
    );
    // On with the clock of the others below.
    assert_eq!(
        until(gate.admit(ask(Severity::Sev4, true), at(9_999))),
        Some(at(15_000))
    );
    // One probe, of a page that has nowhere else to go; the others wait for what becomes of it.
    assert_eq!(
        until(gate.admit(ask(Severity::Sev4, false), at(15_000))),
        Some(at(30_000))
    );
    assert!(gate.clone().wants_probe(at(15_000)));
    assert_eq!(
        gate.admit(ask(Severity::Sev4, true), at(15_000)),
        Admission::Go
    );
    assert!(!gate.wants_probe(at(15_000)));
    assert_eq!(
        until(gate.admit(ask(Severity::Sev1, true), at(15_000))),
        Some(at(16_000))
    );
    assert_eq!(fail(&mut gate, 16_000), None);
    assert_eq!(
        until(gate.admit(ask(Severity::Sev1, true), at(16_001))),
        Some(at(36_000))
    );
    // A probe that never comes back is not waited for.
    assert_eq!(
        gate.admit(ask(Severity::Sev1, true), at(36_000)),
        Admission::Go
    );
    assert_eq!(
        gate.admit(ask(Severity::Sev1, true), at(66_000)),
        Admission::Go
    );
    assert_eq!(gate.note(&accepted(), at(66_500)), Some(Turn::Closed));
    assert_eq!(
        gate.admit(ask(Severity::Sev1, true), at(66_501)),
        Admission::Go
    );
    assert!(!gate.is_down());
}

#[test]
fn a_refused_key_closes_at_once_and_a_refused_body_does_not() {
    let mut gate = Gate::new(GateSettings::default());
    for _ in 0..20 {
        let body = not_sent(NotSentReason::Rejected, None);
        assert_eq!(gate.note(&body, at(0)), None);
    }
    let key = not_sent(NotSentReason::Unauthorized, None);
    assert_eq!(gate.note(&key, at(0)), Some(Turn::Opened));
    assert_eq!((0..9).find_map(|_| gate.note(&key, at(0))), None);
    let again = until(gate.admit(ask(Severity::Sev1, true), at(1)));
    assert_eq!(again, Some(at(5_000)));
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

//! Edge cases of the circuit breaker.

use uuid::Uuid;

use super::*;
use crate::incident::Severity;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000 + millis * 1_000).unwrap()
}

fn asking(message: u64, severity: Severity) -> AdmitRequest {
    AdmitRequest {
        message: MessageId::from_uuid(Uuid::from_u64_pair(9, message)),
        severity,
        may_probe: true,
    }
}

fn urgent(message: u64) -> AdmitRequest {
    asking(message, Severity::Sev1)
}

/// Creates a breaker that a refused key opened at 0.
fn open() -> CircuitBreaker {
    let mut breaker = CircuitBreaker::new(GateSettings::default());
    assert_eq!(breaker.refuses_key(at(0)), Some(BreakerTransition::Opened));
    breaker
}

#[test]
fn turns_are_a_second_apart_and_no_wait_is_longer_than_two() {
    let mut breaker = open();
    assert_eq!(breaker.held(urgent(1), at(0)), Some(at(1_000)));
    assert_eq!(breaker.held(urgent(2), at(0)), Some(at(2_000)));
    for message in 3..6 {
        assert_eq!(breaker.held(urgent(message), at(0)), Some(at(2_000)));
    }
    // The turn at 2 s is taken, and the one after it is too far away.
    assert_eq!(breaker.held(urgent(6), at(500)), Some(at(2_500)));
    assert_eq!(breaker.held(urgent(7), at(999)), Some(at(2_999)));
    assert_eq!(breaker.held(urgent(8), at(1_000)), None);
    assert_eq!(breaker.held(urgent(9), at(1_000)), Some(at(3_000)));
    assert_eq!(breaker.held(urgent(9), at(1_999)), Some(at(3_999)));
}

#[test]
fn only_what_wakes_people_is_called_when_the_target_works_again() {
    let mut breaker = open();
    breaker.held(asking(1, Severity::Sev4), at(1));
    breaker.held(asking(2, Severity::Sev3), at(1));
    breaker.held(asking(3, Severity::Sev2), at(1));
    breaker.held(urgent(4), at(1));
    // The message that probes the target no longer waits.
    assert_eq!(breaker.held(urgent(4), at(1_000)), None);
    let called = vec![asking(3, Severity::Sev2).message];
    assert_eq!(breaker.works(), Some(BreakerTransition::Closed(called)));
    assert_eq!(breaker.works(), None);
}

#[test]
fn so_many_held_messages_are_remembered_and_no_more() {
    let mut breaker = open();
    for message in 0..2_000 {
        assert!(breaker.held(urgent(message), at(1)).is_some());
    }
    let Some(BreakerTransition::Closed(held)) = breaker.works() else {
        panic!("it was open");
    };
    assert_eq!(held.len(), 1_024);
}

#[test]
fn a_few_that_wait_for_another_to_try_look_every_second_and_many_every_two() {
    let mut breaker = open();
    for message in 0..40 {
        let waiting = AdmitRequest {
            may_probe: false,
            ..urgent(message)
        };
        let wait = if message < 32 { 1_000 } else { 2_000 };
        assert_eq!(
            breaker.held(waiting, at(1)),
            Some(at(1 + wait)),
            "{message}"
        );
    }
}

#[test]
fn so_many_failures_for_so_long_open_it() {
    let fails = |times: &[i64]| {
        let mut breaker = CircuitBreaker::new(GateSettings::default());
        let turns: Vec<bool> = times
            .iter()
            .map(|millis| breaker.fails(true, at(*millis)).is_some())
            .collect();
        (turns.iter().filter(|opened| **opened).count(), breaker)
    };
    assert_eq!(fails(&[0, 1, 2, 5_000]).0, 0);
    assert_eq!(fails(&[0, 1, 2, 3, 4_999]).0, 0);
    let (opened, breaker) = fails(&[0, 1, 2, 3, 5_000]);
    assert!(opened == 1 && breaker.is_open());
    assert_eq!(fails(&[0, 1, 2, 3, 4, 5, 5_000, 5_001]).0, 1);
    let (_, mut breaker) = fails(&[0, 1, 2, 3]);
    assert_eq!(breaker.works(), None);
    // A success resets the count.
    assert_eq!(breaker.fails(true, at(6_000)), None);
    assert!(!breaker.is_open());
}

#[test]
fn each_failed_try_doubles_the_time_that_what_informs_waits() {
    let mut breaker = open();
    let calm = |breaker: &CircuitBreaker| breaker.clone().held(asking(1, Severity::Sev4), at(0));
    assert_eq!(calm(&breaker), Some(at(5_000)));
    // No request went out since: late answers say nothing new.
    breaker.fails(true, at(500));
    assert_eq!(breaker.refuses_key(at(500)), None);
    assert_eq!(calm(&breaker), Some(at(5_000)));
    for (second, until) in [(1, 11_000), (2, 17_000), (3, 18_000)] {
        assert_eq!(breaker.held(urgent(2), at(second * 1_000)), None);
        assert_eq!(breaker.refuses_key(at(second * 1_000)), None);
        let wait = breaker
            .clone()
            .held(asking(1, Severity::Sev4), at(second * 1_000));
        assert_eq!(wait, Some(at(until)));
    }
}

#[test]
fn a_target_that_cannot_be_reached_is_free_again_after_half_a_second() {
    let mut breaker = open();
    assert_eq!(breaker.held(urgent(1), at(1_000)), None);
    assert_eq!(breaker.fails(false, at(1_000)), None);
    assert_eq!(breaker.held(urgent(1), at(1_000)), Some(at(1_500)));
    assert!(!breaker.is_free(at(1_499)) && breaker.is_free(at(1_500)));
    assert_eq!(breaker.held(urgent(1), at(1_500)), None);
    // A late answer does not postpone the turn that was assigned.
    assert_eq!(breaker.fails(false, at(2_400)), None);
    assert!(breaker.is_free(at(2_500)));
}

#[test]
fn a_clock_that_went_back_frees_it() {
    let mut breaker = open();
    assert_eq!(breaker.held(urgent(1), at(90_000)), None);
    // A request up to one second ahead is valid.
    assert!(!breaker.clone().is_free(at(90_000)));
    assert!(breaker.clone().is_free(at(89_999)));
    assert_eq!(breaker.held(urgent(2), at(60_000)), None);
    assert_eq!(breaker.held(urgent(3), at(60_000)), Some(at(61_000)));
}

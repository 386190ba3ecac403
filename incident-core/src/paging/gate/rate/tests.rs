//! Edge cases of the rate limiter.

use uuid::Uuid;

use super::*;

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

fn calm(message: u64) -> AdmitRequest {
    asking(message, Severity::Sev4)
}

fn capped(per_minute: u32) -> RateLimiter {
    RateLimiter::new(NonZeroU32::new(per_minute))
}

/// Counts the messages that may go at one moment.
fn goes(rate: &mut RateLimiter, millis: i64) -> u64 {
    let mut count = 0;
    while count < 1_000 && rate.held(calm(10_000 + count), at(millis)).is_none() {
        rate.count(calm(10_000 + count).message, at(millis));
        count += 1;
    }
    count
}

/// Creates a limiter that learned a rate of 20 at 0, from 20 requests in the minute before.
fn learned() -> RateLimiter {
    let mut rate = RateLimiter::new(None);
    for message in 0..21 {
        rate.count(calm(message).message, at(-1_000));
    }
    rate.refused(true, at(0));
    rate
}

#[test]
fn a_learned_rate_grows_by_a_quarter_each_minute() {
    // Three quarters of 25, 31, 38 and 47, the rates after 1 to 4 minutes.
    for (minute, expected) in [(1, 18), (2, 23), (3, 28), (4, 35)] {
        assert_eq!(goes(&mut learned(), minute * 60_000), expected, "{minute}");
    }
    let mut one = RateLimiter::new(None);
    one.learned = Some(Learned {
        per_minute: 1,
        at: at(0),
        refused_at: at(0),
    });
    // A rate whose quarter rounds to zero grows by one.
    assert_eq!(goes(&mut one, 60_000 * 7), 6);
}

#[test]
fn a_learned_rate_is_forgotten_half_an_hour_after_the_last_refusal() {
    let half_an_hour = 30 * 60_000;
    let mut rate = learned();
    rate.forget(at(half_an_hour - 1));
    assert!(rate.learned.is_some());
    rate.forget(at(half_an_hour));
    assert!(rate.learned.is_none());
}

#[test]
fn a_refusal_teaches_what_was_taken_and_never_more() {
    let mut rate = learned();
    assert_eq!(rate.rate(at(0)), Some(20));
    // The next refusal came after more requests in a minute than the learned rate.
    for message in 0..31 {
        rate.count(calm(message).message, at(61_000));
    }
    rate.refused(true, at(61_000));
    assert_eq!(rate.rate(at(61_000)), Some(25));
    let mut few = RateLimiter::new(None);
    for message in 0..20 {
        few.count(calm(message).message, at(0));
    }
    few.refused(true, at(0));
    assert_eq!(few.rate(at(0)), None);
}

#[test]
fn a_pause_ends_at_its_end_and_grows_with_each_burst() {
    let mut rate = RateLimiter::new(None);
    let mut now = 0;
    for wait in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        rate.refused(false, at(now));
        let held = |millis| rate.clone().held(calm(1), at(millis));
        assert_eq!(held(now + wait - 1), Some(at(now + wait)));
        assert_eq!(held(now + wait), None);
        now += wait;
    }
    rate.accepted();
    now += 60_000;
    // Three refusals in one burst count as one.
    for later in 0..3 {
        rate.refused(false, at(now + later));
    }
    assert_eq!(rate.held(calm(1), at(now + 2)), Some(at(now + 1_002)));
    rate.refused(false, at(now + 2_000));
    assert_eq!(rate.held(calm(1), at(now + 2_000)), Some(at(now + 4_000)));
}

#[test]
fn a_refusal_that_names_a_time_makes_no_pause() {
    let mut rate = RateLimiter::new(None);
    rate.refused(true, at(0));
    assert_eq!(rate.held(calm(1), at(0)), None);
}

#[test]
fn a_wish_holds_until_its_end_and_the_longest_one_counts() {
    let mut rate = RateLimiter::new(None);
    rate.wait(Duration::from_secs(15 * 60), at(0));
    rate.wait(Duration::from_secs(1), at(0));
    let urgent = asking(1, Severity::Sev1);
    for asking in [urgent, calm(2)] {
        let held = |millis| rate.clone().held(asking, at(millis));
        assert_eq!(held(0), Some(at(900_000)));
        assert_eq!(held(899_999), Some(at(900_000)));
        assert_eq!(held(900_000), None);
    }
    // One microsecond before it was requested: the clock went back.
    let before = Timestamp::from_micros(at(0).micros() - 1).unwrap();
    assert_eq!(rate.held(urgent, before), None);
}

#[test]
fn requests_of_a_clock_that_went_back_fill_no_window() {
    let sent_at = |millis| {
        let mut rate = capped(4);
        for message in 0..3 {
            rate.count(calm(message).message, at(millis));
        }
        rate
    };
    // Requests up to a minute ahead may be valid.
    assert_eq!(sent_at(60_000).held(calm(9), at(0)), Some(at(120_000)));
    assert_eq!(sent_at(60_001).held(calm(9), at(0)), None);
    assert_eq!(sent_at(0).held(calm(9), at(59_999)), Some(at(60_000)));
    assert_eq!(sent_at(0).held(calm(9), at(60_000)), None);
}

#[test]
fn a_held_message_keeps_its_place_until_it_comes() {
    let mut rate = capped(4);
    for message in 0..3 {
        rate.count(calm(message).message, at(0));
    }
    let (first, second) = (calm(10), calm(11));
    assert_eq!(rate.held(first, at(0)), Some(at(60_000)));
    assert_eq!(rate.held(second, at(0)), Some(at(80_001)));
    // Others are held meanwhile; no slot moves.
    assert_eq!(rate.held(calm(12), at(1)), Some(at(100_002)));
    for early in [1, 30_000, 59_999] {
        assert_eq!(rate.held(first, at(early)), Some(at(60_000)));
        assert_eq!(rate.held(second, at(early)), Some(at(80_001)));
    }
    // Urgent pages took the room: at its slot it gets another one.
    for message in 20..23 {
        rate.count(asking(message, Severity::Sev1).message, at(59_000));
    }
    assert_eq!(rate.held(first, at(60_000)), Some(at(120_003)));
    assert_eq!(rate.held(first, at(60_001)), Some(at(120_003)));
}

#[test]
fn sev3_and_sev4_wait_in_queues_of_their_own() {
    let mut rate = capped(4);
    for message in 0..3 {
        rate.count(calm(message).message, at(0));
    }
    for (message, severity, place) in [
        (10, Severity::Sev4, 60_000),
        (11, Severity::Sev4, 80_001),
        (12, Severity::Sev3, 60_000),
        (13, Severity::Sev3, 80_001),
        (14, Severity::Sev4, 100_002),
    ] {
        assert_eq!(rate.held(asking(message, severity), at(0)), Some(at(place)));
    }
}

#[test]
fn places_of_messages_that_never_came_are_forgotten() {
    let mut rate = capped(4);
    for message in 0..3 {
        rate.count(calm(message).message, at(0));
    }
    assert_eq!(rate.held(calm(10), at(0)), Some(at(60_000)));
    for message in 20..23 {
        rate.count(calm(message).message, at(119_000));
    }
    let known = |rate: &RateLimiter, message| rate.places.contains_key(&calm(message).message);
    rate.held(calm(11), at(119_999));
    assert!(known(&rate, 10));
    rate.held(calm(12), at(120_000));
    assert!(!known(&rate, 10) && known(&rate, 11) && known(&rate, 12));
    // A message that went has no slot any more.
    rate.count(calm(11).message, at(120_000));
    assert!(!known(&rate, 11));
}

#[test]
fn three_quarters_are_for_what_informs_and_at_least_one() {
    for (per_minute, expected) in [(1, 1), (2, 1), (3, 2), (4, 3), (120, 90)] {
        assert_eq!(goes(&mut capped(per_minute), 0), expected);
    }
}

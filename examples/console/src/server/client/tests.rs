use super::*;

fn client(now: Instant) -> ClientConnection {
    ClientConnection::new(IpAddr::from([192, 0, 2, 1]), now)
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn order(client: &ClientConnection) -> Option<Order> {
    client.state().order
}

/// Advances a client to the end of its first request.
fn served(client: &ClientConnection) {
    client.read(b"GET / HTTP/1.1\r\n\r\n");
    client.request(true);
    client.answered();
    client.flushed();
}

/// L3: each wait for the client has its deadline, the server's work has none.
#[test]
fn deadlines_are_those_of_the_wait() {
    let limits = Limits::default();
    let start = Instant::now();
    // Event, seconds allowed, name of the deadline, order.
    type Case = (fn(&ClientConnection), u64, &'static str, Option<Order>);
    let cases: [Case; 6] = [
        (|_| {}, 10, "head_late", Some(Order::Close)),
        (
            |one| one.read(b"GET / HT"),
            10,
            "head_late",
            Some(Order::Late),
        ),
        (served, 75, "idle", Some(Order::Close)),
        (
            |one| {
                served(one);
                one.read(b"G");
            },
            10,
            "head_late",
            Some(Order::Late),
        ),
        (
            |one| {
                one.request(false);
                one.wants_body(Waker::noop());
            },
            30,
            "body_late",
            None,
        ),
        (
            |one| {
                one.request(true);
                one.blocked(true);
            },
            30,
            "answer_late",
            Some(Order::Close),
        ),
    ];
    for (happens, allowed, reason, ordered) in cases {
        let one = client(start);
        happens(&one);
        // The events above took a moment.
        let now = Instant::now();
        assert_eq!(
            one.check(start + seconds(allowed) - seconds(1), &limits),
            None
        );
        assert_eq!(one.check(now + seconds(allowed), &limits), Some(reason));
        assert_eq!(order(&one), ordered, "{reason}");
        assert_eq!(one.broken().is_some(), reason == "body_late");
        // A deadline fires once.
        assert_eq!(one.check(now + seconds(1_000), &limits), None, "{reason}");
    }
    let busy = client(start);
    busy.request(true);
    assert_eq!(busy.check(start + seconds(1_000), &limits), None);
    assert_eq!(busy.waits(start + seconds(1_000)), None);
}

/// L3: trickling bytes do not extend the deadline of a head, but do extend that of a body.
#[test]
fn trickling_helps_a_body_and_no_head() {
    let limits = Limits::default();
    let start = Instant::now();
    let head = client(start);
    for _ in 0..20 {
        head.read(b"x");
    }
    assert_eq!(head.check(start + limits.head, &limits), Some("head_late"));
    let body = client(start);
    body.request(false);
    body.wants_body(Waker::noop());
    let since = body.waits(start).unwrap().since;
    std::thread::sleep(Duration::from_millis(5));
    body.wants_body(Waker::noop());
    assert_eq!(body.waits(start).unwrap().since, since);
    body.has_body(false);
    body.wants_body(Waker::noop());
    assert!(body.waits(start).unwrap().since > since);
}

/// S1: a used connection is evicted after unused ones, and that of a known client last.
#[test]
fn what_is_worth_least_makes_room_first() {
    let start = Instant::now();
    let late = start + seconds(20);
    let rank = |one: &ClientConnection, now| one.waits(now).map(|waits| waits.rank);
    let unused = client(start);
    assert_eq!(rank(&unused, start), Some(Rank::Unused));
    unused.read(b"GET ");
    assert_eq!(rank(&unused, start), Some(Rank::Unused));
    let half_a_body = client(start);
    half_a_body.request(false);
    half_a_body.wants_body(Waker::noop());
    assert_eq!(rank(&half_a_body, late), Some(Rank::Unused));
    let refused = client(start);
    refused.request(false);
    assert_eq!(rank(&refused, late), None);
    refused.drains();
    assert_eq!(rank(&refused, late), Some(Rank::Unused));
    let used = client(start);
    served(&used);
    assert_eq!(rank(&used, late), Some(Rank::Used));
    let known = client(start);
    known.request(false);
    known.note_known();
    known.wants_body(Waker::noop());
    assert_eq!(rank(&known, Instant::now()), None);
    assert_eq!(rank(&known, late), Some(Rank::KnownSlow));
    known.has_body(true);
    assert_eq!(rank(&known, late), None);
    known.answered();
    assert_eq!(rank(&known, late), None, "the answer is on its way");
    known.flushed();
    assert_eq!(rank(&known, late), Some(Rank::Known));
    known.lingers();
    assert_eq!(rank(&known, late), Some(Rank::Lingers));
    let order = [
        Rank::Lingers,
        Rank::Unused,
        Rank::Used,
        Rank::Known,
        Rank::KnownSlow,
    ];
    assert!(order.is_sorted());
    used.close();
    assert_eq!(rank(&used, late), None, "it is on its way out");
}

/// L8: a write is hyper's own only while no response of ours is in progress, and only once.
#[test]
fn an_answer_of_ours_is_not_taken_for_hypers() {
    let one = client(Instant::now());
    one.read(b"GET / HTTP/1.1\r\n\r\n");
    one.request(true);
    one.flushed();
    assert_eq!(one.take_refused(), None, "at work");
    one.answered();
    assert_eq!(one.take_refused(), None, "with hyper, and not written");
    one.flushed();
    one.read(b"HEAD ");
    let seen = one.take_refused().unwrap();
    assert!(seen.is_head && seen.has_long_line());
    assert_eq!(one.take_refused(), None);
}

/// S5: a stop closes connections without a request, lets requests end, and does not cut off a
/// response that is being written.
#[test]
fn a_stop_ends_what_has_no_request() {
    let start = Instant::now();
    let (idle, half, busy, writing) = (client(start), client(start), client(start), client(start));
    half.read(b"GE");
    busy.request(false);
    busy.wants_body(Waker::noop());
    writing.request(true);
    writing.answered();
    for (one, expected) in [
        (&idle, Order::Close),
        (&half, Order::Close),
        (&busy, Order::Finish),
        (&writing, Order::Finish),
    ] {
        one.stop();
        assert_eq!(order(one), Some(expected));
    }
    busy.stop_body();
    assert_eq!(busy.broken(), Some(BodyBroken::Stopping));
}

/// Bytes of the next request that arrive during the current one count from its response on.
#[test]
fn bytes_that_came_ahead_begin_the_next_head() {
    let limits = Limits::default();
    let one = client(Instant::now());
    one.request(true);
    one.read(b"GET /half");
    one.answered();
    one.flushed();
    let now = Instant::now();
    assert_eq!(one.check(now + limits.head, &limits), Some("head_late"));
    // The rest of a body is not a head.
    let other = client(now);
    other.request(false);
    other.read(b"rest of a body");
    other.answered();
    other.flushed();
    assert_eq!(other.check(now + limits.head, &limits), None);
}

/// A whole head becomes a request at once and starts no wait; a part of one does.
#[test]
fn only_a_piece_of_a_head_begins_a_wait() {
    let one = client(Instant::now());
    served(&one);
    let idle = one.waits(Instant::now()).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    one.read(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(one.waits(Instant::now()), Some(idle));
    served(&one);
    let idle = one.waits(Instant::now()).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    // Empty lines before a request are not a head.
    one.read(b"\r\n\r\n");
    assert!(one.waits(Instant::now()).unwrap().since > idle.since);
}

/// An order reaches the waiting task, even after other orders; one given earlier is not lost.
#[tokio::test]
async fn orders_reach_the_task_that_waits() {
    let one = std::sync::Arc::new(client(Instant::now()));
    let waiting = tokio::spawn({
        let one = std::sync::Arc::clone(&one);
        async move { [one.order().await, one.order().await] }
    });
    one.request(true);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    one.stop();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    one.close();
    assert_eq!(waiting.await.unwrap(), [Order::Finish, Order::Close]);
    one.close();
    assert_eq!(one.order().await, Order::Close);
}

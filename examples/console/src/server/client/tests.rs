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

/// Brings it to the end of a first request.
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
    // What happens, the seconds that may pass, the name of the deadline, the order.
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
        // What happened took a moment.
        let now = Instant::now();
        assert_eq!(
            one.check(start + seconds(allowed) - seconds(1), &limits),
            None
        );
        assert_eq!(one.check(now + seconds(allowed), &limits), Some(reason));
        assert_eq!(order(&one), ordered, "{reason}");
        assert_eq!(one.broken().is_some(), reason == "body_late");
        // Once.
        assert_eq!(one.check(now + seconds(1_000), &limits), None, "{reason}");
    }
    let busy = client(start);
    busy.request(true);
    assert_eq!(busy.check(start + seconds(1_000), &limits), None);
    assert_eq!(busy.waits(start + seconds(1_000)), None);
}

/// L3: a byte now and then does not put off the end of a head; it does that of a body.
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

/// S1: a connection that was used stays when others never are, and one of somebody known
/// stays longest.
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

/// L8: only while no answer of ours is on its way is what hyper writes its own, and once.
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

/// S5: a stop closes what waits for a request, lets a request come to its end, and does not
/// cut an answer that is being written.
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

/// The next request's first bytes, read while one is worked on, count from its answer on.
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
    // What is left of a body is no head.
    let other = client(now);
    other.request(false);
    other.read(b"rest of a body");
    other.answered();
    other.flushed();
    assert_eq!(other.check(now + limits.head, &limits), None);
}

/// A whole head is a request at once: it does not begin a wait. A piece of one does.
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
    // Empty lines in front of a request are no head.
    one.read(b"\r\n\r\n");
    assert!(one.waits(Instant::now()).unwrap().since > idle.since);
}

/// An order reaches the task that waits for it, also after others, and none is lost that was
/// given before.
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

//! One connection, as seen by the rest of the server: the side that has to act, and since when.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use hyper::body::Incoming;
use incident_axum::{BodyBroken, Connection};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::limits::Limits;

/// Time for which a known client keeps its connection during a body or a response, even if the
/// server is full.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// Maximum size of a request without its body, in bytes. Like nginx: four buffers of 8 KiB.
pub(super) const HEAD: usize = 32 * 1024;

/// The connection of a client, an extension of every request on it. The task that serves it reports
/// its progress here; the server sends that task orders.
#[derive(Debug)]
pub(crate) struct ClientConnection {
    peer: IpAddr,
    state: Mutex<ConnectionState>,
    /// Set if no response of ours is in progress: anything written now is hyper's own. Changed only
    /// by the task of the connection, under the lock; that task reads it without the lock.
    quiet: AtomicBool,
    /// Set if there is an order. Changed under the lock, and read without it.
    ordered: AtomicBool,
}

/// The side that has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The client: the head of a request. `begun` is set once a byte of it has arrived.
    Head { begun: bool },
    /// The client: the next piece of a body.
    Body,
    /// The server: a request is being processed, or its response is being created.
    Work,
    /// The client: the response is sent, and the server's side is closed.
    Linger,
}

/// An order to the task of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Close the connection now.
    Close,
    /// Respond that the head of the request did not arrive in time.
    Late,
    /// Close the connection after the current response.
    Finish,
}

/// The order in which connections are evicted, the least valuable first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// It has received its response.
    Lingers,
    /// It has sent no request yet.
    Unused,
    /// It has sent requests, from unknown clients only.
    Used,
    /// It belongs to a known client, without a request in progress.
    Known,
    /// It belongs to a known client that is slow to send a body or to read a response.
    KnownSlow,
}

/// The wait of a connection for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) rank: Rank,
    pub(super) since: Instant,
}

/// The beginning of a request's head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Set if the method is `HEAD`: its response has no body.
    pub(super) is_head: bool,
    /// Set if the request line ended within the limit of a head.
    has_line: bool,
    /// The bytes of the request line so far.
    line: usize,
}

impl Seen {
    /// Returns whether it is the request line that is too long.
    pub(super) const fn has_long_line(self) -> bool {
        self.line > 0 && !self.has_line
    }

    pub(super) fn see(&mut self, bytes: &[u8]) {
        if self.has_line {
            return;
        }
        if self.line == 0 {
            self.is_head = bytes.starts_with(b"HEAD ");
            // The beginning may have arrived together with the previous request.
            self.has_line = !begins_with_a_method(bytes);
        }
        // The usual case is a whole head, which contains the end of its first line.
        if bytes.ends_with(b"\n") && self.line + bytes.len() <= HEAD {
            self.has_line = true;
            return;
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        self.line += end.unwrap_or(bytes.len());
        self.has_line |= end.is_some() && self.line < HEAD;
    }
}

/// Returns whether bytes start with capitals and a space, or with a prefix of that.
fn begins_with_a_method(bytes: &[u8]) -> bool {
    let name = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    name.len() < 20 && name.iter().all(u8::is_ascii_uppercase)
}

/// Returns whether hyper turns these bytes into a request, or refuses them, as soon as it reads
/// them.
fn is_a_head(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\r\n\r\n") && bytes.first().is_some_and(u8::is_ascii_uppercase)
}

#[derive(Debug)]
struct ConnectionState {
    turn: Turn,
    since: Instant,
    /// Time since which the client has not been reading.
    blocked: Option<Instant>,
    /// Set if a request was answered.
    answered: bool,
    /// Set if the client has authenticated.
    known: bool,
    /// Set if the body of the request was read to its end, or there is none.
    whole: bool,
    /// Set if bytes of the next request arrived after that.
    ahead: bool,
    /// Set if the received bytes were not a request and the error response is due or sent.
    refused: bool,
    /// Set if the client closed its side.
    ended: bool,
    seen: Seen,
    order: Option<Order>,
    /// The task that waits for orders.
    waiter: Option<Waker>,
    closing: bool,
    stopping: bool,
    broken: Option<BodyBroken>,
    reader: Option<Waker>,
    /// The part of a body that the handler did not read.
    rest: Option<Incoming>,
    /// The socket, once hyper has finished with it.
    stream: Option<TcpStream>,
}

impl Connection for ClientConnection {
    /// Returns the address of the peer, which may be a proxy.
    fn address(&self) -> IpAddr {
        self.peer
    }

    /// Notes that the client has authenticated: its connection is among the last to be evicted.
    fn note_known(&self) {
        self.state().known = true;
    }
}

impl ClientConnection {
    pub(super) fn new(peer: IpAddr, now: Instant) -> Self {
        Self {
            peer,
            state: Mutex::new(ConnectionState {
                turn: Turn::Head { begun: false },
                since: now,
                blocked: None,
                answered: false,
                known: false,
                whole: true,
                ahead: false,
                refused: false,
                ended: false,
                seen: Seen::default(),
                order: None,
                waiter: None,
                closing: false,
                stopping: false,
                broken: None,
                reader: None,
                rest: None,
                stream: None,
            }),
            quiet: AtomicBool::new(true),
            ordered: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, ConnectionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }

    /// Notes received bytes; an empty slice is the end of the stream.
    pub(super) fn read(&self, bytes: &[u8]) {
        let mut state = self.state();
        if bytes.is_empty() {
            state.ended = true;
            return;
        }
        match state.turn {
            Turn::Head { begun } => {
                // A whole head becomes a request at once and needs no deadline.
                let is_request = state.answered && self.is_quiet() && is_a_head(bytes);
                if !begun && !is_request {
                    state.turn = Turn::Head { begun: true };
                    if state.answered {
                        state.since = Instant::now();
                    }
                }
                state.seen.see(bytes);
            }
            Turn::Work if state.whole => {
                state.ahead = true;
                state.seen.see(bytes);
            }
            Turn::Work | Turn::Body | Turn::Linger => {}
        }
    }

    /// Notes whether the client has stopped reading.
    pub(super) fn blocked(&self, is_blocked: bool) {
        let mut state = self.state();
        let since = state.blocked;
        state.blocked = is_blocked.then(|| since.unwrap_or_else(Instant::now));
    }

    /// Returns the beginning of the head if the bytes being written are hyper's own response to it:
    /// all responses of ours were handed to the socket before. Returns it once, as that response is
    /// the last one.
    pub(super) fn take_refused(&self) -> Option<Seen> {
        if !self.is_quiet() {
            return None;
        }
        let mut state = self.state();
        let refused = matches!(state.turn, Turn::Head { .. }) && !state.refused;
        state.refused |= refused;
        refused.then_some(state.seen)
    }

    /// Returns the beginning of the pending head.
    pub(super) fn seen(&self) -> Seen {
        self.state().seen
    }

    /// Notes that everything written was flushed.
    pub(super) fn flushed(&self) {
        if self.is_quiet() {
            return;
        }
        let state = self.state();
        if matches!(state.turn, Turn::Head { .. }) {
            self.quiet.store(true, Ordering::Relaxed);
        }
    }

    /// Notes a whole head. `whole` is set if no body follows it.
    pub(super) fn request(&self, whole: bool) {
        let mut state = self.state();
        state.turn = Turn::Work;
        self.quiet.store(false, Ordering::Relaxed);
        state.ahead = false;
        state.seen = Seen::default();
        state.whole = whole;
        state.rest = None;
    }

    /// Notes that the handler waits for a piece of a body.
    pub(super) fn wants_body(&self, reader: &Waker) {
        let mut state = self.state();
        if state.turn != Turn::Body {
            state.turn = Turn::Body;
            state.since = Instant::now();
        }
        if !state
            .reader
            .as_ref()
            .is_some_and(|known| known.will_wake(reader))
        {
            state.reader = Some(reader.clone());
        }
    }

    /// Notes that the rest of a body is being read, which the response does not need.
    pub(super) fn drains(&self) {
        let mut state = self.state();
        state.turn = Turn::Body;
        state.since = Instant::now();
    }

    /// Notes that a piece of a body, or its end, arrived.
    pub(super) fn has_body(&self, whole: bool) {
        let mut state = self.state();
        state.turn = Turn::Work;
        state.whole |= whole;
    }

    /// Returns the reason why a body is no longer awaited.
    pub(super) fn broken(&self) -> Option<BodyBroken> {
        self.state().broken
    }

    /// Notes that a response is complete and handed to hyper.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.turn = Turn::Head { begun: state.ahead };
        state.since = Instant::now();
        state.answered = true;
        state.broken = state
            .broken
            .filter(|broken| *broken == BodyBroken::Stopping);
        state.reader = None;
    }

    /// Notes that the server's side is closed.
    pub(super) fn lingers(&self) {
        let mut state = self.state();
        state.turn = Turn::Linger;
        state.since = Instant::now();
        state.blocked = None;
    }

    /// Returns `true` if the server is stopping.
    pub(super) fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// Returns `true` if the server is stopping and has read all that the client sent: there is
    /// nothing whose reset could overtake the response.
    pub(super) fn may_leave_at_once(&self) -> bool {
        let state = self.state();
        state.stopping && state.whole && !state.ahead && !state.refused
    }

    /// Returns `true` if the client closed its side.
    pub(super) fn has_ended(&self) -> bool {
        self.state().ended
    }

    pub(super) fn leave_rest(&self, rest: Incoming) {
        self.state().rest = Some(rest);
    }

    pub(super) fn take_rest(&self) -> Option<Incoming> {
        self.state().rest.take()
    }

    pub(super) fn leave_stream(&self, stream: TcpStream) {
        self.state().stream = Some(stream);
    }

    /// Removes the task of the connection, which has ended, and its remaining parts.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.waiter = None;
        state.reader = None;
        state.stream = None;
    }

    pub(super) fn take_stream(&self) -> Option<TcpStream> {
        self.state().stream.take()
    }

    /// Returns the wait for the client; `None` while the server works or is closing the connection.
    pub(super) fn waits(&self, now: Instant) -> Option<Waits> {
        let state = self.state();
        if state.closing {
            return None;
        }
        let since = match (state.turn, state.blocked) {
            (_, Some(since)) => since,
            (Turn::Work, None) => return None,
            // A response is being written.
            (Turn::Head { .. }, None) if !self.is_quiet() => return None,
            (Turn::Head { .. } | Turn::Body | Turn::Linger, None) => state.since,
        };
        let idle = state.blocked.is_none() && matches!(state.turn, Turn::Head { .. });
        let rank = if state.turn == Turn::Linger {
            Rank::Lingers
        } else if state.known && idle {
            Rank::Known
        } else if state.known && now.duration_since(since) < STALLED_AFTER {
            return None;
        } else if state.known {
            Rank::KnownSlow
        } else if state.answered {
            Rank::Used
        } else {
            Rank::Unused
        };
        Some(Waits { rank, since })
    }

    /// Applies an expired deadline; returns its name.
    pub(super) fn check(&self, now: Instant, limits: &Limits) -> Option<&'static str> {
        let mut state = self.state();
        if state.closing {
            return None;
        }
        let for_so_long = |since: Instant| now.duration_since(since);
        if state
            .blocked
            .is_some_and(|since| for_so_long(since) >= limits.write)
        {
            self.give(&mut state, Order::Close);
            return Some("answer_late");
        }
        match state.turn {
            Turn::Head { begun } => {
                let idle = state.answered && !begun;
                let limit = if idle { limits.idle } else { limits.head };
                if for_so_long(state.since) < limit {
                    return None;
                }
                let order = if begun && self.is_quiet() {
                    Order::Late
                } else {
                    Order::Close
                };
                self.give(&mut state, order);
                Some(if idle { "idle" } else { "head_late" })
            }
            Turn::Body if state.broken.is_none() && for_so_long(state.since) >= limits.body => {
                break_body(&mut state, BodyBroken::Late);
                Some("body_late")
            }
            Turn::Body | Turn::Work | Turn::Linger => None,
        }
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        self.give(&mut self.state(), Order::Close);
    }

    /// Closes the connection, after the response if a request is in progress.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopping = true;
        let order = match state.turn {
            Turn::Head { .. } if !self.is_quiet() => Order::Finish,
            Turn::Head { .. } | Turn::Linger => Order::Close,
            Turn::Body | Turn::Work => Order::Finish,
        };
        self.give(&mut state, order);
    }

    /// Stops waiting for a body.
    pub(super) fn stop_body(&self) {
        break_body(&mut self.state(), BodyBroken::Stopping);
    }

    fn give(&self, state: &mut ConnectionState, order: Order) {
        state.closing |= order != Order::Finish;
        state.order = Some(order);
        self.ordered.store(true, Ordering::Release);
        if let Some(waker) = &state.waiter {
            waker.wake_by_ref();
        }
    }

    /// Waits for the next order. Only one task may wait at a time.
    pub(super) async fn order(&self) -> Order {
        let mut known: Option<Waker> = None;
        poll_fn(|cx| {
            // This is polled for every request: the lock is taken only when there is an order,
            // or another task waits.
            let is_known = known.as_ref().is_some_and(|one| one.will_wake(cx.waker()));
            if is_known && !self.ordered.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            let mut state = self.state();
            self.ordered.store(false, Ordering::Relaxed);
            if let Some(order) = state.order.take() {
                return Poll::Ready(order);
            }
            known = Some(cx.waker().clone());
            state.waiter.clone_from(&known);
            Poll::Pending
        })
        .await
    }
}

fn break_body(state: &mut ConnectionState, why: BodyBroken) {
    state.broken = Some(why);
    if let Some(reader) = state.reader.take() {
        reader.wake();
    }
}

#[cfg(test)]
mod tests;

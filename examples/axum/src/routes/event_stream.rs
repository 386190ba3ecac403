//! An open event stream: its frames, its comments and the checks of its login.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use incident_core::actor::{Action, Caller};
use incident_core::engine::RequestContext;
use incident_core::port::ChangePosition;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::authenticate::AuthError;
use crate::events::{COMMENT, OpenStream, RETRY, StreamRead};
use crate::state::AppState;

/// Interval of the comments that keep a stream open; at each its login is checked again.
const BEAT: Duration = Duration::from_secs(15);
/// Maximum time for one check of a login, during which the stream waits.
const CHECK: Duration = Duration::from_secs(5);
/// Time since the last confirmed login after which a stream ends while the host cannot tell.
const UNCONFIRMED: Duration = Duration::from_secs(60);

/// The login of a stream, which is checked at every comment: it may be revoked meanwhile.
pub(super) struct StreamLogin {
    state: Arc<AppState>,
    parts: Parts,
    caller: Caller,
    confirmed: Instant,
}

impl StreamLogin {
    /// Creates the login of a request that was authorized just now.
    pub(super) fn new(state: Arc<AppState>, parts: Parts, caller: Caller) -> Self {
        Self {
            state,
            parts,
            caller,
            confirmed: Instant::now(),
        }
    }

    /// Authenticates the request again and returns whether the stream may go on: for the same
    /// caller, who may still read, or if the host cannot tell for less than a minute.
    async fn is_valid(&mut self) -> bool {
        let mut parts = self.parts.clone();
        let found = timeout(CHECK, self.state.check_login(&mut parts)).await;
        let caller = match found {
            Ok(Ok(caller)) => caller,
            Ok(Err(AuthError::Unavailable)) | Err(_) => {
                return self.confirmed.elapsed() < UNCONFIRMED;
            }
            Ok(Err(AuthError::Missing | AuthError::Invalid | AuthError::Repeated)) => return false,
        };
        if caller.actor != self.caller.actor {
            return false;
        }
        self.confirmed = Instant::now();
        let mut context = RequestContext::new(caller);
        let allowed = context.authorize(self.state.incidents(), Action::Read, None);
        allowed.await.is_ok()
    }
}

/// An open stream. It holds a position and no events: a client that reads slowly is sent the next
/// event when it takes it.
struct EventStream {
    opened: OpenStream,
    login: StreamLogin,
    changed: watch::Receiver<bool>,
    position: Option<ChangePosition>,
    is_new: bool,
    next_beat: Instant,
}

/// Returns the frames of a stream.
pub(super) fn frames(
    opened: OpenStream,
    login: StreamLogin,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let stream = EventStream {
        changed: opened.board.watch(),
        next_beat: Instant::now() + BEAT,
        opened,
        login,
        position: None,
        is_new: true,
    };
    unfold(stream, async |mut stream| {
        let frame = stream.next().await?;
        Some((Ok(frame), stream))
    })
}

impl EventStream {
    /// Waits for the next frame; returns `None` at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_new {
            self.is_new = false;
            return Some(RETRY);
        }
        loop {
            // Before the board is read: a later write is noticed below.
            if *self.changed.borrow_and_update() {
                return None;
            }
            if Instant::now() >= self.next_beat {
                self.next_beat = Instant::now() + BEAT;
                return self.login.is_valid().await.then_some(COMMENT);
            }
            if let Some(StreamRead { frame, position }) = self.read() {
                self.position = Some(position);
                return Some(frame);
            }
            tokio::select! {
                changed = self.changed.changed() => changed.ok()?,
                () = sleep_until(self.next_beat) => {}
            }
        }
    }

    fn read(&self) -> Option<StreamRead> {
        let OpenStream {
            board,
            start,
            requested,
            ..
        } = &self.opened;
        match self.position {
            Some(position) => board.after(position),
            None => board.start(*start, *requested),
        }
    }
}

//! Access to the server: every call has a deadline and a connection that replies.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres, Transaction};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use crate::failure::{Failure, Late};
use crate::warm_connection::{LentConnection, WarmConnection};

/// Maximum number of connections that are tried when connections turn out to be dead.
const MAX_RECONNECTS: u32 = 4;

/// Silence of a pool after which a connection is pinged before it writes. A restart of the
/// server takes longer, and earlier reads, with which most commands begin, detect it by
/// themselves. So a write costs no second round trip shortly after any other successful call.
const SILENT: Duration = Duration::from_millis(50);

/// Silence of a pool after which a connection is pinged before it reads, too. Firewalls and
/// address translation drop idle connections silently after some minutes, and the read would
/// wait for its whole time-out.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Time-out of a ping.
const PING: Duration = Duration::from_secs(1);

/// The host's pool, with the time of the server's last reply on it.
#[derive(Clone)]
pub(crate) struct PgServer {
    pool: PgPool,
    last_reply: LastReply,
    at_hand: Arc<WarmConnection>,
}

impl fmt::Debug for PgServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

/// The time of the server's last reply: milliseconds since `start`, or 0 if the connections of
/// the pool are in doubt.
#[derive(Clone, Debug)]
struct LastReply {
    start: Instant,
    at: Arc<AtomicU64>,
}

impl LastReply {
    fn note(&self) {
        let passed = self.start.elapsed().as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX).max(1);
        self.at.store(passed, Ordering::Relaxed);
    }

    fn doubt(&self) {
        self.at.store(0, Ordering::Relaxed);
    }

    fn is_silent_for(&self, time: Duration) -> bool {
        match self.at.load(Ordering::Relaxed) {
            0 => true,
            at => self.start.elapsed() > Duration::from_millis(at).saturating_add(time),
        }
    }
}

/// The use of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// A statement that may be sent again.
    Reading,
    /// A statement that is never sent twice.
    Writing,
}

impl PgServer {
    pub(crate) fn new(pool: PgPool) -> Self {
        let (start, at) = (Instant::now(), Arc::default());
        let heard = LastReply { start, at };
        Self {
            pool,
            last_reply: heard,
            at_hand: Arc::default(),
        }
    }

    /// Acquires a connection for a statement that may be sent again.
    pub(crate) async fn session(&self, deadline: Instant) -> Result<PgSession, Failure> {
        self.alive(For::Reading, deadline).await
    }

    /// Acquires a connection for a statement that must not be sent twice.
    pub(crate) async fn session_to_write(&self, deadline: Instant) -> Result<PgSession, Failure> {
        self.alive(For::Writing, deadline).await
    }

    async fn alive(&self, what: For, deadline: Instant) -> Result<PgSession, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut session = self.acquire(deadline).await?;
            let longest = match what {
                For::Reading => FORGOTTEN,
                For::Writing => SILENT,
            };
            if !self.last_reply.is_silent_for(longest) {
                return Ok(session);
            }
            let soon = if tries < MAX_RECONNECTS {
                deadline.min(Instant::now() + PING)
            } else {
                deadline
            };
            let answer = timeout_at(soon, session.connection().ping()).await;
            match session.checked(answer) {
                Ok(()) => return Ok(session),
                Err(_) if tries < MAX_RECONNECTS && Instant::now() < deadline => self.drop_idle(),
                // The statement of the caller was not sent.
                Err(failure) => return Err(failure.before()),
            }
        }
    }

    async fn acquire(&self, deadline: Instant) -> Result<PgSession, Failure> {
        let session = |lent| PgSession {
            lent,
            server: self.clone(),
            deadline,
        };
        if let Some(lent) = self.at_hand.take() {
            return Ok(session(lent));
        }
        let _waits = self.at_hand.wait();
        // Another call may have put it there before it could see this one waiting.
        if let Some(lent) = self.at_hand.take() {
            return Ok(session(lent));
        }
        match timeout_at(deadline, self.pool.acquire()).await {
            Ok(Ok(connection)) => Ok(session(LentConnection {
                connection,
                calls: 0,
                altered: false,
            })),
            Ok(Err(error)) => Err(Failure::Before(Box::new(error))),
            Err(_) => Err(Failure::Before(Box::new(Late))),
        }
    }

    /// Closes every idle connection: if one broke, the others most likely did as well, as in a
    /// restart of the server.
    fn drop_idle(&self) {
        if let Some(mut lent) = self.at_hand.take() {
            lent.connection.close_on_drop();
        }
        for _ in 0..self.pool.num_idle() {
            let Some(mut connection) = self.pool.try_acquire() else {
                return;
            };
            connection.close_on_drop();
        }
    }
}

/// A connection for one call.
pub(crate) struct PgSession {
    lent: LentConnection,
    server: PgServer,
    pub(crate) deadline: Instant,
}

/// The result of a call with a deadline.
pub(crate) type Timed<T> = Result<sqlx::Result<T>, Elapsed>;

impl PgSession {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.lent.connection
    }

    /// Returns the time that the call has left.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Ends the call. A connection that timed out or broke is closed instead of returned to the
    /// pool.
    pub(crate) fn end<T>(mut self, answer: Timed<T>) -> Result<T, Failure> {
        let answer = self.checked(answer);
        let Self {
            mut lent, server, ..
        } = self;
        if answer.is_ok() {
            lent.calls += 1;
            server.at_hand.put(lent);
        }
        answer
    }

    /// Rolls back an open transaction that an earlier user left on the connection, if the call
    /// failed because of it. Returns `true` if that worked: nothing was done, and the call may
    /// be repeated.
    pub(crate) async fn is_freed<T: Sync>(&mut self, answer: &Timed<T>) -> bool {
        let Ok(Err(error)) = answer else { return false };
        if !Failure::is_in_transaction(error) {
            return false;
        }
        let done = timeout_at(self.deadline, self.lent.connection.execute("ROLLBACK")).await;
        matches!(done, Ok(Ok(_)))
    }

    /// Rolls back a transaction that an earlier user left open, for a call that cannot do that
    /// by itself. Takes one round trip if none is open, and leaves no line in the server's log,
    /// as a `ROLLBACK` outside of a transaction would.
    pub(crate) async fn free(&mut self) -> Result<(), Failure> {
        // An empty statement: the reply reports whether a transaction is open, and sqlx fails
        // if none is.
        let free = async {
            match self.lent.connection.begin_with(";").await {
                Err(sqlx::Error::BeginFailed) => Ok(()),
                Err(error) => Err(error),
                Ok(left_open) => left_open.rollback().await,
            }
        };
        let answer = timeout_at(self.deadline, free).await;
        self.checked(answer).map_err(Failure::before)
    }

    /// Begins a read-only transaction whose statements the server stops when the call's time is
    /// up, for [`limited!`]. Poolers lend a connection for a transaction, so the limit must end
    /// with it.
    pub(crate) async fn begin_limited(&mut self) -> sqlx::Result<Transaction<'_, Postgres>> {
        let left = self.left();
        // A little less than the time here: the server then ends the statement first, and the
        // connection stays usable.
        let less = left.saturating_sub((left / 20).min(Duration::from_millis(20)));
        let most = u128::from(i32::MAX.unsigned_abs());
        let limit = less.as_millis().clamp(1, most);
        let begin = format!("begin read only; set local statement_timeout = {limit}");
        // If the future is dropped in the middle, the connection must not be used again.
        self.lent.altered = true;
        let connection = &mut self.lent.connection;
        connection.begin_with(sqlx::AssertSqlSafe(begin)).await
    }

    /// Ends a limited transaction by the result of its roll-back: the connection is as it was
    /// before, or is closed.
    pub(crate) fn end_limited<T>(
        &mut self,
        answer: sqlx::Result<T>,
        ended: sqlx::Result<()>,
    ) -> sqlx::Result<T> {
        self.lent.altered = ended.is_err();
        answer.and_then(|answer| ended.map(|()| answer))
    }

    fn checked<T>(&mut self, answer: Timed<T>) -> Result<T, Failure> {
        let answer = match answer {
            Ok(answer) => answer.map_err(Failure::of),
            Err(_) => Err(Failure::During(Box::new(Late))),
        };
        match &answer {
            Err(Failure::During(source)) => {
                self.lent.connection.close_on_drop();
                self.server.last_reply.doubt();
                if !source.is::<Late>() {
                    self.server.drop_idle();
                }
            }
            Err(Failure::NotSent(_)) => {
                self.lent.connection.close_on_drop();
                self.server.last_reply.doubt();
                self.server.drop_idle();
            }
            Ok(_) | Err(Failure::Unreadable(_) | Failure::Server(_)) => {
                self.server.last_reply.note()
            }
            Err(Failure::Before(_)) => {}
        }
        answer
    }
}

/// Repetition of a call on another connection when one breaks: a read, or another call that may
/// be done twice.
pub(crate) struct Again {
    deadline: Instant,
    tries: u32,
}

impl Again {
    pub(crate) const fn deadline(deadline: Instant) -> Self {
        Self { deadline, tries: 0 }
    }

    /// Returns the time at which all tries end.
    pub(crate) const fn until(&self) -> Instant {
        self.deadline
    }

    pub(crate) async fn session(&mut self, server: &PgServer) -> Result<PgSession, Failure> {
        self.tries += 1;
        server.session(self.deadline).await
    }

    pub(crate) fn is_worth_another(&self, failure: &Failure) -> bool {
        let broke = matches!(failure, Failure::During(_) | Failure::NotSent(_));
        broke && self.tries < MAX_RECONNECTS && Instant::now() < self.deadline
    }
}

/// Makes a call, and repeats it on other connections while they break:
/// `again!(server, deadline, |session| call)`. A macro, because a closure cannot declare its
/// future as `Send` for every connection.
macro_rules! again {
    ($server:expr, $deadline:expr, |$session:ident| $call:expr) => {{
        let mut again = $crate::access::Again::deadline($deadline);
        loop {
            let answer = match again.session($server).await {
                Ok(mut $session) => {
                    let answer = tokio::time::timeout_at($session.deadline, $call).await;
                    $session.end(answer)
                }
                Err(failure) => Err(failure),
            };
            match answer {
                Err(failure) if again.is_worth_another(&failure) => {}
                other => break other,
            }
        }
    }};
}
pub(crate) use again;

/// Makes a call that must be alone in its transaction: `alone!(session, |connection| call)`. A
/// transaction that was left open is rolled back, and the call repeated.
macro_rules! alone {
    ($session:ident, |$connection:ident| $call:expr) => {{
        let deadline = $session.deadline;
        let $connection = $session.connection();
        let mut answer = tokio::time::timeout_at(deadline, $call).await;
        if $session.is_freed(&answer).await {
            let $connection = $session.connection();
            answer = tokio::time::timeout_at(deadline, $call).await;
        }
        $session.end(answer)
    }};
}
pub(crate) use alone;

/// Makes a call in a transaction whose statements the server stops when the time is up:
/// `limited!(session, |connection| call)`.
macro_rules! limited {
    ($session:expr, |$connection:ident| $call:expr) => {{
        let mut transaction = $session.begin_limited().await?;
        let $connection = &mut *transaction;
        let answer = $call.await;
        let ended = transaction.rollback().await;
        $session.end_limited(answer, ended)
    }};
}
pub(crate) use limited;

/// Makes a read with a time-out: `read!(server, timeout, |connection| call)`.
macro_rules! read {
    ($server:expr, $timeout:expr, |$connection:ident| $call:expr) => {{
        let deadline = tokio::time::Instant::now() + $timeout;
        let answer = $crate::access::again!($server, deadline, |session| {
            let $connection = session.connection();
            $call
        });
        answer.map_err($crate::failure::Failure::of_read)
    }};
}
pub(crate) use read;

#[cfg(test)]
mod tests {
    use super::*;

    fn heard() -> LastReply {
        LastReply {
            start: Instant::now(),
            at: Arc::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_measured_from_the_last_answer() {
        let heard = heard();
        // There was no reply yet.
        assert!(heard.is_silent_for(FORGOTTEN));
        heard.note();
        assert!(!heard.is_silent_for(SILENT));
        tokio::time::advance(SILENT + Duration::from_millis(2)).await;
        assert!(heard.is_silent_for(SILENT) && !heard.is_silent_for(FORGOTTEN));
        tokio::time::advance(FORGOTTEN).await;
        assert!(heard.is_silent_for(FORGOTTEN));
        heard.note();
        heard.doubt();
        assert!(heard.is_silent_for(FORGOTTEN));
    }
}

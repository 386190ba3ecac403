//! Every way to the server: with a deadline, and on a connection that is ours.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, PgPool, Postgres};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use crate::failure::{Failure, Late};

/// How often another connection is tried when one turns out to be dead.
const TRIES: u32 = 3;

/// A connection for one call.
pub(crate) struct Session {
    connection: PoolConnection<Postgres>,
    pub(crate) until: Instant,
}

/// What came of a call that had a deadline.
pub(crate) type Timed<T> = Result<sqlx::Result<T>, Elapsed>;

impl Session {
    pub(crate) async fn open(pool: &PgPool, until: Instant) -> Result<Self, Failure> {
        match timeout_at(until, pool.acquire()).await {
            Ok(Ok(connection)) => Ok(Self { connection, until }),
            Ok(Err(error)) => Err(Failure::Before(Box::new(error))),
            Err(_) => Err(Failure::Before(Box::new(Late))),
        }
    }

    /// A connection that answers and is in no transaction, for a write.
    ///
    /// A pool may hold a connection in a transaction that somebody began and did
    /// not see through (sqlx 0.9.0 leaves one behind when `begin` is cancelled).
    /// What is written on it would be answered as kept and never be committed,
    /// so whatever is open there is rolled back first.
    pub(crate) async fn clean(pool: &PgPool, until: Instant) -> Result<Self, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut session = Self::open(pool, until).await?;
            let answer = timeout_at(until, session.connection.execute("ROLLBACK")).await;
            match session.used(answer) {
                Ok(_) => return Ok(session),
                Err(_) if tries < TRIES && Instant::now() < until => {}
                // Nothing of ours was sent.
                Err(
                    Failure::Before(source) | Failure::During(source) | Failure::Unreadable(source),
                ) => {
                    return Err(Failure::Before(source));
                }
                Err(Failure::Server(error)) => return Err(Failure::Before(Box::new(error))),
            }
        }
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Ends the call: a connection that was late or broke is closed instead of
    /// going back to the pool.
    pub(crate) fn end<T>(mut self, answer: Timed<T>) -> Result<T, Failure> {
        self.used(answer)
    }

    fn used<T>(&mut self, answer: Timed<T>) -> Result<T, Failure> {
        let answer = match answer {
            Ok(answer) => answer.map_err(Failure::of),
            Err(_) => Err(Failure::During(Box::new(Late))),
        };
        if matches!(answer, Err(Failure::During(_))) {
            self.connection.close_on_drop();
        }
        answer
    }
}

/// A read, made again on another connection when one breaks.
pub(crate) struct Read {
    until: Instant,
    tries: u32,
}

impl Read {
    pub(crate) fn within(within: Duration) -> Self {
        Self {
            until: Instant::now() + within,
            tries: 0,
        }
    }

    pub(crate) async fn session(&mut self, pool: &PgPool) -> Result<Session, Failure> {
        self.tries += 1;
        Session::open(pool, self.until).await
    }

    pub(crate) fn is_worth_another(&self, failure: &Failure) -> bool {
        matches!(failure, Failure::During(_)) && self.tries < TRIES && Instant::now() < self.until
    }
}

/// Reads within a time: `read!(pool, within, |connection| call)`. A macro,
/// because no closure can say that its future is `Send` for every connection.
macro_rules! read {
    ($pool:expr, $within:expr, |$connection:ident| $call:expr) => {{
        let mut read = $crate::access::Read::within($within);
        loop {
            let answer = match read.session($pool).await {
                Ok(mut session) => {
                    let until = session.until;
                    let $connection = session.connection();
                    let answer = tokio::time::timeout_at(until, $call).await;
                    session.end(answer)
                }
                Err(failure) => Err(failure),
            };
            match answer {
                Err(failure) if read.is_worth_another(&failure) => {}
                other => break other.map_err($crate::failure::Failure::of_read),
            }
        }
    }};
}
pub(crate) use read;

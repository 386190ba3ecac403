//! The ports to time and ids.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::{Salt, Timestamp};

/// A source of the current time.
///
/// # Contract
/// **Bounded:** answers at once. It may step back; the engine never records an entry before the
/// preceding one.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns a reading of a clock that is never set and never steps back.
    ///
    /// Only the difference of two readings counts; deadlines are measured with it. The default
    /// implementation uses the clock of the standard library, whatever [`now`](Self::now)
    /// returns.
    fn steady(&self) -> Duration {
        since_first_reading()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a caller has waited decides nothing that is kept, and a step of the clock must not end or stretch it"
)]
fn since_first_reading() -> Duration {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed()
}

/// A generator of ids and salts.
///
/// # Contract
/// **Isolated:** no two calls return the same value, in this process or any other. **Bounded:**
/// answers at once.
pub trait IdGen: Send + Sync + fmt::Debug {
    /// Creates a UUID v7, which sorts by `now`.
    fn sortable(&self, now: Timestamp) -> Uuid;

    /// Creates a UUID v4, which reveals nothing.
    fn random(&self) -> Uuid;

    /// Creates a salt from a cryptographic source.
    fn salt(&self) -> Salt;
}

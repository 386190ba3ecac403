//! Time and ids come in through the door.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::{Salt, Timestamp};

/// Tells the time.
///
/// # Contract
/// **Bounded:** answers at once. It may step back; the engine never records an
/// entry before the one above it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// A reading of a clock that is never set and never steps back; only the difference
    /// of two readings counts. Deadlines are measured with it. That of the standard
    /// library if not given, whatever [`now`](Self::now) tells.
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

/// Makes ids and salts.
///
/// # Contract
/// **Isolated:** no two calls return the same value, in this process or any
/// other. **Bounded:** answers at once.
pub trait IdGen: Send + Sync + fmt::Debug {
    /// A UUID v7: sorts by `now`.
    fn sortable(&self, now: Timestamp) -> Uuid;

    /// A UUID v4: says nothing.
    fn random(&self) -> Uuid;

    /// A salt from a cryptographic source.
    fn salt(&self) -> Salt;
}

//! Time and ids come in through the door.

use std::fmt;

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

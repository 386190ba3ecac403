//! The port of stores of sessions.

use async_trait::async_trait;
use incident_core::{PersonName, Timestamp};

use super::session::{Session, SessionId};

/// Maximum number of sessions of a person: browsers of one person, with those left signed in. A
/// further sign-in ends the oldest.
pub const MAX_SESSIONS: usize = 50;

/// A store of sessions, apart from that of the incidents.
///
/// A host may keep sessions in its own tables. [`MemorySessions`](super::MemorySessions) and, with the feature `postgres`,
/// `PgSessions` implement it.
///
/// **Atomic**: every call takes effect as a whole. **Durable**: as far as the store is.
/// **Bounded**: every call ends within seconds. **Cancellation**: a dropped call has taken effect or
/// has not.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Stores a session, and removes the oldest of its person beyond [`MAX_SESSIONS`] in all.
    ///
    /// # Errors
    /// Fails if the store is unavailable.
    async fn insert(&self, session: &Session) -> Result<(), SessionError>;

    /// Returns a session.
    ///
    /// # Errors
    /// Fails if the store is unavailable.
    async fn find(&self, id: SessionId) -> Result<Option<Session>, SessionError>;

    /// Moves the last use of a session forward, never back. A removed session stays removed.
    ///
    /// # Errors
    /// Fails if the store is unavailable.
    async fn touch(&self, id: SessionId, used_at: Timestamp) -> Result<(), SessionError>;

    /// Removes a session; one that is not there is removed already.
    ///
    /// # Errors
    /// Fails if the store is unavailable.
    async fn remove(&self, id: SessionId) -> Result<(), SessionError>;

    /// Removes all sessions of a person, and returns their number.
    ///
    /// # Errors
    /// Fails if the store is unavailable.
    async fn remove_all_of(&self, person: &PersonName) -> Result<u64, SessionError>;

    /// Removes the sessions that were created or last used before these times.
    ///
    /// # Errors
    /// Fails if the store is unavailable.
    async fn remove_expired(
        &self,
        created_before: Timestamp,
        used_before: Timestamp,
    ) -> Result<(), SessionError>;
}

/// The error of a store of sessions that is unavailable; it is logged where it occurs.
#[derive(Debug, thiserror::Error)]
#[error("the store of sessions is unavailable")]
pub struct SessionError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

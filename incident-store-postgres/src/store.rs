//! The store.

use std::fmt;
use std::sync::{Arc, Mutex};

use incident_core::Timestamp;
use sqlx::PgPool;

/// Keeps everything in the schema `incident` of a PostgreSQL database, version
/// 14 or later. Clones share its pools.
///
/// A commit is one statement: a call of `incident.keep`, which takes all of it or
/// nothing. Timeline and audit are sealed by the server under the row lock of
/// their chain, and checked here against [`incident_core::timeline::seal`].
#[derive(Clone)]
pub struct PgStore(pub(crate) Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) pool: PgPool,
    /// For the relay; the same pool unless the host gave another.
    pub(crate) relay: PgPool,
    /// When leases and keys were last tidied, on the caller's clock.
    pub(crate) tidied: Mutex<Option<Timestamp>>,
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").finish_non_exhaustive()
    }
}

/// Makes a [`PgStore`].
#[derive(Debug)]
#[must_use]
pub struct PgStoreBuilder {
    pool: PgPool,
    relay: Option<PgPool>,
}

impl PgStore {
    /// A store over the host's pool, whose tables [`migrate`](crate::migrate) made.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::builder(pool).build()
    }

    /// Starts with the host's pool.
    pub const fn builder(pool: PgPool) -> PgStoreBuilder {
        PgStoreBuilder { pool, relay: None }
    }
}

impl PgStoreBuilder {
    /// A pool of its own for the relay, so that pages still go out while
    /// requests use up the other one. Two connections are enough.
    pub fn relay_pool(self, pool: PgPool) -> Self {
        let relay = Some(pool);
        Self { relay, ..self }
    }

    /// The store.
    #[must_use]
    pub fn build(self) -> PgStore {
        PgStore(Arc::new(Parts {
            relay: self.relay.unwrap_or_else(|| self.pool.clone()),
            pool: self.pool,
            tidied: Mutex::new(None),
        }))
    }
}

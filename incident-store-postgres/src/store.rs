//! The store and its builder.

use std::fmt;
use std::sync::{Arc, Mutex};

use incident_core::Timestamp;
use incident_core::engine::system::SystemClock;
use incident_core::port::Clock;
use sqlx::PgPool;

use crate::access::PgServer;
use crate::clock::{HostClock, StoreClock};

/// A store in the schema `incident` of a PostgreSQL database, version 14 or later. Clones share
/// its pools.
///
/// A commit is one statement, a call of `incident.commit`, and is written as a whole or not at
/// all. The server seals timeline and audit under the row lock of their chain; the client
/// checks the result against
/// [`SysIncidentUpdateEntry::linked`](incident_core::timeline::SysIncidentUpdateEntry::linked).
#[derive(Clone)]
pub struct PgStore {
    pub(crate) pool: PgServer,
    /// The pool of the relay; the same as `pool` unless the host gave another one.
    pub(crate) relay: PgServer,
    /// `true` if the relay has a pool of its own.
    apart: bool,
    pub(crate) clock: HostClock,
    /// The time of the last tidying of leases and idempotency keys, by the caller's clock.
    pub(crate) tidied: Arc<Mutex<Option<Timestamp>>>,
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").finish_non_exhaustive()
    }
}

/// A builder of [`PgStore`].
#[derive(Debug)]
#[must_use]
pub struct PgStoreBuilder {
    pool: PgPool,
    relay: Option<PgPool>,
    by: StoreClock,
    here: Arc<dyn Clock>,
}

impl PgStore {
    /// Creates a store over the host's pool, with the tables that [`migrate`](crate::migrate)
    /// creates.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::builder(pool).build()
    }

    /// Creates a builder over the host's pool.
    pub fn builder(pool: PgPool) -> PgStoreBuilder {
        PgStoreBuilder {
            pool,
            relay: None,
            by: StoreClock::default(),
            here: Arc::new(SystemClock),
        }
    }

    /// Returns the same store with the relay's pool for every call. An engine does this by
    /// itself if the host gave such a pool
    /// ([`Outbox::for_relay`](incident_core::port::Outbox::for_relay)).
    #[must_use]
    pub fn relay(&self) -> Self {
        Self {
            pool: self.relay.clone(),
            relay: self.relay.clone(),
            apart: false,
            clock: self.clock.clone(),
            tidied: Arc::clone(&self.tidied),
        }
    }

    pub(crate) fn apart(&self) -> Option<Self> {
        self.apart.then(|| self.relay())
    }
}

impl PgStoreBuilder {
    /// Sets a separate pool for the relay, so that pages still go out while requests use up the
    /// other pool: everything that the relay claims, loads and commits goes through it. Two
    /// connections are enough; give usage events ([`PgUsage`](crate::PgUsage)) a third pool.
    pub fn relay_pool(self, pool: PgPool) -> Self {
        let relay = Some(pool);
        Self { relay, ..self }
    }

    /// Sets the clock by which messages are leased. Default: [`StoreClock::Server`].
    pub fn clock(self, by: StoreClock) -> Self {
        Self { by, ..self }
    }

    /// Sets the clock of this process; it must be the engine's. Default: the system clock. Used
    /// only with [`StoreClock::Server`].
    pub fn host_clock(self, here: Arc<dyn Clock>) -> Self {
        Self { here, ..self }
    }

    /// Builds the store.
    #[must_use]
    pub fn build(self) -> PgStore {
        let pool = PgServer::new(self.pool);
        PgStore {
            apart: self.relay.is_some(),
            relay: self.relay.map_or_else(|| pool.clone(), PgServer::new),
            pool,
            clock: HostClock(match self.by {
                StoreClock::Server => Some(self.here),
                StoreClock::Caller => None,
            }),
            tidied: Arc::default(),
        }
    }
}

//! The store.

use std::fmt;
use std::sync::{Arc, Mutex};

use incident_core::Timestamp;
use incident_core::engine::system::SystemClock;
use incident_core::port::Clock;
use sqlx::PgPool;

use crate::access::PgServer;
use crate::clock::{HostClock, StoreClock};

/// Keeps everything in the schema `incident` of a PostgreSQL database, version
/// 14 or later. Clones share its pools.
///
/// A commit is one statement: a call of `incident.commit`, which takes all of it or
/// nothing. Timeline and audit are sealed by the server under the row lock of
/// their chain, and checked here against
/// [`SysIncidentUpdateEntry::linked`](incident_core::timeline::SysIncidentUpdateEntry::linked).
#[derive(Clone)]
pub struct PgStore {
    pub(crate) pool: PgServer,
    /// For the relay; the same pool unless the host gave another.
    pub(crate) relay: PgServer,
    /// Whether the relay has connections of its own.
    apart: bool,
    pub(crate) clock: HostClock,
    /// When leases and keys were last tidied, on the caller's clock.
    pub(crate) tidied: Arc<Mutex<Option<Timestamp>>>,
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
    by: StoreClock,
    here: Arc<dyn Clock>,
}

impl PgStore {
    /// A store over the host's pool, whose tables [`migrate`](crate::migrate) made.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::builder(pool).build()
    }

    /// Starts with the host's pool.
    pub fn builder(pool: PgPool) -> PgStoreBuilder {
        PgStoreBuilder {
            pool,
            relay: None,
            by: StoreClock::default(),
            here: Arc::new(SystemClock),
        }
    }

    /// The same store, of which every call uses the relay's pool. An engine takes it by
    /// itself where the host gave such a pool
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
    /// A pool of its own for the relay, so that pages still go out while
    /// requests use up the other one: everything that the relay claims, loads and commits
    /// goes through it. Two connections are enough; give usage events
    /// ([`PgUsage`](crate::PgUsage)) yet another one.
    pub fn relay_pool(self, pool: PgPool) -> Self {
        let relay = Some(pool);
        Self { relay, ..self }
    }

    /// By which clock messages are leased; the server's if not given.
    pub fn clock(self, by: StoreClock) -> Self {
        Self { by, ..self }
    }

    /// The clock of this process, where it is not the system's: the one that the engine
    /// has. Counts only with [`StoreClock::Server`].
    pub fn host_clock(self, here: Arc<dyn Clock>) -> Self {
        Self { here, ..self }
    }

    /// The store.
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

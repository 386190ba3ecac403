//! A connection that was just used, for the next call.
//!
//! A pool asks every connection that comes back for a sign of life, and lends it again
//! after that: two calls after one another on one connection are four round trips. So the
//! last one stays at hand for a moment, unless somebody of ours waits for one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

/// How long it stays. Others who wait at the pool wait so much longer at most.
const MOMENT: Duration = Duration::from_millis(3);

/// After so many calls it goes back to the pool, which ends those that are too old.
const MAX_CALLS: u32 = 256;

/// A connection, and how many calls it has had since the pool lent it.
pub(crate) struct LentConnection {
    pub(crate) connection: PoolConnection<Postgres>,
    pub(crate) calls: u32,
    /// Whether it has settings that no other call may find: it is closed then.
    pub(crate) altered: bool,
}

impl Drop for LentConnection {
    fn drop(&mut self) {
        if self.altered {
            self.connection.close_on_drop();
        }
    }
}

struct WarmSlot {
    lent: LentConnection,
    since: Instant,
    /// A connection goes back by a task of the runtime.
    runtime: Handle,
}

#[derive(Default)]
pub(crate) struct WarmConnection {
    held: Mutex<Option<WarmSlot>>,
    /// Calls that wait at the pool.
    waiting: AtomicUsize,
    /// Whether somebody looks after what is held.
    is_watched: AtomicBool,
}

/// A call that waits at the pool, until it is dropped.
pub(crate) struct PoolWait<'a>(&'a WarmConnection);

impl WarmConnection {
    fn lock(&self) -> MutexGuard<'_, Option<WarmSlot>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Option<LentConnection> {
        self.lock().take().map(|held| held.lent)
    }

    pub(crate) fn wait(&self) -> PoolWait<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        PoolWait(self)
    }

    /// Holds a connection that answered, if nobody waits for one and none is held; else it
    /// goes back to the pool.
    pub(crate) fn put(self: &Arc<Self>, lent: LentConnection) {
        let mut held = self.lock();
        if held.is_some()
            || lent.altered
            || lent.calls >= MAX_CALLS
            || self.waiting.load(Ordering::SeqCst) > 0
        {
            drop(held);
            // Here, and not under the lock.
            drop(lent);
            return;
        }
        *held = Some(WarmSlot {
            lent,
            since: Instant::now(),
            runtime: Handle::current(),
        });
        drop(held);
        if !self.is_watched.swap(true, Ordering::SeqCst) {
            tokio::spawn(return_when_idle(Arc::downgrade(self)));
        }
    }

    /// Gives back what was held for longer; whether to look again.
    fn give_back(&self) -> bool {
        let mut held = self.lock();
        let is_over = |held: &WarmSlot| held.since.elapsed() >= MOMENT;
        let over = if held.as_ref().is_some_and(is_over) {
            held.take()
        } else {
            None
        };
        let again = held.is_some();
        if !again {
            // Under the lock: whoever puts one there after this starts another one.
            self.is_watched.store(false, Ordering::SeqCst);
        }
        drop(held);
        drop(over);
        again
    }
}

async fn return_when_idle(at_hand: Weak<WarmConnection>) {
    loop {
        sleep(MOMENT).await;
        let Some(at_hand) = at_hand.upgrade() else {
            return;
        };
        if !at_hand.give_back() {
            return;
        }
    }
}

impl Drop for PoolWait<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for WarmConnection {
    fn drop(&mut self) {
        // Dropped by whoever drops the store, perhaps outside of any runtime.
        if let Some(WarmSlot { lent, runtime, .. }) = self.lock().take() {
            let _inside = runtime.enter();
            drop(lent);
        }
    }
}

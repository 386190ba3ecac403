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
pub(crate) struct Lent {
    pub(crate) connection: PoolConnection<Postgres>,
    pub(crate) calls: u32,
    /// Whether it has settings that no other call may find: it is closed then.
    pub(crate) altered: bool,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.altered {
            self.connection.close_on_drop();
        }
    }
}

struct Kept {
    lent: Lent,
    since: Instant,
    /// A connection goes back by a task of the runtime.
    runtime: Handle,
}

#[derive(Default)]
pub(crate) struct AtHand {
    kept: Mutex<Option<Kept>>,
    /// Calls that wait at the pool.
    waiting: AtomicUsize,
    /// Whether somebody looks after what is kept.
    looked_after: AtomicBool,
}

/// A call that waits at the pool, until it is dropped.
pub(crate) struct Waits<'a>(&'a AtHand);

impl AtHand {
    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Option<Lent> {
        self.lock().take().map(|kept| kept.lent)
    }

    pub(crate) fn wait(&self) -> Waits<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waits(self)
    }

    /// Keeps a connection that answered, if nobody waits for one and none is kept; else it
    /// goes back to the pool.
    pub(crate) fn keep(self: &Arc<Self>, lent: Lent) {
        let mut kept = self.lock();
        if kept.is_some()
            || lent.altered
            || lent.calls >= MAX_CALLS
            || self.waiting.load(Ordering::SeqCst) > 0
        {
            drop(kept);
            // Here, and not under the lock.
            drop(lent);
            return;
        }
        *kept = Some(Kept {
            lent,
            since: Instant::now(),
            runtime: Handle::current(),
        });
        drop(kept);
        if !self.looked_after.swap(true, Ordering::SeqCst) {
            tokio::spawn(look_after(Arc::downgrade(self)));
        }
    }

    /// Gives back what was kept for longer; whether to look again.
    fn give_back(&self) -> bool {
        let mut kept = self.lock();
        let is_over = |kept: &Kept| kept.since.elapsed() >= MOMENT;
        let over = if kept.as_ref().is_some_and(is_over) {
            kept.take()
        } else {
            None
        };
        let again = kept.is_some();
        if !again {
            // Under the lock: whoever keeps one after this starts another one.
            self.looked_after.store(false, Ordering::SeqCst);
        }
        drop(kept);
        drop(over);
        again
    }
}

async fn look_after(at_hand: Weak<AtHand>) {
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

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for AtHand {
    fn drop(&mut self) {
        // Dropped by whoever drops the store, perhaps outside of any runtime.
        if let Some(Kept { lent, runtime, .. }) = self.lock().take() {
            let _inside = runtime.enter();
            drop(lent);
        }
    }
}

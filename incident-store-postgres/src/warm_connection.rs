//! The connection that was used last, at hand for the next call.
//!
//! The pool pings every connection that is returned and lends it only after the reply, so two
//! consecutive calls on one connection take four round trips. The last connection therefore
//! stays out of the pool for a moment, unless another call of this store waits for one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

/// Idle time after which the connection returns to the pool: the longest additional wait for
/// other users of the pool.
const MOMENT: Duration = Duration::from_millis(3);

/// Maximum number of calls before the connection returns to the pool, which closes those that
/// are too old.
const MAX_CALLS: u32 = 256;

/// A connection, with the number of calls since the pool lent it.
pub(crate) struct LentConnection {
    pub(crate) connection: PoolConnection<Postgres>,
    pub(crate) calls: u32,
    /// If `true`, the session has settings that no other call may see, and is closed on drop.
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
    /// The runtime on which the connection is returned: that takes a task.
    runtime: Handle,
}

#[derive(Default)]
pub(crate) struct WarmConnection {
    held: Mutex<Option<WarmSlot>>,
    /// Number of calls that wait at the pool.
    waiting: AtomicUsize,
    /// `true` while a task runs that returns the connection when it is idle.
    is_watched: AtomicBool,
}

/// A call that is waiting at the pool, until it is dropped.
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

    /// Stores a connection that replied, unless a call waits for one, another is stored, or
    /// this one has to be closed or returned; such a connection goes back to the pool.
    pub(crate) fn put(self: &Arc<Self>, lent: LentConnection) {
        let mut held = self.lock();
        if held.is_some()
            || lent.altered
            || lent.calls >= MAX_CALLS
            || self.waiting.load(Ordering::SeqCst) > 0
        {
            drop(held);
            // Not under the lock: dropping it may take a while.
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

    /// Returns the connection to the pool if it has been idle for [`MOMENT`].
    ///
    /// Returns `true` if a connection is still stored, to be checked again.
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
            // Under the lock: a `put` after this point starts a task of its own.
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
        // The last owner of the store may drop it outside of any runtime.
        if let Some(WarmSlot { lent, runtime, .. }) = self.lock().take() {
            let _inside = runtime.enter();
            drop(lent);
        }
    }
}

//! The number of open streams, in all and of each caller.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use incident_core::actor::Actor;
use metrics::{describe_gauge, gauge};

use crate::http::problem::Problem;

/// Maximum number of open streams unless the host sets another one.
const MAX_STREAMS: usize = 4_000;

/// Value of `Retry-After` if there are too many streams.
const RETRY_AFTER: Duration = Duration::from_secs(30);

const STREAMS: &str = "incident_event_streams";

/// Describes the metrics of event streams to the recorder.
pub(crate) fn describe_metrics() {
    describe_gauge!(STREAMS, "Open event streams.");
}

/// The open streams, up to a maximum. A caller has at most three quarters of them: a client that
/// reconnects may have two for a moment.
#[derive(Debug)]
pub(super) struct StreamSlots {
    limit: AtomicUsize,
    open: Mutex<OpenSlots>,
}

#[derive(Debug, Default)]
struct OpenSlots {
    all: usize,
    by_caller: HashMap<Actor, usize>,
}

/// The slot of an open stream, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct StreamSlot {
    slots: Arc<StreamSlots>,
    caller: Actor,
}

impl Default for StreamSlots {
    fn default() -> Self {
        Self {
            limit: AtomicUsize::new(MAX_STREAMS),
            open: Mutex::default(),
        }
    }
}

impl StreamSlots {
    /// Sets the maximum number of open streams. Those that are open stay.
    pub(super) fn limit(&self, streams: usize) {
        self.limit.store(streams, Ordering::Relaxed);
    }

    /// Returns the number of open streams.
    pub(super) fn open(&self) -> usize {
        self.slots().all
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// Returns 503 if there are too many streams, and 429 if the caller has too many of them.
    pub(super) fn take(self: &Arc<Self>, caller: &Actor) -> Result<StreamSlot, Problem> {
        let limit = self.limit.load(Ordering::Relaxed);
        let mut open = self.slots();
        if open.all >= limit {
            let detail = "too many event streams are open; retry later";
            return Err(Problem::unavailable(detail).retry_after(RETRY_AFTER));
        }
        let of_caller = open.by_caller.get(caller).copied().unwrap_or_default();
        if of_caller >= limit - limit / 4 {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_streams",
                "too many event streams of this caller are open; close some, or retry later",
            )
            .retry_after(RETRY_AFTER));
        }
        open.all += 1;
        open.by_caller.insert(caller.clone(), of_caller + 1);
        drop(open);
        gauge!(STREAMS).increment(1.0);
        Ok(StreamSlot {
            slots: Arc::clone(self),
            caller: caller.clone(),
        })
    }

    fn slots(&self) -> MutexGuard<'_, OpenSlots> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut open = self.slots.slots();
        open.all = open.all.saturating_sub(1);
        let left = open.by_caller.get_mut(&self.caller).map_or(0, |streams| {
            *streams = streams.saturating_sub(1);
            *streams
        });
        if left == 0 {
            open.by_caller.remove(&self.caller);
        }
        drop(open);
        gauge!(STREAMS).decrement(1.0);
    }
}

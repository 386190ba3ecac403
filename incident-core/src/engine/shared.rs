//! The parts of an engine, with the store that this handle of it works through.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::Incidents;
use super::builder::Inner;
use crate::port::Store;

/// The parts that all handles share, and a way to the store: that of requests, or that
/// of the relay.
#[derive(Clone)]
pub(super) struct Shared {
    inner: Arc<Inner>,
    pub(super) store: Arc<dyn Store>,
    /// How long a call may take, where this handle has a time of its own.
    pub(super) timeout: Option<Duration>,
    /// When the call that runs is to be answered, on the steady clock; none where no call
    /// of the host's waits.
    pub(super) deadline: Option<Duration>,
}

impl Shared {
    pub(super) fn new(inner: Inner, store: Arc<dyn Store>) -> Self {
        let inner = Arc::new(inner);
        Self {
            inner,
            store,
            timeout: None,
            deadline: None,
        }
    }
}

impl Deref for Shared {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Incidents {
    /// The same engine, for work of the relay: what it loads and keeps does not wait for
    /// connections that requests and questions hold.
    pub(super) fn on_relay(&self) -> Self {
        Self(Shared {
            store: Arc::clone(&self.0.relay),
            ..self.0.clone()
        })
    }
}

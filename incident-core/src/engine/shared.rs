//! The parts of an engine, with the store that this handle of it works through.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Incidents;
use super::builder::Inner;
use crate::port::Store;

/// The parts that all handles share, and a way to the store: that of requests, or that
/// of the relay.
#[derive(Clone)]
pub(super) struct Shared {
    inner: Arc<Inner>,
    pub(super) store: Arc<dyn Store>,
}

impl Shared {
    pub(super) fn new(inner: Inner, store: Arc<dyn Store>) -> Self {
        let inner = Arc::new(inner);
        Self { inner, store }
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
        let store = Arc::clone(&self.0.relay);
        Self(Shared {
            inner: Arc::clone(&self.0.inner),
            store,
        })
    }
}

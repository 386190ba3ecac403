//! The open connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::client::ClientConnection;
use super::connection_metrics::{closed, set_open};
use super::limits::Limits;

/// The open connections, up to a maximum.
#[derive(Debug)]
pub(super) struct Table {
    most: usize,
    open: Mutex<Open>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    all: HashMap<u64, Arc<ClientConnection>>,
}

/// A connection in the table, removed when this is dropped.
#[derive(Debug)]
pub(super) struct ConnectionEntry {
    table: Arc<Table>,
    id: u64,
    client: Arc<ClientConnection>,
}

impl Table {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            open: Mutex::default(),
            left: Notify::new(),
        }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.open().all.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.most
    }

    /// Adds a connection.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> ConnectionEntry {
        let client = Arc::new(ClientConnection::new(peer, Instant::now()));
        let mut open = self.open();
        open.last += 1;
        let id = open.last;
        open.all.insert(id, Arc::clone(&client));
        set_open(open.all.len());
        ConnectionEntry {
            table: Arc::clone(self),
            id,
            client,
        }
    }

    /// Waits until a connection has left.
    pub(super) async fn left(&self) {
        self.left.notified().await;
    }

    pub(super) fn all(&self) -> Vec<Arc<ClientConnection>> {
        self.open().all.values().map(Arc::clone).collect()
    }

    /// Closes the connections whose deadlines have expired.
    pub(super) fn check(&self, now: Instant, limits: &Limits) {
        for client in self.all() {
            if let Some(reason) = client.check(now, limits) {
                closed(reason);
            }
        }
    }

    /// Closes the connections without a request, and lets requests in progress end.
    pub(super) fn stop(&self) {
        for client in self.all() {
            client.stop();
        }
    }

    /// Aborts the bodies that are still being read.
    pub(super) fn stop_bodies(&self) {
        for client in self.all() {
            client.stop_body();
        }
    }
}

impl ConnectionEntry {
    pub(super) fn client(&self) -> &Arc<ClientConnection> {
        &self.client
    }
}

impl Drop for ConnectionEntry {
    fn drop(&mut self) {
        let mut open = self.table.open();
        open.all.remove(&self.id);
        set_open(open.all.len());
        drop(open);
        // Still there if the task was cancelled from outside.
        self.client.end();
        self.table.left.notify_one();
    }
}

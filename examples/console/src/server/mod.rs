//! The HTTP server: connections with deadlines, a cap on their number, and a stop that ends.
//!
//! `axum::serve` accepts without a limit and waits without a deadline, so that silent clients
//! take every descriptor of the process, those of pagers and store too.

mod answer;
mod bare;
mod client;
mod connection;
mod connection_metrics;
mod descriptors;
mod limits;
mod queue;
mod request;
mod stream;
mod table;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, sleep, sleep_until, timeout};

pub use limits::Limits;

pub(crate) use client::ClientConnection;
pub(crate) use connection_metrics::describe_metrics;

use connection_metrics::{closed, set_limit};
use queue::Queue;
use table::{ConnectionEntry, Table};

/// Time that a connection has to make room.
const DESCRIPTOR_RETRY: Duration = Duration::from_secs(1);
/// Pause after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);
/// Time between two log lines about connections that could not be accepted.
const LOG_EVERY: Duration = Duration::from_secs(60);
/// Time that requests have to end after the stop.
const REQUESTS: Duration = Duration::from_secs(4);
/// Time that bodies have to come to their end after the stop. Streams have none.
const BODIES: Duration = Duration::from_secs(1);

/// An address that is listened on, and the routes served there.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    router: Router,
    limits: Limits,
    table: Arc<Table>,
    queue: Queue,
    logged: Option<Instant>,
}

impl Server {
    /// Listens on the first address that can be listened on. `store` is the number of
    /// descriptors that the store may open.
    ///
    /// # Errors
    /// None can.
    pub(crate) async fn listen(
        bind: &[SocketAddr],
        router: Router,
        limits: Limits,
        store: usize,
    ) -> io::Result<Self> {
        let most = limits
            .connections
            .unwrap_or_else(|| descriptors::connections(descriptors::limit(), store));
        set_limit(most);
        Ok(Self {
            listener: TcpListener::bind(bind).await?,
            router,
            limits,
            table: Arc::new(Table::new(most)),
            queue: Queue::default(),
            logged: None,
        })
    }

    /// Returns the address.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns the most connections that are open at a time.
    pub(crate) fn most(&self) -> usize {
        self.table.most()
    }

    /// Serves until `stopped` is done; then ends every connection, in less than
    /// [`REQUESTS`] and a little.
    pub(crate) async fn run(mut self, stopped: impl Future<Output = ()>) {
        let mut stopped = pin!(stopped);
        let mut connections = JoinSet::new();
        let mut tick = tokio::time::interval(self.limits.tick());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut stopped => break,
                Some(ended) = connections.join_next() => log_panic(ended),
                _ = tick.tick() => self.table.check(Instant::now(), &self.limits),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        if let Some(entry) = self.admit(peer.ip()).await {
                            let router = self.router.clone();
                            connections.spawn(connection::serve(stream, entry, router));
                        }
                    }
                    Err(error) => self.not_accepted(&error).await,
                },
            }
        }
        self.end(connections).await;
    }

    /// Makes room for a connection; none where all others are at work.
    async fn admit(&mut self, peer: IpAddr) -> Option<ConnectionEntry> {
        if self.table.is_full() {
            let Some(longest) = self.queue.longest_waiting(&self.table, Instant::now()) else {
                closed("refused");
                return None;
            };
            closed("evicted");
            longest.close();
            // Unless it is gone the process would hold more than the cap.
            let gone = async {
                while self.table.is_full() {
                    self.table.left().await;
                }
            };
            if timeout(DESCRIPTOR_RETRY, gone).await.is_err() {
                closed("refused");
                return None;
            }
        }
        Some(self.table.enter(peer))
    }

    /// Waits after an error of `accept`, so that one which stays does not take the processor.
    async fn not_accepted(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        // The client's own doing.
        if matches!(
            error.kind(),
            ConnectionAborted | ConnectionRefused | ConnectionReset
        ) {
            return;
        }
        let now = Instant::now();
        if self.logged.is_none_or(|logged| now - logged >= LOG_EVERY) {
            self.logged = Some(now);
            tracing::error!(
                error = error as &dyn std::error::Error,
                open = self.table.len(),
                "connections cannot be accepted; trying on"
            );
        }
        // Others may have taken the reserve: one connection less is one page more.
        if descriptors::are_used_up(error)
            && let Some(longest) = self.queue.longest_waiting(&self.table, now)
        {
            closed("evicted");
            longest.close();
        }
        sleep(PAUSE).await;
    }

    async fn end(self, mut connections: JoinSet<()>) {
        let Self {
            listener, table, ..
        } = self;
        drop(listener);
        table.stop();
        let ends = Instant::now() + REQUESTS;
        let mut bodies = pin!(sleep(BODIES));
        let mut cut = false;
        loop {
            tokio::select! {
                ended = connections.join_next() => match ended {
                    Some(ended) => log_panic(ended),
                    None => break,
                },
                () = &mut bodies, if !cut => {
                    cut = true;
                    table.stop_bodies();
                }
                () = sleep_until(ends) => {
                    tracing::warn!(
                        requests = connections.len(),
                        "some requests did not end in time and are cut off; their commands go on"
                    );
                    break;
                }
            }
        }
        connections.shutdown().await;
    }
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a request panicked"
        );
    }
}

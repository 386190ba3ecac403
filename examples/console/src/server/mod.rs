//! The HTTP server: connections with deadlines, a cap on their number, and a bounded shutdown.
//!
//! `axum::serve` accepts without a limit and waits without a deadline, so that silent clients could
//! take every descriptor of the process, including those of pagers and store.

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

pub(crate) use connection_metrics::describe_metrics;

use connection_metrics::{closed, set_limit};
use queue::Queue;
use table::{ConnectionEntry, Table};

/// Maximum time to wait for an evicted connection to close.
const DESCRIPTOR_RETRY: Duration = Duration::from_secs(1);
/// Pause after a failed `accept`.
const PAUSE: Duration = Duration::from_millis(100);
/// Minimum time between two log lines about failed `accept` calls.
const LOG_EVERY: Duration = Duration::from_secs(60);
/// Maximum time for requests to end after the stop.
const REQUESTS: Duration = Duration::from_secs(4);
/// Maximum time for bodies to end after the stop. Streams have none of their own.
const BODIES: Duration = Duration::from_secs(1);

/// A listener, and the routes served on it.
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
    /// Binds the first address that can be bound. `store` is the number of descriptors that the
    /// store may open.
    ///
    /// # Errors
    /// Fails if none can be bound.
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

    /// Returns the bound address.
    ///
    /// # Errors
    /// Fails if the system does not report it.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns the maximum number of open connections.
    pub(crate) fn most(&self) -> usize {
        self.table.most()
    }

    /// Serves until `stopped` completes, then ends every connection in little more than
    /// [`REQUESTS`].
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

    /// Makes room for a connection; returns `None` if all others are in use.
    async fn admit(&mut self, peer: IpAddr) -> Option<ConnectionEntry> {
        if self.table.is_full() {
            let Some(longest) = self.queue.longest_waiting(&self.table, Instant::now()) else {
                closed("refused");
                return None;
            };
            closed("evicted");
            longest.close();
            // Until it has closed, another connection would exceed the cap.
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

    /// Handles an error of `accept`; pauses, so that a persistent error does not use up the
    /// processor.
    async fn not_accepted(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        // Caused by the client.
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
                "could not accept a connection; retrying"
            );
        }
        // Other parts may have used up the reserve: one connection less is one page more.
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
                        "shutdown: some requests did not finish in time and were aborted; their commands continue"
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
            "a request handler panicked"
        );
    }
}

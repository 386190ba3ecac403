//! The server: its builder, its start, and a stop that loses nothing that was accepted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use incident_axum::{
    Authenticate, EventFeed, ExternalUrl, IncidentApi, PublicCache, Sessions, Tokens,
    TrustedProxies, WebhookSettings,
};
use incident_core::actor::Caller;
use incident_core::engine::{BuildError, IncidentsBuilder};
use incident_core::failpoint;
use incident_core::port::{AnchorRecord, BillingSink, Channel, Clock, PageCheck, Pager};
use incident_pagers::{LogPager, RunningWorker, Worker};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::demo::VisitorLogin;
use crate::escalations::Escalations;
use crate::metrics::Metrics;
use crate::policy_file::PolicyFile;
use crate::server::{Limits, Server};
use crate::storage::Storage;

/// Deadline for running commands, counted from the start of the stop.
const COMMANDS: Duration = Duration::from_secs(5);
/// Deadline for accepted pages, counted from the start of the stop.
const PAGES: Duration = Duration::from_secs(7);
/// Deadline for anchors, counted from the start of the stop. Together with the rest of the exit it
/// is below the 10 s after which Docker kills a process (Kubernetes: 30 s).
const ANCHORS: Duration = Duration::from_secs(8);

/// Interval at which wrong tokens are logged.
const LOOK: Duration = Duration::from_secs(1);

/// Builder of a [`Console`]. Everything but the tokens has a default.
#[derive(Debug, Default)]
pub struct ConsoleBuilder {
    /// The known tokens.
    pub tokens: Tokens,
    /// The caller of requests without a login, in a demo: the console then listens on loopback only.
    pub visitor: Option<Caller>,
    /// The address under which browsers reach the server; without one they sign in on this machine
    /// only.
    pub external_url: Option<ExternalUrl>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// The storage; in memory by default.
    pub storage: Storage,
    /// Policy, terms, names and links.
    pub policy: PolicyFile,
    /// The pagers; if empty, the log pager.
    pub pagers: Vec<Arc<dyn Pager>>,
    /// Retired pagers: they open no alert, and close the ones they opened.
    pub retired_pagers: Vec<Arc<dyn Pager>>,
    /// The escalation targets besides on-call.
    pub escalations: Escalations,
    /// The vendor APIs that report whether a page arrived.
    pub page_checks: Vec<Arc<dyn PageCheck>>,
    /// The channels for notices of escalation rules, to every group.
    pub channels: Vec<Arc<dyn Channel>>,
    /// The sink for issued credits; if absent, approved credits stay pending.
    pub billing: Option<Arc<dyn BillingSink>>,
    /// The record of chain heads; if absent, the log.
    pub anchors: Option<Arc<dyn AnchorRecord>>,
    /// The inbound webhooks; if empty, their routes are closed.
    pub hooks: WebhookSettings,
    /// The metrics of this process; if absent, their route is 404.
    pub metrics: Option<Metrics>,
    /// The clock; if absent, the system clock.
    pub clock: Option<Arc<dyn Clock>>,
    /// Maximum number of connections, and their deadlines.
    pub limits: Limits,
}

/// A running console.
#[derive(Debug)]
pub struct Console {
    /// The address it listens on.
    pub address: SocketAddr,
    /// The API that it serves.
    pub api: IncidentApi,
    /// Maximum number of simultaneous connections.
    pub connections: usize,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    worker: RunningWorker,
}

impl ConsoleBuilder {
    /// Builds the API and the worker.
    ///
    /// # Errors
    /// Fails if two pagers have the same name.
    pub fn build(self) -> Result<(IncidentApi, Worker), BuildError> {
        let public_cache = PublicCache::shared();
        let events = match &self.storage.changes {
            Some(log) => EventFeed::of_log(Arc::clone(log)),
            None => EventFeed::shared(),
        };
        let engine = self.engine(&public_cache).on_event(events.listener());
        let (incidents, worker) = Worker::new(engine)?;
        let storage = self.storage;
        let tokens = Arc::new(self.tokens);
        let sessions = Sessions::new(storage.sessions, Arc::clone(&tokens) as _);
        let login: Arc<dyn Authenticate> = match self.visitor {
            Some(visitor) => Arc::new(VisitorLogin::new(Tokens::clone(&tokens), visitor)),
            None => tokens,
        };
        let mut api = IncidentApi::builder(incidents, login, public_cache)
            .sessions(sessions)
            .trusted_proxies(self.trusted_proxies)
            .usage(storage.sink)
            .events(events)
            .store_name(storage.name)
            .store_facts(storage.facts)
            .links(self.policy.links())
            .webhooks(self.hooks);
        if let Some(url) = self.external_url {
            api = api.external_url(url);
        }
        if let Some(metrics) = self.metrics {
            api = api.metrics(move || metrics.text());
        }
        Ok((api.build(), worker))
    }

    /// Returns the builder of the engine, which invalidates the cache of the public page.
    fn engine(&self, public_cache: &Arc<PublicCache>) -> IncidentsBuilder {
        let (storage, policy) = (&self.storage, &self.policy);
        let mut builder = policy
            .engine(Arc::clone(&storage.store))
            .usage(Arc::clone(&storage.usage))
            .directory(Arc::clone(&storage.directory))
            .on_event(public_cache.listener());
        if let Some(sink) = &self.billing {
            builder = builder.billing(Arc::clone(sink));
        }
        if let Some(anchors) = &self.anchors {
            builder = builder.anchor_record(Arc::clone(anchors));
        }
        if let Some(clock) = &self.clock {
            builder = builder.clock(Arc::clone(clock));
        }
        if self.pagers.is_empty() {
            builder = builder.pager(Arc::new(LogPager::default()));
        }
        for pager in &self.pagers {
            builder = builder.pager(Arc::clone(pager));
        }
        for (rule, pagers) in &self.escalations {
            builder = builder.escalation(rule.clone(), pagers.clone());
        }
        for channel in &self.channels {
            builder = builder.channel(Arc::clone(channel));
        }
        for check in &self.page_checks {
            builder = builder.page_check(Arc::clone(check));
        }
        for pager in &self.retired_pagers {
            builder = builder.retired_pager(Arc::clone(pager));
        }
        builder
    }
}

impl Console {
    /// Starts serving on an address; port 0 picks a free one.
    ///
    /// # Errors
    /// Fails if the address cannot be bound or the pagers are invalid.
    pub async fn start(builder: ConsoleBuilder, bind: SocketAddr) -> io::Result<Self> {
        Self::start_on(builder, &[bind]).await
    }

    /// Starts serving on the first of several addresses that can be bound.
    ///
    /// # Errors
    /// Fails if none can be bound or the pagers are invalid, and if others than this machine could
    /// reach a console that has a [`visitor`](ConsoleBuilder::visitor).
    pub async fn start_on(builder: ConsoleBuilder, bind: &[SocketAddr]) -> io::Result<Self> {
        if builder.visitor.is_some() && !bind.iter().all(|one| one.ip().is_loopback()) {
            let expected = "expected a loopback address, because the demo needs no login";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, expected));
        }
        let (limits, store) = (builder.limits, builder.storage.connections());
        let metrics = builder.metrics.clone();
        let (api, worker) = builder.build().map_err(io::Error::other)?;
        let server = Server::listen(bind, api.router(), limits, store).await?;
        let (address, connections) = (server.address()?, server.most());
        api.limit_streams(connections / 4 * 3);
        let (stop, stopped) = watch::channel(false);
        let worker = worker.spawn();
        tokio::spawn(housekeeping(
            api.clone(),
            metrics,
            wait_for_stop(stopped.clone()),
        ));
        let server = tokio::spawn(server.run(wait_for_stop(stopped)));
        Ok(Self {
            address,
            api,
            connections,
            stop,
            server,
            worker,
        })
    }

    /// Stops within 10 s: accepts no new connection, lets requests and commands end, and sends the
    /// accepted pages. Unfinished work is then cut off: a page stays in the store and is sent by
    /// the next process.
    ///
    /// # Errors
    /// Fails if the server had failed.
    pub async fn stop(self) -> io::Result<()> {
        let Self {
            address: _,
            api,
            connections: _,
            stop,
            server,
            mut worker,
        } = self;
        let began = Instant::now();
        // Before the server waits for responses: streams have no end of their own.
        api.end_streams();
        stop.send_replace(true);
        // The server has a deadline of its own.
        let served = server.await.map_err(io::Error::other);
        if timeout_at(began + COMMANDS, api.wait_for_commands())
            .await
            .is_err()
        {
            tracing::warn!("shutdown: some commands did not finish in time and may be aborted");
        }
        failpoint::hit("mid_shutdown");
        let pages = async {
            write_denials(&api).await;
            // The relay ends with one more pass; messages that the last commands committed after
            // that pass are sent here.
            tokio::join!(worker.stop(), drain(&api)).1
        };
        if timeout_at(began + PAGES, pages).await.is_err() {
            worker.abort();
            tracing::warn!(
                "shutdown: some pages were not sent in time; the next process will send them"
            );
        }
        if timeout_at(began + ANCHORS, anchor(&api)).await.is_err() {
            tracing::error!("shutdown: anchoring timed out; the last entries are not anchored");
        }
        served
    }
}

async fn write_denials(api: &IncidentApi) {
    if let Err(error) = api.incidents().worker().finish().await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "could not store audit entries for denied requests"
        );
    }
}

async fn drain(api: &IncidentApi) {
    if let Err(error) = api.incidents().worker().drain().await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "shutdown: some pages may not have been sent; the next process will send them"
        );
    }
}

async fn anchor(api: &IncidentApi) {
    if let Err(error) = api.incidents().worker().anchor().await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "shutdown: the last entries are not anchored"
        );
    }
}

/// Updates metrics and logs wrong tokens until the stop.
async fn housekeeping(
    api: IncidentApi,
    metrics: Option<Metrics>,
    stopped: impl Future<Output = ()>,
) {
    let metrics = async {
        match metrics {
            Some(metrics) => metrics.run_upkeep().await,
            None => std::future::pending().await,
        }
    };
    let tokens = async {
        let mut every = tokio::time::interval(LOOK);
        loop {
            every.tick().await;
            api.log_failed_logins();
        }
    };
    tokio::select! {
        () = stopped => {}
        () = metrics => {}
        () = tokens => {}
    }
}

async fn wait_for_stop(mut stopped: watch::Receiver<bool>) {
    // An error means that the console itself is gone.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

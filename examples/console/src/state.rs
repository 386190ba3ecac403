//! The state that all handlers share.

use std::fmt;
use std::sync::Arc;

use incident_core::engine::{Incidents, RequestContext};
use incident_core::port::UsageSink;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;

use crate::command_tasks::{CommandTasks, outcome};
use crate::hooks::Hooks;
use crate::http::auth::Tokens;
use crate::http::body_memory::BodyMemory;
use crate::http::conditions::KeyLocks;
use crate::http::problem::Problem;
use crate::http::throttle::Throttle;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::public_cache::PublicCache;

/// The state that all handlers share, in a single `Arc`: the public route clones it on every
/// request.
pub struct AppState {
    incidents: Incidents,
    usage: Arc<dyn UsageSink>,
    store_name: &'static str,
    public_cache: Arc<PublicCache>,
    tokens: Tokens,
    links: Links,
    hooks: Hooks,
    metrics: Option<Metrics>,
    key_locks: KeyLocks,
    body_memory: BodyMemory,
    wrong_tokens: Throttle,
    commands: CommandTasks,
}

/// Builder of an [`AppState`].
#[derive(Debug)]
pub(crate) struct AppStateBuilder(AppState);

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState")
            .field("store_name", &self.store_name)
            .field("incidents", &self.incidents)
            .finish_non_exhaustive()
    }
}

impl AppStateBuilder {
    /// Sets the known tokens; none by default.
    pub(crate) fn tokens(mut self, tokens: Tokens) -> Self {
        self.0.tokens = tokens;
        self
    }

    /// Sets the deep links.
    pub(crate) fn links(mut self, links: Links) -> Self {
        self.0.links = links;
        self
    }

    /// Sets the inbound webhooks; closed by default.
    pub(crate) fn hooks(mut self, hooks: Hooks) -> Self {
        self.0.hooks = hooks;
        self
    }

    /// Sets the metrics of this process; none by default.
    pub(crate) fn metrics(mut self, metrics: Option<Metrics>) -> Self {
        self.0.metrics = metrics;
        self
    }

    /// Builds the state.
    pub(crate) fn build(self) -> Arc<AppState> {
        Arc::new(self.0)
    }
}

impl AppState {
    /// Returns a builder. The engine must invalidate the cache of the public page on its changes;
    /// `store_name` is `memory` or `postgres`.
    pub(crate) fn builder(
        incidents: Incidents,
        usage: Arc<dyn UsageSink>,
        store_name: &'static str,
        public_cache: Arc<PublicCache>,
    ) -> AppStateBuilder {
        AppStateBuilder(Self {
            incidents,
            usage,
            store_name,
            public_cache,
            tokens: Tokens::default(),
            links: Links::default(),
            hooks: Hooks::default(),
            metrics: None,
            key_locks: KeyLocks::default(),
            body_memory: BodyMemory::default(),
            wrong_tokens: Throttle::default(),
            commands: CommandTasks::default(),
        })
    }

    /// Returns the engine.
    #[must_use]
    pub fn incidents(&self) -> &Incidents {
        &self.incidents
    }

    /// Returns the cache of the public page.
    #[must_use]
    pub fn public_cache(&self) -> &Arc<PublicCache> {
        &self.public_cache
    }

    /// Returns the sink of usage events.
    pub(crate) fn usage(&self) -> &Arc<dyn UsageSink> {
        &self.usage
    }

    /// Returns the name of the store, `memory` or `postgres`.
    pub(crate) fn store_name(&self) -> &'static str {
        self.store_name
    }

    /// Returns the known tokens.
    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Returns the deep links.
    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    /// Returns the inbound webhooks.
    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// Returns the metrics of this process, if a recorder is installed.
    pub(crate) fn metrics(&self) -> Option<&Metrics> {
        self.metrics.as_ref()
    }

    /// Returns the memory for request bodies.
    pub(crate) fn body_memory(&self) -> &BodyMemory {
        &self.body_memory
    }

    /// Returns the counts of wrong tokens.
    pub(crate) fn wrong_tokens(&self) -> &Throttle {
        &self.wrong_tokens
    }

    /// Waits until no other request with the same idempotency key is running.
    ///
    /// # Errors
    /// Returns 409 if the other request takes too long.
    pub(crate) async fn key_guard(
        &self,
        context: &RequestContext,
    ) -> Result<Option<OwnedMutexGuard<()>>, Problem> {
        let Some(key) = &context.key else {
            return Ok(None);
        };
        self.key_locks.lock(key).await.map(Some)
    }

    /// Starts a command in a task of its own.
    pub(crate) async fn spawn_command<T, F>(&self, command: F) -> JoinHandle<Result<T, Problem>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        self.commands.spawn(command).await
    }

    /// Runs a command to its end in a task of its own, even if the client disconnects.
    ///
    /// # Errors
    /// Returns the problem of the command, or 500 if it panicked.
    pub(crate) async fn run_command<T, F>(&self, command: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        outcome(&mut self.spawn_command(command).await).await
    }

    /// Waits until every command has ended.
    pub(crate) async fn wait_for_commands(&self) {
        self.commands.wait().await;
    }
}

//! The state that all handlers share.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use axum::http::header;
use axum::http::request::Parts;
use incident_core::actor::Caller;
use incident_core::engine::{Error, Incidents, RequestContext};
use incident_core::port::UsageSink;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;

use crate::authenticate::{AuthError, Authenticate};
use crate::client;
use crate::command_tasks::{CommandTasks, outcome};
use crate::document::page::Document;
use crate::events::EventFeed;
use crate::external_url::ExternalUrl;
use crate::http::body_memory::BodyMemory;
use crate::http::conditions::KeyLocks;
use crate::http::problem::Problem;
use crate::http::throttle::Throttle;
use crate::links::Links;
use crate::public_cache::PublicCache;
use crate::sessions::{SessionUse, Sessions, cookie};
use crate::trusted_proxies::TrustedProxies;
use crate::web::assets::Assets;
use crate::web::incident::figure_memory::FigureMemory;
use crate::web::look::Look;
use crate::web::status::site::Site;
use crate::webhook_settings::WebhookSettings;

/// Returns the metrics of the process in Prometheus' text format.
pub(crate) type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// The document of the routes, built when it is first needed.
pub(crate) type LazyDocument = LazyLock<Document, Box<dyn FnOnce() -> Document + Send>>;

/// The state that all handlers share, in a single `Arc`: the public route clones it on every
/// request.
pub(crate) struct AppState {
    pub(crate) incidents: Incidents,
    pub(crate) authenticate: Arc<dyn Authenticate>,
    pub(crate) usage: Option<Arc<dyn UsageSink>>,
    pub(crate) sessions: Option<Sessions>,
    pub(crate) external_url: Option<ExternalUrl>,
    pub(crate) proxies: TrustedProxies,
    pub(crate) origins: Vec<String>,
    pub(crate) store_name: Option<&'static str>,
    pub(crate) store_facts: Vec<String>,
    pub(crate) public_cache: Arc<PublicCache>,
    pub(crate) events: Option<Arc<EventFeed>>,
    pub(crate) links: Links,
    pub(crate) webhooks: WebhookSettings,
    pub(crate) metrics: Option<MetricsText>,
    pub(crate) key_locks: KeyLocks,
    pub(crate) body_memory: BodyMemory,
    pub(crate) wrong_tokens: Throttle,
    pub(crate) commands: CommandTasks,
    pub(crate) document: LazyDocument,
    pub(crate) look: Look,
    pub(crate) assets: Assets,
    pub(crate) figures: FigureMemory,
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState")
            .field("store_name", &self.store_name)
            .field("incidents", &self.incidents)
            .finish_non_exhaustive()
    }
}

impl AppState {
    /// Returns the engine.
    pub(crate) fn incidents(&self) -> &Incidents {
        &self.incidents
    }

    /// Returns the cache of the public page.
    pub(crate) fn public_cache(&self) -> &Arc<PublicCache> {
        &self.public_cache
    }

    /// Returns the feed of the event stream.
    ///
    /// # Errors
    /// Returns 404 if the host has none.
    pub(crate) fn events(&self) -> Result<&Arc<EventFeed>, Problem> {
        self.events
            .as_ref()
            .ok_or_else(|| Problem::not_found("route"))
    }

    /// Returns the sink of usage events.
    ///
    /// # Errors
    /// Returns 404 if the host has none.
    pub(crate) fn usage(&self) -> Result<Arc<dyn UsageSink>, Problem> {
        self.usage
            .clone()
            .ok_or_else(|| Problem::not_found("route"))
    }

    /// Returns the origins whose pages may send requests, besides that of the host.
    pub(crate) fn origins(&self) -> &[String] {
        &self.origins
    }

    /// Returns the name of the store, if the host gives it one.
    pub(crate) fn store_name(&self) -> Option<&'static str> {
        self.store_name
    }

    /// Returns sentences about the store, for people.
    pub(crate) fn store_facts(&self) -> &[String] {
        &self.store_facts
    }

    /// Asks the host for the sender of a request.
    ///
    /// # Errors
    /// Fails if the sender is not known.
    pub(crate) async fn authenticate(&self, parts: &mut Parts) -> Result<Caller, AuthError> {
        self.identify(parts, SessionUse::Request).await
    }

    /// Asks again for the sender of a request whose stream is open.
    ///
    /// # Errors
    /// Fails if the sender is no longer known.
    pub(crate) async fn check_login(&self, parts: &mut Parts) -> Result<Caller, AuthError> {
        self.identify(parts, SessionUse::Check).await
    }

    async fn identify(&self, parts: &mut Parts, purpose: SessionUse) -> Result<Caller, AuthError> {
        match self.session_caller(parts, purpose).await {
            Err(AuthError::Missing) => self.authenticate.authenticate(parts).await,
            found => found,
        }
    }

    /// Returns the caller of the session whose cookie a request has. Credentials that were sent on
    /// purpose take precedence over it.
    ///
    /// # Errors
    /// Returns [`AuthError::Missing`] without a valid session, and [`AuthError::Unavailable`] if it
    /// cannot be found out.
    pub(crate) async fn session_caller(
        &self,
        parts: &Parts,
        purpose: SessionUse,
    ) -> Result<Caller, AuthError> {
        let sessions = self.sessions.as_ref().ok_or(AuthError::Missing)?;
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(AuthError::Missing);
        }
        let secret = cookie::secret(&parts.headers, self.is_secure());
        let secret = secret.ok_or(AuthError::Missing)?;
        let now = self.incidents.reports().now();
        sessions.caller(&secret, now, purpose).await
    }

    /// Returns the sessions, if people can sign in here.
    pub(crate) fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_ref()
    }

    /// Returns `true` if browsers reach this host by HTTPS.
    pub(crate) fn is_secure(&self) -> bool {
        self.external_url
            .as_ref()
            .is_some_and(ExternalUrl::is_secure)
    }

    /// Returns the address of the client of a request, if the server passes it on: behind trusted
    /// proxies, that which they report.
    pub(crate) fn client_address(&self, parts: &Parts) -> Option<IpAddr> {
        let peer = client::address(&parts.extensions)?;
        Some(self.proxies.client(peer, &parts.headers))
    }

    /// Returns the look that the host gives the pages.
    pub(crate) fn look(&self) -> &Look {
        &self.look
    }

    /// Returns the files of the pages.
    pub(crate) fn assets(&self) -> &Assets {
        &self.assets
    }

    /// Returns what the host adds to the status page.
    pub(crate) fn site(&self) -> Arc<Site> {
        Arc::new(Site {
            name: self.look.name().to_owned(),
            style: self.assets.status.name.clone(),
        })
    }

    /// Returns the figures of the incidents whose pages were loaded last.
    pub(crate) fn figures(&self) -> &FigureMemory {
        &self.figures
    }

    /// Returns the deep links.
    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    /// Returns the inbound webhooks.
    pub(crate) fn hooks(&self) -> &WebhookSettings {
        &self.webhooks
    }

    /// Returns the metrics of this process, if the host provides them.
    pub(crate) fn metrics(&self) -> Option<&MetricsText> {
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

    /// Runs a command of the engine to its end, as [`run_command`](Self::run_command) does, and lets
    /// the next request with the same key in after that.
    ///
    /// # Errors
    /// Returns the errors of the engine as problems, or 500 if it panicked.
    pub(crate) async fn run_keyed<T, F>(
        &self,
        key_guard: Option<OwnedMutexGuard<()>>,
        command: F,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.run_command(async move {
            let _guard = key_guard;
            Ok(command.await?)
        })
        .await
    }

    /// Returns the document of the API, built when it is first needed.
    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// Waits until every command has ended.
    pub(crate) async fn wait_for_commands(&self) {
        self.commands.wait().await;
    }
}

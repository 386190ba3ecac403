//! The HTTP API: its builder and its routers.

use std::fmt;
use std::sync::{Arc, LazyLock};

use axum::Router;
use incident_core::engine::Incidents;
use incident_core::port::UsageSink;

use crate::authenticate::Authenticate;
use crate::command_tasks::CommandTasks;
use crate::events::EventFeed;
use crate::external_url::ExternalUrl;
use crate::http::body_memory::BodyMemory;
use crate::http::conditions::KeyLocks;
use crate::http::throttle::Throttle;
use crate::links::Links;
use crate::public_cache::PublicCache;
use crate::routes;
use crate::sessions::Sessions;
use crate::state::{AppState, LazyDocument};
use crate::trusted_proxies::TrustedProxies;
use crate::web::assets::Assets;
use crate::web::incident::figure_memory::FigureMemory;
use crate::web::look::Look;
use crate::webhook_settings::WebhookSettings;

/// The HTTP API of an engine, as routers that a host merges or nests under any prefix, whatever its
/// own state is. Clones share everything.
///
/// The parts that the engine runs without, [SLA](incident_core::engine::IncidentsBuilder::without_sla)
/// or the [status page](incident_core::engine::IncidentsBuilder::without_status_page), have no
/// routes: they are 404 as any unknown path, and neither pages nor the document name them.
///
/// Problem details, `ETag`, idempotency keys, limits, deadlines and the cache of the public page
/// come with the routers. Commands run to their end in tasks of their own, even if the client
/// disconnects: await [`wait_for_commands`](Self::wait_for_commands) at the stop.
///
/// ```
/// use std::sync::Arc;
///
/// use axum::Router;
/// use incident_axum::{IncidentApi, PublicCache, Tokens};
/// use incident_core::engine::Incidents;
/// use incident_store_memory::MemoryStore;
///
/// let cache = PublicCache::shared();
/// let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
///     .on_event(cache.listener())
///     .build()?;
/// let tokens = Tokens::parse("anna:responder:0123456789abcdef")?;
/// let api = IncidentApi::builder(incidents, Arc::new(tokens), cache).build();
///
/// let app: Router = Router::new()
///     .nest("/incidents", api.router()) // `/incidents/sys/incidents`, ...
///     .merge(api.public()); // `/public/status/active`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct IncidentApi(Arc<AppState>);

/// Builder of an [`IncidentApi`].
#[derive(Debug)]
pub struct IncidentApiBuilder(AppState);

impl fmt::Debug for IncidentApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IncidentApi").field(&self.0).finish()
    }
}

impl IncidentApi {
    /// Returns a builder. The engine must report its events to the cache:
    /// [`on_event`](incident_core::engine::IncidentsBuilder::on_event) with
    /// [`PublicCache::listener`].
    #[must_use]
    pub fn builder(
        incidents: Incidents,
        authenticate: Arc<dyn Authenticate>,
        public_cache: Arc<PublicCache>,
    ) -> IncidentApiBuilder {
        let described = incidents.clone();
        let document: LazyDocument =
            LazyLock::new(Box::new(move || routes::table::document_of(&described)));
        IncidentApiBuilder(AppState {
            incidents,
            authenticate,
            usage: None,
            sessions: None,
            external_url: None,
            proxies: TrustedProxies::default(),
            origins: Vec::new(),
            store_name: None,
            store_facts: Vec::new(),
            public_cache,
            events: None,
            links: Links::default(),
            webhooks: WebhookSettings::default(),
            metrics: None,
            key_locks: KeyLocks::default(),
            body_memory: BodyMemory::default(),
            wrong_tokens: Throttle::default(),
            commands: CommandTasks::default(),
            document,
            look: Look::default(),
            assets: Assets::of(&Look::default()),
            figures: FigureMemory::default(),
        })
    }

    /// Returns the public routes, without a login and from cached bytes: `/public/**` for programs,
    /// and the status page for people, `/status/**`.
    pub fn public<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::public(Arc::clone(&self.0))
    }

    /// Returns the operators' routes, `/sys/**`, behind the login of the host.
    ///
    /// The router has no fallback: unknown paths are the host's. [`router`](Self::router) answers
    /// them too.
    pub fn operators<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::operators(Arc::clone(&self.0))
    }

    /// Returns the routes of vendors' webhooks, `/hooks/**`, which are signed; 404 for vendors that
    /// [`IncidentApiBuilder::webhooks`] does not configure.
    pub fn webhooks<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::webhooks(Arc::clone(&self.0))
    }

    /// Returns the routes of the sign-in, `/signin` and `/signout`; 404 without
    /// [`IncidentApiBuilder::sessions`].
    pub fn sign_in<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::sign_in(Arc::clone(&self.0))
    }

    /// Returns the document of the API, without a login: `/openapi.json` (OpenAPI 3.1) for programs,
    /// and `/docs`, a page for people. It describes the routes of [`router`](Self::router) under
    /// the prefix at which it is mounted itself.
    pub fn docs<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::docs(Arc::clone(&self.0))
    }

    /// Returns the pages for people, behind the login of the host: people without one are led to
    /// `/signin` if there are [`sessions`](IncidentApiBuilder::sessions). They link to each other,
    /// to `/signin` and `/status`, and follow `/sys/events`: mount [`sign_in`](Self::sign_in),
    /// [`public`](Self::public) and [`operators`](Self::operators) under the same prefix.
    pub fn web_pages<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::web_pages(Arc::clone(&self.0))
    }

    /// Returns all routes, with `/openapi.json`, `/docs`, `/healthz` and `/readyz`, which need no login, and `/metrics`, which
    /// does. Unknown paths are answered with a problem; below `/sys` only to callers with a login.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        routes::all(Arc::clone(&self.0))
    }

    /// Returns the engine.
    #[must_use]
    pub fn incidents(&self) -> &Incidents {
        self.0.incidents()
    }

    /// Returns the sessions, if people can sign in here: to revoke those of a person.
    #[must_use]
    pub fn sessions(&self) -> Option<&Sessions> {
        self.0.sessions()
    }

    /// Returns the cache of the public page.
    #[must_use]
    pub fn public_cache(&self) -> &Arc<PublicCache> {
        self.0.public_cache()
    }

    /// Sets the maximum number of open event streams, 4,000 unless set; a caller has at most three
    /// quarters of them. A host whose server takes fewer connections leaves some to other requests.
    pub fn limit_streams(&self, streams: usize) {
        if let Some(feed) = &self.0.events {
            feed.limit(streams);
        }
    }

    /// Ends all event streams at once, and new ones after their first frame. A host calls it first at
    /// its stop: streams have no end of their own, and servers wait for their responses.
    pub fn end_streams(&self) {
        if let Some(feed) = &self.0.events {
            feed.end();
        }
    }

    /// Waits until every command has ended, also those whose clients have disconnected.
    pub async fn wait_for_commands(&self) {
        self.0.wait_for_commands().await;
    }

    /// Logs the number of failed logins ([`AuthError::Invalid`](crate::AuthError::Invalid)) and of
    /// invalid signatures since the last line, at most once a minute, and forgets sources that have
    /// stopped. A host calls it every second; without it they are counted in the metrics only.
    pub fn log_failed_logins(&self) {
        self.0.wrong_tokens().log();
    }
}

impl IncidentApiBuilder {
    /// Sets the sink of usage events; without one, `POST /sys/usage-events` is 404.
    #[must_use]
    pub fn usage(mut self, sink: Arc<dyn UsageSink>) -> Self {
        self.0.usage = Some(sink);
        self
    }

    /// Sets the sessions of people who sign in with a browser. Their cookie counts where a request
    /// has no `Authorization` header; the host's login is asked if there is no valid session.
    #[must_use]
    pub fn sessions(mut self, sessions: Sessions) -> Self {
        self.0.sessions = Some(sessions);
        self
    }

    /// Sets the address under which browsers reach the host (`INCIDENT_BASE_URL` of the console). With HTTPS, session cookies are
    /// `Secure`; without it people can sign in on this machine only. Its pages may send requests
    /// that change something, as with [`origin`](Self::origin).
    #[must_use]
    pub fn external_url(mut self, url: ExternalUrl) -> Self {
        self.0.origins.push(url.origin().to_owned());
        self.0.external_url = Some(url);
        self
    }

    /// Sets the proxies whose `X-Forwarded-For` names the client, whose failed logins are counted
    /// by address; none by default.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.0.proxies = proxies;
        self
    }

    /// Sets the feed of `GET /sys/events`; without one, it is 404. The engine must report its events
    /// to the feed: [`on_event`](incident_core::engine::IncidentsBuilder::on_event) with
    /// [`EventFeed::listener`]. Call [`IncidentApi::end_streams`] first at the stop.
    #[must_use]
    pub fn events(mut self, feed: Arc<EventFeed>) -> Self {
        self.0.events = Some(feed);
        self
    }

    /// Sets the look of the pages: the name of the host, its colours and links.
    #[must_use]
    pub fn look(mut self, look: Look) -> Self {
        self.0.assets = Assets::of(&look);
        self.0.look = look;
        self
    }

    /// Sets the deep links of incidents; none by default.
    #[must_use]
    pub fn links(mut self, links: Links) -> Self {
        self.0.links = links;
        self
    }

    /// Sets the accepted webhooks; none by default.
    #[must_use]
    pub fn webhooks(mut self, webhooks: WebhookSettings) -> Self {
        self.0.webhooks = webhooks;
        self
    }

    /// Sets the source of `GET /metrics`, in Prometheus' text format; without one it is 404 to
    /// callers with a login, and 401 to others as ever.
    #[must_use]
    pub fn metrics(mut self, text: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.0.metrics = Some(Arc::new(text));
        self
    }

    /// Adds an origin, such as `https://admin.example`, whose pages may send requests that change
    /// something with a login that the browser sends by itself. Pages of the host itself may.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.0.origins.push(origin.into());
        self
    }

    /// Sets the name of the store in `GET /readyz`, such as `postgres`.
    #[must_use]
    pub fn store_name(mut self, name: &'static str) -> Self {
        self.0.store_name = Some(name);
        self
    }

    /// Sets sentences about the store that `/about` shows to people with a login, such as the state
    /// of its schema and what was found in its settings; none by default.
    #[must_use]
    pub fn store_facts(mut self, facts: Vec<String>) -> Self {
        self.0.store_facts = facts;
        self
    }

    /// Builds the API.
    #[must_use]
    pub fn build(self) -> IncidentApi {
        IncidentApi(Arc::new(self.0))
    }
}

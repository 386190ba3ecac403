//! A console on a free port, with a manual clock and a token per role.

use std::sync::Arc;
use std::time::Duration;

use incident_axum::MemorySessions;
use incident_axum::PublicCache;
use incident_axum::Tokens;
use incident_console::console::{Console, ConsoleBuilder};
use incident_console::escalations::EscalationSettings;
use incident_console::pagers::PagerSettings;
use incident_console::policy_file::{PagingPolicy, PolicyFile};
use incident_console::storage::Storage;
use incident_core::Timestamp;
use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::port::{Store, TenantDirectory};
use incident_core::sla::Contracts;
use incident_core::testing::{ManualClock, RecordingPager, caller};
use incident_store_memory::MemoryStore;
use incident_store_postgres::{PgStore, PgUsage, StoreClock, migrate};
use incident_test_postgres::{Cluster, Database};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::over_http::document::document;
use crate::over_http::troubled::Troubled;

pub(crate) const ADMIN: &str = "admin-token-0123456789";
pub(crate) const COMMANDER: &str = "commander-token-0123456789";
pub(crate) const RESPONDER: &str = "responder-token-0123456789";
pub(crate) const VIEWER: &str = "viewer-token-0123456789";
pub(crate) const BILLING: &str = "billing-token-0123456789";

/// A policy with thresholds in another currency than the one that ships.
pub(crate) const IN_EUROS: &str = "[classification]\nmost_users_percent = \"50\"\nmany_users_percent = \"10\"\ncritical_revenue_per_hour = { minor = 2000000, currency = \"EUR\" }\nmajor_revenue_per_hour = { minor = 200000, currency = \"EUR\" }\n";

pub(crate) struct Server {
    console: Console,
    pub(crate) store: Arc<dyn Store>,
    directory: Arc<dyn TenantDirectory>,
    /// Dropped with the test.
    _database: Option<Database>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) pager: Arc<RecordingPager>,
    http: reqwest::Client,
}

/// The storage of a server.
pub(crate) struct Kept {
    memory: MemoryStore,
    database: Option<Database>,
}

impl Kept {
    /// Returns all stored data as text: the whole state of the in-memory store, or a dump of the
    /// database.
    pub(crate) async fn everything(&self) -> String {
        match &self.database {
            Some(database) => {
                let dumped = database.dump(Cluster::shared(), "incident").await;
                dumped.unwrap()
            }
            None => format!("{:?}", self.memory),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Asserts a status and returns the body.
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// Asserts a problem and returns the pointer of its first field.
    pub(crate) fn problem(self, status: u16) -> Option<String> {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let body = self.json();
        for member in ["type", "title", "status", "detail", "code"] {
            assert!(!body[member].is_null(), "{member} is missing: {body}");
        }
        assert_eq!(body["status"], status);
        body["errors"][0]["pointer"].as_str().map(str::to_owned)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Returns a client that shows every response as it came.
fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy();
    let client = client.redirect(reqwest::redirect::Policy::none());
    client.build().unwrap()
}

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// Returns the context of Anna, an admin, without any other part of a request.
pub(crate) fn context() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

/// Returns the name of a migrated database that serves as a template.
pub(crate) async fn template() -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let database = Database::create(Cluster::shared(), None).await.unwrap();
            let timeout = Duration::from_secs(30);
            migrate(&database.options(), timeout).await.unwrap();
            database.leak()
        })
        .await
}

/// Creates a store for one test: in memory, or a database.
pub(crate) async fn storage() -> (Storage, Option<Database>) {
    if crate::ON_CLICKHOUSE {
        let url = incident_test_clickhouse::ClickHouseServer::shared().database();
        let address = url.await.unwrap().parse().unwrap();
        let storage = Storage::default().with_usage(&address).await.unwrap();
        return (storage, None);
    }
    if !crate::ON_POSTGRES {
        return (Storage::default(), None);
    }
    let database = Database::create(Cluster::shared(), Some(template().await))
        .await
        .unwrap();
    let pool = database.pool(10).await.unwrap();
    let usage = PgUsage::new(pool.clone());
    let store = PgStore::builder(pool).clock(StoreClock::Caller).build();
    let storage = Storage {
        name: "postgres",
        startup_lines: Vec::new(),
        facts: Vec::new(),
        changes: Some(Arc::new(store.change_log())),
        store: Arc::new(store),
        usage: Arc::new(usage.clone()),
        sink: Arc::new(usage.clone()),
        directory: Arc::new(usage),
        sessions: Arc::new(MemorySessions::default()),
    };
    (storage, Some(database))
}

async fn start(parts: ConsoleBuilder) -> (Console, Storage, Option<Database>) {
    let (storage, database) = storage().await;
    let (console, storage) = start_on(parts, storage).await;
    (console, storage, database)
}

async fn start_on(parts: ConsoleBuilder, storage: Storage) -> (Console, Storage) {
    let tokens = format!(
        "root:admin:{ADMIN},carl:commander:{COMMANDER},anna:responder:{RESPONDER},vera:viewer:{VIEWER},bill:billing:{BILLING}"
    );
    let mut parts = ConsoleBuilder {
        storage: storage.clone(),
        ..parts
    };
    if parts.tokens.is_empty() {
        parts.tokens = Tokens::parse(&tokens).unwrap();
    }
    let bind = "127.0.0.1:0".parse().unwrap();
    let console = Console::start(parts, bind).await.unwrap();
    (console, storage)
}

impl Server {
    /// Starts a server whose store can be made to fail.
    pub(crate) async fn troubled() -> (Self, Arc<Troubled>) {
        Self::troubled_with(ConsoleBuilder::default()).await
    }

    /// Starts such a server with other parts; its pager and clock are those of the harness.
    pub(crate) async fn troubled_with(parts: ConsoleBuilder) -> (Self, Arc<Troubled>) {
        let (mut storage, database) = storage().await;
        let troubled = Troubled::over(storage.store);
        storage.store = troubled.clone();
        let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
        let pager = Arc::new(RecordingPager::named("recorder").unwrap());
        let parts = ConsoleBuilder {
            pagers: vec![pager.clone()],
            clock: Some(clock.clone()),
            ..parts
        };
        let (console, storage) = start_on(parts, storage).await;
        let server = Self {
            _database: database,
            console,
            store: storage.store,
            directory: storage.directory,
            clock,
            pager,
            http: client(),
        };
        (server, troubled)
    }

    /// Starts a server on an in-memory store with data.
    pub(crate) async fn on_memory(memory: MemoryStore) -> Self {
        let storage = Storage {
            store: Arc::new(memory),
            ..Storage::default()
        };
        Self::on(storage, ConsoleBuilder::default()).await
    }

    /// Starts a server on a store whose whole contents can be examined.
    pub(crate) async fn keeping(parts: ConsoleBuilder) -> (Self, Kept) {
        let memory = MemoryStore::default();
        let (mut storage, database) = storage().await;
        if database.is_none() {
            storage.store = Arc::new(memory.clone());
        }
        (Self::on(storage, parts).await, Kept { memory, database })
    }

    async fn on(storage: Storage, parts: ConsoleBuilder) -> Self {
        let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
        let pager = Arc::new(RecordingPager::named("recorder").unwrap());
        let parts = ConsoleBuilder {
            pagers: vec![pager.clone()],
            clock: Some(clock.clone()),
            ..parts
        };
        let (console, storage) = start_on(parts, storage).await;
        Self {
            _database: None,
            console,
            store: storage.store,
            directory: storage.directory,
            clock,
            pager,
            http: client(),
        }
    }

    /// Starts a server whose clock is at 2026-11-20T23:00:00Z.
    pub(crate) async fn start() -> Self {
        Self::start_with(ConsoleBuilder::default()).await
    }

    /// Starts a server with other tokens.
    pub(crate) async fn start_for(tokens: &str, parts: ConsoleBuilder) -> Self {
        let tokens = Tokens::parse(tokens).unwrap();
        Self::start_with(ConsoleBuilder { tokens, ..parts }).await
    }

    /// Starts a server with a policy, given as the text of its file.
    pub(crate) async fn start_under(policy: &str) -> Self {
        Self::start_with(ConsoleBuilder {
            policy: PolicyFile::parse(policy).unwrap(),
            ..ConsoleBuilder::default()
        })
        .await
    }

    /// Starts a server with other parts; its pager and clock are those of the harness.
    pub(crate) async fn start_with(parts: ConsoleBuilder) -> Self {
        let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
        let pager = Arc::new(RecordingPager::named("recorder").unwrap());
        let parts = ConsoleBuilder {
            pagers: vec![pager.clone()],
            clock: Some(clock.clone()),
            ..parts
        };
        let (console, storage, database) = start(parts).await;
        Self {
            _database: database,
            console,
            store: storage.store,
            directory: storage.directory,
            clock,
            pager,
            http: client(),
        }
    }

    /// Starts a server on the system clock, with the pagers of the given settings and without the
    /// recording pager.
    pub(crate) async fn paging_by(settings: &[(&str, String)]) -> Self {
        Self::paging_with(settings, PolicyFile::default()).await
    }

    /// Starts such a server with a policy file.
    pub(crate) async fn paging_with(settings: &[(&str, String)], policy: PolicyFile) -> Self {
        let get = |name: &str| {
            let found = settings.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| value.clone())
        };
        let pagers = PagerSettings::from_env(&get).unwrap();
        let pagers = pagers.build(&PagingPolicy::default()).unwrap();
        let escalations = EscalationSettings::from_env(&get).unwrap();
        let parts = ConsoleBuilder {
            escalations: escalations.build(&PagingPolicy::default()).unwrap(),
            pagers: pagers.current,
            retired_pagers: pagers.retired,
            page_checks: pagers.checks,
            policy,
            ..ConsoleBuilder::default()
        };
        let (console, storage, database) = start(parts).await;
        Self {
            _database: database,
            console,
            store: storage.store,
            directory: storage.directory,
            clock: Arc::new(ManualClock::at(Timestamp::MIN)),
            pager: Arc::new(RecordingPager::named("idle").unwrap()),
            http: client(),
        }
    }

    pub(crate) async fn stop(self) {
        self.console.stop().await.unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.console.address)
    }

    /// Creates an engine on the same store with other contracts, as after a restart.
    pub(crate) fn restarted(&self, contracts: Contracts) -> Incidents {
        Incidents::builder(self.store.clone())
            .directory(self.directory.clone())
            .clock(self.clock.clone())
            .contracts(contracts)
            .build()
            .unwrap()
    }

    /// Returns the engine of the server.
    pub(crate) fn incidents(&self) -> &Incidents {
        self.console.api.incidents()
    }

    /// Returns the cache of the public page.
    pub(crate) fn public_cache(&self) -> &PublicCache {
        self.console.api.public_cache()
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.console.address
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        let name = method.clone();
        let response = self.response(method, token, path, headers, body).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer {
            status,
            headers,
            text: response.text().await.unwrap(),
        };
        document().must_describe(name.as_str(), path, &answer);
        answer
    }

    /// Sends a request and returns its response, whose body is not read yet.
    pub(crate) async fn response(
        &self,
        method: Method,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> reqwest::Response {
        let mut request = self.http.request(method, self.url(path));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| *name == "content-type") {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(Method::GET, token, path, &[], None).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send(
            Method::POST,
            token,
            path,
            &[],
            Some(body.to_string().into_bytes()),
        )
        .await
    }

    pub(crate) async fn patch(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send(
            Method::PATCH,
            token,
            path,
            &[],
            Some(body.to_string().into_bytes()),
        )
        .await
    }

    /// Declares an incident with additional fields; returns its path.
    pub(crate) async fn declare(&self, more: &Value) -> String {
        let mut body = json!({"title": "API down", "severity": "SEV2", "summary": "5xx everywhere",
            "affected_services": ["api"], "affected_tenants": ["tenant-fr"]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let incident = self.post(COMMANDER, "/sys/incidents", &body).await.is(201);
        format!("/sys/incidents/{}", incident["id"].as_str().unwrap())
    }

    /// Posts an update to an incident's timeline; returns its entry.
    pub(crate) async fn update(&self, token: &str, path: &str, update: &Value) -> Value {
        let path = format!("{path}/updates");
        self.post(token, &path, update).await.is(201)
    }

    /// Returns the items of every page of a list; `path` has a query.
    pub(crate) async fn pages(&self, token: &str, path: &str) -> Vec<Value> {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let page = self.get(token, &format!("{path}{next}")).await.is(200);
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return all,
            }
        }
    }

    /// Waits until the incident's page is in a state; returns the incident.
    pub(crate) async fn paged(&self, path: &str, state: &str) -> Value {
        for _ in 0..3_000 {
            let incident = self.get(VIEWER, path).await.is(200);
            if incident["paging"]["state"] == state {
                return incident;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "the page was not {state} in time: {}",
            self.get(VIEWER, path).await.text
        );
    }
}

/// Reads a shared file of real data; prints that the test is skipped if there is none.
pub(crate) fn shared(path: &str) -> Option<String> {
    let full = format!("{}/../../shared/data/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(full).ok();
    if text.is_none() {
        eprintln!("skipped: the real data `{path}` is not on this machine");
    }
    text
}

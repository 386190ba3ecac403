//! A restart of the server under a pool with open connections.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use incident_core::actor::{Action, Role};
use incident_core::engine::{Error, Incidents, RequestContext};
use incident_core::impact::{ApiUsageEvent, ImpactQuery, TenantWindows};
use incident_core::incident::{Command, Update};
use incident_core::port::{IncidentFilter, UsageSink, UsageSource};
use incident_core::suggestion::Suggest;
use incident_core::testing::caller;
use incident_core::{IncidentId, Timestamp, Window};
use incident_store_postgres::{PgStore, PgUsage};
use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::io::{AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::{Setup, declare, recorder};

/// Number of open connections in the pool.
const WARM: u32 = 8;

/// The path to the server: its socket, or a network. In a network only a reader notices the end
/// of a connection, and the first write after it seems to succeed.
#[derive(Clone, Copy, Debug)]
enum Way {
    Socket,
    Network,
}

/// Starts a listener that forwards connections to the server's socket, and returns its address.
async fn network(server: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = server.join(".s.PGSQL.5432");
            tokio::spawn(async move {
                if let Ok(server) = UnixStream::connect(server).await {
                    pass(client, server).await;
                }
            });
        }
    });
    address
}

async fn pass(client: TcpStream, server: UnixStream) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move {
        let _ = copy(&mut from_server, &mut to_client).await;
        // The client sees the end of the stream; whatever it sends afterwards is read and lost.
        let _ = to_client.shutdown().await;
        to_client
    });
    let _ = copy(&mut from_client, &mut to_server).await;
    let _ = back.await;
}

fn event() -> ApiUsageEvent {
    ApiUsageEvent {
        tenant_id: "t".parse().unwrap(),
        user_id: "u".parse().unwrap(),
        service: "api".parse().unwrap(),
        occurred_at: "2026-11-20T22:30:00Z".parse().unwrap(),
        failed: false,
        endpoint: None,
    }
}

struct Warm {
    it: Setup,
    incidents: Incidents,
    usage: PgUsage,
    pool: PgPool,
    id: IncidentId,
}

impl Warm {
    async fn new(way: Way) -> Self {
        let it = Setup::new().await;
        let folder = it.cluster.folder().unwrap().to_owned();
        let options: PgConnectOptions = match way {
            Way::Socket => it.database.options(),
            Way::Network => {
                let address = network(folder).await;
                let name = it.database.name();
                let url = format!("postgres://postgres@{address}/{name}?sslmode=disable");
                url.parse().unwrap()
            }
        };
        let pool = PgPoolOptions::new()
            .max_connections(WARM)
            .acquire_timeout(Duration::from_secs(4))
            .test_before_acquire(false)
            .connect_lazy_with(options);
        let incidents = Incidents::builder(Arc::new(PgStore::new(pool.clone())))
            .pager(recorder())
            .build()
            .unwrap();
        let id = declare(&incidents, "before").await.unwrap();
        let usage = PgUsage::new(pool.clone());
        usage
            .record(vec![event()], Duration::from_secs(5))
            .await
            .unwrap();
        Self {
            it,
            incidents,
            usage,
            pool,
            id,
        }
    }

    /// Opens every connection and uses each once.
    async fn warm(&self) {
        let mut all = Vec::new();
        for _ in 0..WARM {
            let mut one = self.pool.acquire().await.unwrap();
            one.execute("select 1").await.unwrap();
            all.push(one);
        }
        drop(all);
        while self.pool.num_idle() < WARM as usize {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // As after a second of requests.
        self.incidents.get(self.id).await.unwrap();
    }

    async fn first(&self, what: &str) -> Result<(), String> {
        let timeout = Duration::from_secs(5);
        let error = |error: Error| format!("{error:?}");
        let anna = |role| caller("anna", role).unwrap();
        match what {
            "declare" => declare(&self.incidents, "after")
                .await
                .map(|_| ())
                .map_err(error),
            "update" => {
                let update = Update::new("seen".parse().unwrap());
                let command = Command::Update(Box::new(update));
                let context = RequestContext::new(anna(Role::Admin));
                self.incidents
                    .act(&context, self.id, &command)
                    .await
                    .map(|_| ())
                    .map_err(error)
            }
            "show" => self.incidents.get(self.id).await.map(|_| ()).map_err(error),
            "list" => {
                let filter = IncidentFilter {
                    limit: 1,
                    ..IncidentFilter::default()
                };
                self.incidents
                    .reports()
                    .incidents(&filter)
                    .await
                    .map(|_| ())
                    .map_err(error)
            }
            "ready" => self
                .incidents
                .worker()
                .health()
                .await
                .map(|_| ())
                .map_err(error),
            "drain" => self
                .incidents
                .worker()
                .drain()
                .await
                .map(|_| ())
                .map_err(error),
            "suggest" => {
                let suggest = Suggest {
                    service: "api".parse().unwrap(),
                    tenant: "t".parse().unwrap(),
                    signal: "latency".parse().unwrap(),
                    observed_at: self.incidents.reports().now(),
                    evidence: None,
                };
                let context = RequestContext::new(anna(Role::Admin));
                self.incidents
                    .signals()
                    .suggest(&context, &suggest)
                    .await
                    .map(|_| ())
                    .map_err(error)
            }
            // The refusal is recorded before it is returned.
            "refuse" => {
                let mut context = RequestContext::new(anna(Role::Viewer));
                let refused = context.authorize(&self.incidents, Action::Declare, None);
                match refused.await {
                    Err(Error::Forbidden(_)) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            }
            "usage events" => {
                let kept = self.usage.record(vec![event()], timeout).await;
                kept.map_err(|error| format!("{error:?}"))
            }
            "users" => {
                let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
                let hour = start.saturating_add(Duration::from_secs(3_600));
                let windows = [Window::new(start, hour).unwrap()].into_iter().collect();
                let tenants = vec![TenantWindows {
                    tenant: "t".parse().unwrap(),
                    windows,
                }];
                let query = ImpactQuery::new(tenants);
                let users = self.usage.unique_users(&query, timeout).await;
                users.map(|_| ()).map_err(|error| format!("{error:?}"))
            }
            other => panic!("{other}"),
        }
    }
}

const COMMANDS: [&str; 10] = [
    "declare",
    "update",
    "show",
    "list",
    "ready",
    "drain",
    "suggest",
    "refuse",
    "usage events",
    "users",
];

async fn succeeds_at_once(way: Way) {
    let mut warm = Warm::new(way).await;
    for what in COMMANDS {
        warm.warm().await;
        warm.it.cluster.restart().unwrap();
        // If the server is back within the silence after which a connection is pinged (50 ms),
        // the outcome of a write is unknown. Real restarts take longer.
        tokio::time::sleep(Duration::from_millis(60)).await;
        let started = Instant::now();
        let first = warm.first(what).await;
        println!(
            "first {what} after a restart, {way:?}: {:?}",
            started.elapsed()
        );
        assert_eq!(first, Ok(()), "{what}, {way:?}");
    }
}

/// S6: PostgreSQL is restarted while the pool has open connections; the first five commands
/// were refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_command_after_a_restart_succeeds() {
    succeeds_at_once(Way::Socket).await;
}

/// S6 over a network, where only a reader notices the end of a connection.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_command_after_a_restart_succeeds_over_a_network() {
    succeeds_at_once(Way::Network).await;
}

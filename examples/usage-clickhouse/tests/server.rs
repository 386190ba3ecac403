//! Tests against a real server.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, and what they share, fail by panicking"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::conformance::UsageBackend;
use incident_core::impact::{ApiUsageEvent, ImpactQuery, TenantWindows, scan};
use incident_core::port::{TenantDirectory, UsageError, UsageSink, UsageSource};
use incident_core::{Timestamp, Window, Windows};
use incident_test_clickhouse::ClickHouseServer;
use incident_usage_clickhouse::{Address, ClickHouseUsage, OpenError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const WITHIN: Duration = Duration::from_secs(30);

async fn open(url: &str) -> Result<ClickHouseUsage, OpenError> {
    ClickHouseUsage::open(url.parse().unwrap(), WITHIN).await
}

async fn fresh() -> ClickHouseUsage {
    let url = ClickHouseServer::shared().database().await.unwrap();
    open(&url).await.unwrap()
}

fn event(tenant: &str, user: u64, at: Timestamp) -> ApiUsageEvent {
    ApiUsageEvent {
        tenant_id: tenant.parse().unwrap(),
        user_id: format!("user-{user}").parse().unwrap(),
        service: "api".parse().unwrap(),
        occurred_at: at,
        failed: false,
        endpoint: None,
    }
}

fn question(tenants: &[&str], (start, end): (&str, &str)) -> ImpactQuery {
    let window = Window::new(start.parse().unwrap(), end.parse().unwrap()).unwrap();
    let one = |name: &&str| TenantWindows {
        tenant: name.parse().unwrap(),
        windows: Windows::from(window),
    };
    ImpactQuery::new(tenants.iter().map(one).collect())
}

struct One;

#[async_trait]
impl UsageBackend for One {
    type Guard = ();
    type Source = ClickHouseUsage;

    async fn open() -> (ClickHouseUsage, ()) {
        (fresh().await, ())
    }
}

mod one_server {
    incident_core::usage_conformance!(super::One);
}

/// Two servers, each with half of the tenants.
struct Shards;

async fn shards() -> &'static ClickHouseServer {
    use std::sync::OnceLock;
    static SHARDS: OnceLock<ClickHouseServer> = OnceLock::new();
    tokio::task::spawn_blocking(|| SHARDS.get_or_init(|| ClickHouseServer::start(2).unwrap()))
        .await
        .unwrap()
}

#[async_trait]
impl UsageBackend for Shards {
    type Guard = ();
    type Source = ClickHouseUsage;

    async fn open() -> (ClickHouseUsage, ()) {
        let servers = shards().await;
        let url = servers.database().await.unwrap();
        let address: Address = url.parse().unwrap();
        let database = url.rsplit('/').next().unwrap();
        for shard in 0..2 {
            let ddl = ClickHouseUsage::ddl(&address);
            servers.run(shard, &ddl).await.unwrap();
        }
        let all = format!(
            "create table {database}.everywhere as {database}.usage_events \
             engine = Distributed(shards, {database}, usage_events, sipHash64(tenant_id))"
        );
        servers.run(0, &all).await.unwrap();
        (open(&format!("{url}?table=everywhere")).await.unwrap(), ())
    }
}

mod two_shards {
    incident_core::usage_conformance!(super::Shards);
}

/// Both servers have events, so the contracts above do cross shards.
#[tokio::test]
async fn tenants_lie_on_both_shards() {
    let (source, ()) = Shards::open().await;
    let at: Timestamp = "2026-11-20T22:10:00Z".parse().unwrap();
    let tenants: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    let events: Vec<_> = tenants.iter().map(|name| event(name, 1, at)).collect();
    source.record(events.clone(), WITHIN).await.unwrap();
    let servers = shards().await;
    let sql = "select table, sum(rows) from system.parts where active and table = 'usage_events' \
               and rows > 0 group by table";
    for shard in 0..2 {
        assert!(!servers.run(shard, sql).await.unwrap().is_empty());
    }
    let names: Vec<&str> = tenants.iter().map(String::as_str).collect();
    let all = question(&names, ("2026-11-20T22:00:00Z", "2026-11-20T22:38:00Z"));
    let found = source.unique_users(&all, WITHIN).await.unwrap();
    assert_eq!(found, scan(&events, &all));
    assert_eq!(found.total_unique_users, 1);
    assert_eq!(source.tenants(WITHIN).await.unwrap().len(), 20);
}

/// Events of any age are stored, over many days; too many days at once are refused as a whole.
#[tokio::test]
async fn events_of_any_age_are_taken() {
    let source = fresh().await;
    let day = |n: i64| Timestamp::from_micros(n * 86_400_000_000 + 7).unwrap();
    // More partitions than the server lets one insert touch (100).
    let events: Vec<_> = (0..150_i64)
        .map(|n| event("t", n.unsigned_abs(), day(n * 100)))
        .collect();
    source.record(events.clone(), WITHIN).await.unwrap();
    let all = question(&["t"], ("1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"));
    assert_eq!(
        source
            .unique_users(&all, WITHIN)
            .await
            .unwrap()
            .total_unique_users,
        150
    );
    let many = (0..401_i64).map(|n| event("t", 1_000 + n.unsigned_abs(), day(n)));
    let refused = source.record(many.collect(), WITHIN).await.unwrap_err();
    assert!(
        matches!(&refused, UsageError::Refused(why) if why.contains("401 days")),
        "{refused:?}"
    );
    assert_eq!(
        source
            .unique_users(&all, WITHIN)
            .await
            .unwrap()
            .total_unique_users,
        150
    );
}

/// Counts the parts that inserts left, by day; merges must be stopped, so that each part is one
/// block.
async fn parts(database: &str) -> Vec<u64> {
    let sql = format!(
        "select count() from system.parts where database = '{database}' and table = 'usage_events' \
         and active group by partition order by partition"
    );
    let told = ClickHouseServer::shared().run(0, &sql).await.unwrap();
    told.lines().map(|count| count.parse().unwrap()).collect()
}

/// A23: each day of a batch is an insert of its own and one block, so that it is visible
/// completely or not at all, regardless of the user's profile.
#[tokio::test]
async fn each_day_is_one_block_whatever_the_profile_says() {
    let url = ClickHouseServer::shared().database().await.unwrap();
    let url = url.replace("default@", "small@");
    let database = url.rsplit('/').next().unwrap();
    let source = open(&url).await.unwrap();
    let server = ClickHouseServer::shared();
    let stop = format!("system stop merges {database}.usage_events");
    server.run(0, &stop).await.unwrap();
    let start: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
    let at = |n: u64| start.saturating_add(Duration::from_secs(n * 60));
    // Three days, mixed: 1,440 events of each of two, and one of the third.
    let batch: Vec<_> = (0..2_881).rev().map(|n| event("t", n, at(n))).collect();
    source.record(batch.clone(), WITHIN).await.unwrap();
    assert_eq!(parts(database).await, [1, 1, 1]);
    let all = question(&["t"], ("2026-11-19T00:00:00Z", "2026-11-23T00:00:00Z"));
    let found = source.unique_users(&all, WITHIN).await.unwrap();
    assert_eq!(found, scan(&batch, &all));
    // The same insert by hand is split: the profile takes effect.
    let by_hand = format!(
        "insert into {database}.usage_events (tenant_id, occurred_at, user_id, service_id, failed, endpoint) \
         format Values {}",
        (0..1_000)
            .map(|n| format!("('x', {}, 'u{n}', 'api', 0, '')", start.micros() + n))
            .collect::<Vec<_>>()
            .join(", ")
    );
    run_as_small(&url, &by_hand).await;
    assert!(parts(database).await[0] > 2, "{:?}", parts(database).await);
}

/// Starts a proxy before a server. Returns its port and a record of the bytes that clients
/// sent.
async fn listening_in(to: String) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&sent);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&to).await.unwrap();
            let ((mut asked, mut answers), (mut told, mut asks)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut told, &mut answers).await });
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut piece = vec![0; 64 * 1024];
                while let Ok(read @ 1..) = asked.read(&mut piece).await {
                    kept.lock().unwrap().extend_from_slice(&piece[..read]);
                    asks.write_all(&piece[..read]).await.unwrap();
                }
            });
        }
    });
    (port, sent)
}

/// A23: a batch of three days is three inserts, each with the settings that the server knows.
#[tokio::test]
async fn each_day_of_a_batch_is_an_insert_of_its_own() {
    let url = ClickHouseServer::shared().database().await.unwrap();
    let (at, database) = url
        .trim_start_matches("clickhouse+http://default@")
        .split_once('/')
        .unwrap();
    let (port, sent) = listening_in(at.to_owned()).await;
    let source = open(&format!(
        "clickhouse+http://default@127.0.0.1:{port}/{database}"
    ))
    .await
    .unwrap();
    let start: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
    let at = |n: u64| start.saturating_add(Duration::from_secs(n * 3_600));
    let batch: Vec<_> = (0..72).rev().map(|n| event("t", n, at(n))).collect();
    source.record(batch, WITHIN).await.unwrap();
    let sent = String::from_utf8_lossy(&sent.lock().unwrap()).into_owned();
    let inserts: Vec<&str> = sent
        .lines()
        .filter(|line| line.contains("query=insert+into"))
        .collect();
    assert_eq!(inserts.len(), 3, "{inserts:?}");
    let known = "select name from system.settings where name in ('async_insert', 'max_insert_block_size', \
                 'min_insert_block_size_rows', 'wait_for_async_insert')";
    let known = ClickHouseServer::shared().run(0, known).await.unwrap();
    assert!(known.contains("max_insert_block_size"), "{known}");
    for insert in inserts {
        for name in known.split_whitespace() {
            assert!(insert.contains(&format!("&{name}=")), "{name}: {insert}");
        }
    }
}

async fn run_as_small(url: &str, sql: &str) {
    let (address, _) = url
        .trim_start_matches("clickhouse+")
        .rsplit_once('/')
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .post(address)
        .body(sql.to_owned())
        .send()
        .await
        .unwrap();
    assert!(
        answer.status().is_success(),
        "{}",
        answer.text().await.unwrap()
    );
}

/// A23: if the profile defers inserts, those of a batch are stored before it is acknowledged.
#[tokio::test]
async fn inserts_are_not_put_off_whatever_the_profile_says() {
    let server = ClickHouseServer::shared();
    let known = "select count() from system.settings where name = 'async_insert'";
    if server.run(0, known).await.unwrap().trim() == "0" {
        eprintln!("not tried: this version of ClickHouse puts no insert off");
        return;
    }
    let url = server.database().await.unwrap();
    let (user, database) = ("puts_off", url.rsplit('/').next().unwrap());
    for sql in [
        format!(
            "create user if not exists {user} settings async_insert = 1, wait_for_async_insert = 0, \
             async_insert_busy_timeout_ms = 60000"
        ),
        format!("grant all on *.* to {user}"),
    ] {
        server.run(0, &sql).await.unwrap();
    }
    let source = open(&url.replace("default@", &format!("{user}@")))
        .await
        .unwrap();
    let at = "2026-11-20T22:10:00Z".parse().unwrap();
    source
        .record(vec![event("t", 1, at)], WITHIN)
        .await
        .unwrap();
    let count = format!("select count() from {database}.usage_events");
    assert_eq!(server.run(0, &count).await.unwrap().trim(), "1");
}

/// S10: events lie on a limited number of days.
#[tokio::test]
async fn so_many_days_have_events_and_no_more() {
    let source = fresh().await.days_at_most(3);
    let day = |n: u64| {
        let start: Timestamp = "2001-01-01T00:00:00Z".parse().unwrap();
        event(
            "t",
            n,
            start.saturating_add(Duration::from_secs(n * 86_400)),
        )
    };
    source.record(vec![day(0), day(50)], WITHIN).await.unwrap();
    let refused = source.record(vec![day(0), day(1), day(2)], WITHIN).await;
    assert!(
        matches!(refused, Err(UsageError::TooManyDays { days: 4, limit: 3 })),
        "{refused:?}"
    );
    // As another process, which knows of no day.
    let other = source.clone().days_at_most(3);
    other.record(vec![day(0), day(1)], WITHIN).await.unwrap();
    assert!(source.record(vec![day(2)], WITHIN).await.is_err());
    source
        .record(vec![day(0), day(1), day(50)], WITHIN)
        .await
        .unwrap();
}

/// Events that are sent repeatedly are stored once after a merge.
#[tokio::test]
async fn repeats_are_merged_away() {
    let url = ClickHouseServer::shared().database().await.unwrap();
    let source = open(&url).await.unwrap();
    let at = "2026-11-20T22:10:00Z".parse().unwrap();
    let batch: Vec<_> = (0..50).map(|user| event("t", user, at)).collect();
    for _ in 0..3 {
        source.record(batch.clone(), WITHIN).await.unwrap();
    }
    let database = url.rsplit('/').next().unwrap();
    let server = ClickHouseServer::shared();
    let merge = format!("optimize table {database}.usage_events final");
    server.run(0, &merge).await.unwrap();
    let count = format!("select count() from {database}.usage_events");
    assert_eq!(server.run(0, &count).await.unwrap().trim(), "50");
}

/// A query that takes too long is refused with its size, and the server stops.
#[tokio::test]
async fn a_question_that_is_too_large_is_refused_with_its_size() {
    let url = ClickHouseServer::shared().database().await.unwrap();
    let source = open(&url).await.unwrap();
    let (database, server) = (url.rsplit('/').next().unwrap(), ClickHouseServer::shared());
    let fill = format!(
        "insert into {database}.usage_events (tenant_id, occurred_at, user_id, service_id, failed, endpoint) \
         select 't', 1700000000000000 + number, concat('user-', toString(number)), 'api', 0, '' from numbers(3000000)"
    );
    server.run(0, &fill).await.unwrap();
    let all = question(
        &["t", "u"],
        ("2023-11-14T00:00:00Z", "2023-11-16T00:00:00Z"),
    );
    let refused = source.unique_users(&all, Duration::from_millis(30)).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, UsageError::QueryTimedOut { tenants: 2, .. }),
        "{refused:?}"
    );
    // With a moment left to ask for the size.
    let refused = source.unique_users(&all, Duration::from_millis(400)).await;
    match refused {
        Ok(found) => assert_eq!(found.total_unique_users, 3_000_000),
        Err(refused) => assert!(
            matches!(
                refused,
                UsageError::QueryTimedOut {
                    events: Some(3_000_000),
                    ..
                }
            ),
            "{refused:?}"
        ),
    }
}

/// A table that does not fit is refused by the name of its column; a table that cannot be
/// created and a server that cannot be reached, with a sentence without a password.
#[tokio::test]
async fn what_cannot_be_used_is_refused_with_a_sentence() {
    let url = ClickHouseServer::shared().database().await.unwrap();
    let (database, server) = (url.rsplit('/').next().unwrap(), ClickHouseServer::shared());
    let other = format!(
        "create table {database}.other (tenant_id String, occurred_at DateTime, user_id UInt64) engine = Memory"
    );
    server.run(0, &other).await.unwrap();
    let refused = open(&format!("{url}?table=other")).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("occurred_at is DateTime; expected Int64"),
        "{refused}"
    );
    let nowhere = open(&format!("{url}_not_there")).await.unwrap_err();
    assert!(nowhere.to_string().contains("rejected"), "{nowhere}");
    let wrong = url.replace("default@", "default:canary@");
    let wrong = open(&wrong).await.unwrap_err();
    assert!(!format!("{wrong} {wrong:?}").contains("canary"), "{wrong}");
    let gone = open("clickhouse+http://u:canary@127.0.0.1:1/x")
        .await
        .unwrap_err();
    assert!(!format!("{gone} {gone:?}").contains("canary"), "{gone}");
}

/// A view over the host's own table, with numbers as users.
#[tokio::test]
async fn a_view_over_the_hosts_table_is_counted() {
    let url = ClickHouseServer::shared().database().await.unwrap();
    let (database, server) = (url.rsplit('/').next().unwrap(), ClickHouseServer::shared());
    for sql in [
        "create table D.requests (org String, at DateTime, account UInt64, app String, status UInt16, route String) \
         engine = MergeTree() order by (org, at) partition by toYYYYMM(at)",
        "insert into D.requests values ('fr', '2026-11-20 22:10:00', 7, 'api', 500, '/a'), \
         ('fr', '2026-11-20 22:11:00', 7, 'api', 200, '/a'), ('fr', '2026-11-20 22:12:00', 8, 'web', 200, '')",
        "create view D.incident_usage as select org as tenant_id, toInt64(toUnixTimestamp(at)) * 1000000 as occurred_at, \
         account as user_id, app as service_id, status >= 500 as failed, route as endpoint from D.requests",
    ] {
        server
            .run(0, &sql.replace("D.", &format!("{database}.")))
            .await
            .unwrap();
    }
    let source = open(&format!("{url}?table=incident_usage")).await.unwrap();
    let mut asked = question(
        &["fr", "de"],
        ("2026-11-20T22:00:00Z", "2026-11-20T22:38:00Z"),
    );
    let found = source.unique_users(&asked, WITHIN).await.unwrap();
    assert_eq!(found.total_unique_users, 2);
    asked.failed_only = true;
    let apart = source.breakdown(&asked, WITHIN).await.unwrap();
    assert_eq!(apart.by_endpoint[0].users, 1);
    assert_eq!(apart.first_hits.len(), 1);
}

/// The statements of the README: states by the hour, merged when they are read.
#[tokio::test]
async fn states_by_the_hour_are_merged() {
    let url = ClickHouseServer::shared().database().await.unwrap();
    let source = open(&url).await.unwrap();
    let (database, server) = (url.rsplit('/').next().unwrap(), ClickHouseServer::shared());
    let start: Timestamp = "2023-11-14T22:00:00Z".parse().unwrap();
    let hour = |n: u64| start.saturating_add(Duration::from_secs(n * 3_600 + 60));
    let batch = |hours: std::ops::Range<u64>| -> Vec<ApiUsageEvent> {
        let users = hours.flat_map(|n| (0..1_000).map(move |user| (n, n * 500 + user)));
        users.map(|(n, user)| event("t", user, hour(n))).collect()
    };
    source.record(batch(0..3), WITHIN).await.unwrap();
    let readme = include_str!("../README.md");
    let sql = readme.split("```sql\n").nth(1).unwrap();
    let mut statements = sql.split("```").next().unwrap().split(';');
    let within = |sql: &str| {
        let sql = sql.replace("usage_events", &format!("{database}.usage_events"));
        sql.replace("usage_hours", &format!("{database}.usage_hours"))
    };
    let view = within(statements.next().unwrap());
    server.run(0, &view).await.unwrap();
    // Events that come after the creation of the view are in it as well.
    source.record(batch(3..6), WITHIN).await.unwrap();
    let told = server
        .run(0, &within(statements.next().unwrap()))
        .await
        .unwrap();
    let users: f64 = told.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!((users / 3_500.0 - 1.0).abs() < 0.012, "{told}");
}

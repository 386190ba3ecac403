//! The console behind a real PgBouncer with its default settings.

use std::io::BufReader;
use std::time::Duration;

use incident_store_postgres::{Lending, lending};
use incident_test_postgres::{Bouncer, Cluster, Database, Safety};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use crate::{Running, command, stop, until};

const TOKEN: &str = "token-0123456789-token";

/// Starts a server with a database behind a PgBouncer; returns `None` if that is not installed.
async fn behind(mode: &str, test: &str) -> Option<(Cluster, Database, Bouncer)> {
    if Bouncer::program().is_none() {
        eprintln!("NOT RUN: {test}: pgbouncer is not installed here");
        return None;
    }
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let bouncer = Bouncer::before(&cluster, mode).unwrap();
    Some((cluster, database, bouncer))
}

fn run(url: &str, arguments: &[&str]) -> (bool, String) {
    let mut console = command();
    let output = console
        .args(arguments)
        .env("DATABASE_URL", url)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// L15: the console did not start ("unsupported startup parameter: options").
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_pooler_in_session_mode_everything_works() {
    let test = "behind_a_pooler_in_session_mode_everything_works";
    let Some((_cluster, database, bouncer)) = behind("session", test).await else {
        return;
    };
    let url = bouncer.url(database.name());
    for command in ["migrate", "doctor", "verify"] {
        let (well, said) = run(&url, &[command]);
        assert!(well, "{command}: {said}");
    }
    let mut console = command();
    console
        .env("DATABASE_URL", &url)
        .env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"));
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen
        .last()
        .unwrap()
        .trim_start_matches("listening on ")
        .to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // More requests at a time than connections, so that every pool is used in full.
    let creates = (0..60).map(|n| {
        let request = client
            .post(format!("{address}/sys/incidents"))
            .bearer_auth(TOKEN)
            .json(&json!({"title": format!("number {n}"), "severity": "SEV1", "affected_tenants": ["t"]}));
        async move { request.send().await.unwrap().status().as_u16() }
    });
    let mut set = tokio::task::JoinSet::new();
    for create in creates {
        set.spawn(create);
    }
    assert!(set.join_all().await.iter().all(|status| *status == 201));
    let events = json!([{"tenant_id": "t", "user_id": "u", "service": "api", "occurred_at": "2026-11-20T22:30:00Z"}]);
    let taken = client
        .post(format!("{address}/sys/usage-events"))
        .bearer_auth(TOKEN)
        .json(&events)
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status(), 202);
    // Waits until the pages are sent, so that nothing is pending in the end.
    for attempt in 0.. {
        let list = client
            .get(format!("{address}/sys/incidents?limit=200"))
            .bearer_auth(TOKEN)
            .send();
        let list: Value = list.await.unwrap().json().await.unwrap();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 60);
        if items
            .iter()
            .all(|item| item["paging"]["state"] == "accepted")
        {
            break;
        }
        assert!(attempt < 200, "{list}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop(child);
    let (well, said) = run(&url, &["verify"]);
    assert!(well && said.contains("60 valid, 0 broken"), "{said}");
}

/// L15: in transaction mode it failed with "cannot be examined: the store is unavailable". Every
/// command now names the pooler's mode and the setting to change.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_pooler_in_transaction_mode_every_command_says_what_to_set() {
    let test = "behind_a_pooler_in_transaction_mode_every_command_says_what_to_set";
    let Some((cluster, database, bouncer)) = behind("transaction", test).await else {
        return;
    };
    let url = bouncer.url(database.name());
    let (well, said) = run(&cluster.url(database.name()), &["migrate"]);
    assert!(well, "{said}");
    for arguments in [&["migrate"][..], &["doctor"], &["verify"], &[]] {
        let (well, said) = run(&url, arguments);
        // A newer one supports prepared statements, so that everything but the migration works.
        if said.contains("to migrate, connect to PostgreSQL directly") || well {
            eprintln!("NOT RUN: {test}: this pgbouncer keeps prepared statements");
            return;
        }
        let expected = [
            "DATABASE_URL",
            "connection pooler in transaction mode",
            "pool_mode = session",
            "max_prepared_statements",
        ];
        for words in expected {
            assert!(
                !well && said.contains(words),
                "{arguments:?}: {words}: {said}"
            );
        }
    }
}

/// A client that is gone has left its first statement on one of two server connections. The next
/// client prepares its own on the other one, so that the old one answered for it: the pooler was
/// taken for one that keeps prepared statements.
#[tokio::test(flavor = "multi_thread")]
async fn statements_that_other_clients_left_are_not_taken_for_ones_own() {
    let test = "statements_that_other_clients_left_are_not_taken_for_ones_own";
    let Some((_cluster, database, bouncer)) = behind("transaction", test).await else {
        return;
    };
    let options: PgConnectOptions = bouncer.url(database.name()).parse().unwrap();
    let options = options.extra_float_digits(None);
    let mut first = options.connect().await.unwrap();
    let mut second = options.connect().await.unwrap();
    if lending(&mut first, &mut second).await.unwrap() == (Lending::Transaction { prepares: true })
    {
        eprintln!("NOT RUN: {test}: this pgbouncer keeps prepared statements");
        return;
    }
    for left in [
        "select $1::int",
        "select 'old' where $1 = 1",
        "select 'old' where $1 = 2",
        "select 1",
        "select $1::uuid",
        "select $1::text",
    ] {
        let mut first = options.connect().await.unwrap();
        let mut second = options.connect().await.unwrap();
        for connection in [&mut first, &mut second] {
            connection.execute("begin").await.unwrap();
            connection.execute("deallocate all").await.unwrap();
        }
        let prepare = format!("prepare sqlx_s_1 as {left}");
        first.execute(AssertSqlSafe(prepare)).await.unwrap();
        // The pooler lends the connection first that was returned last.
        first.execute("commit").await.unwrap();
        second.execute("commit").await.unwrap();
        let found = lending(&mut first, &mut second).await.unwrap();
        assert_eq!(found, Lending::Transaction { prepares: false }, "{left}");
    }
}

/// A19, S5: the server also ends statements whose client has stopped waiting, on each connection of
/// a pool from its first statement on.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_what_nobody_waits_for() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database: incident_console::storage::DatabaseSettings =
        cluster.url("postgres").parse().unwrap();
    let pool = database.pool(1);
    for (setting, expected) in [
        ("statement_timeout", "30s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("timezone", "UTC"),
    ] {
        let sql = AssertSqlSafe(format!("show {setting}"));
        let found: String = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
        assert_eq!(found, expected, "{setting}");
    }
}

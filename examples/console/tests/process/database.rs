//! The process and its database.

use std::io::{BufReader, Read};
use std::time::{Duration, Instant};

use incident_core::engine::system::SystemClock;
use incident_core::port::Clock;
use incident_pagers::testing::{Delivered, Webhooks};
use incident_test_postgres::{Cluster, Database, Safety};
use sqlx::{ConnectOptions, Executor};

use crate::{Running, command, stop, until};

const SECRET: &str = "the-secret-of-this-webhook";

fn run(database: &str, arguments: &[&str], settings: &[(&str, &str)]) -> (bool, String, String) {
    let mut console = command();
    console.args(arguments).env("DATABASE_URL", database);
    for (name, value) in settings {
        console.env(name, value);
    }
    let output = console.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_it_migrates_serves_keeps_and_verifies() {
    // As in production: none of its settings is unsafe.
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let (well, said, _) = run(&url, &["doctor"], &[]);
    assert!(!well && said.contains("run the migration"), "{said}");
    let (well, said, error) = run(&url, &["migrate"], &[]);
    assert!(well && said.contains("up to date"), "{said}{error}");
    let (well, said, _) = run(&url, &["doctor"], &[]);
    // The only warning is that the console connects as superuser.
    assert!(
        well && said.lines().count() == 2 && said.contains("triggers"),
        "{said}"
    );
    assert!(said.contains("statements and ledger agree"), "{said}");

    let token = "token-0123456789-token";
    let tokens = format!("root:admin:{token}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut id = String::new();
    // Twice: the second process shows the data stored by the first one.
    for round in 0..2 {
        let mut console = command();
        console
            .env("DATABASE_URL", &url)
            .env("INCIDENT_TOKENS", &tokens);
        let mut child = Running::of(&mut console);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let seen = until(&mut lines, "listening on ");
        assert!(seen[0].starts_with("store: PostgreSQL, "), "{seen:?}");
        let address = seen
            .last()
            .unwrap()
            .trim_start_matches("listening on ")
            .to_owned();
        let ready = client
            .get(format!("{address}/readyz"))
            .send()
            .await
            .unwrap();
        assert!(ready.text().await.unwrap().contains("postgres"));
        // A9: the difference of the clocks is reported once it was measured.
        let mut shown = serde_json::Value::Null;
        for _ in 0..100 {
            let asked = client.get(format!("{address}/readyz")).send();
            let ready: serde_json::Value = asked.await.unwrap().json().await.unwrap();
            shown = ready["store_clock_ahead_ms"].clone();
            if shown.is_number() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(shown.as_i64().is_some_and(|ms| ms.abs() < 2_000), "{shown}");
        if round == 0 {
            let created = client
                .post(format!("{address}/sys/incidents"))
                .bearer_auth(token)
                .json(&serde_json::json!({"title": "kept", "severity": "SEV1"}))
                .send()
                .await
                .unwrap();
            let body: serde_json::Value =
                serde_json::from_str(&created.text().await.unwrap()).unwrap();
            id = body["id"].as_str().unwrap().to_owned();
        }
        let shown = client
            .get(format!("{address}/sys/incidents/{id}"))
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(shown.status(), 200);
        stop(child);
    }
    let (well, said, _) = run(&url, &["verify"], &[]);
    assert!(
        well && said.contains("timelines: 1 valid, 0 broken"),
        "{said}"
    );
    let (well, said, error) = run(&url, &["doctor", "all"], &[]);
    assert!(
        !well && said.is_empty() && error.starts_with("usage"),
        "{error}"
    );
}

/// M1, with a real database: a difference between statement and ledger is reported, and the command
/// fails.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_compares_statements_with_the_ledger() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let (well, said, error) = run(&url, &["migrate"], &[]);
    assert!(well, "{said}{error}");
    let ago = |hours: u64| {
        let ago = Duration::from_secs(hours * 3_600);
        SystemClock.now().saturating_sub(ago).to_string()
    };
    // More than a month ago, so that its month is over.
    let (start, end) = (ago(40 * 24 + 1), ago(40 * 24));
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("incidents.json");
    let text = serde_json::json!([{"id": "a", "name": "slow", "impact": "minor", "status": "resolved",
        "page_id": "x", "created_at": start, "started_at": start, "resolved_at": end}]);
    std::fs::write(&history, text.to_string()).unwrap();
    let file = history.to_str().unwrap();
    let (well, said, error) = run(
        &url,
        &["import", "statuspage", file, "--tenants", "fr"],
        &[],
    );
    assert!(well, "{said}{error}");
    let (well, said, _) = run(&url, &["doctor"], &[]);
    assert!(
        well && said.contains("statements and ledger agree"),
        "{said}"
    );
    // The command line over an export agrees with the ledger.
    let period = &end[..7];
    let (well, exported, error) = run(&url, &["outages", &start[..7], period], &[]);
    assert!(well, "{error}");
    let outages = folder.path().join("outages.json");
    std::fs::write(&outages, exported).unwrap();
    let outages = outages.to_str().unwrap();
    let (well, printed, error) = run(&url, &["sla", outages, period], &[]);
    assert!(well, "{error}");
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed[0]["credit_percent"], "10", "{printed}");
    assert_eq!(printed[0]["tenant_id"], "fr", "{printed}");
    for (arguments, named) in [
        (&["outages"][..], "expected MONTH"),
        (&["outages", "2026-13"], "month"),
        (
            &["outages", "2026-02", "2026-01"],
            "LAST must not be before MONTH",
        ),
    ] {
        let (well, _, error) = run(&url, arguments, &[]);
        assert!(!well && error.contains(named), "{error}");
    }
    let policy = folder.path().join("policy.toml");
    let terms = "[sla]\ntarget_percent = \"99.9\"\nversion = \"new\"\ntiers = [{ from_minutes = 0, credit_percent = \"20\" }]\n";
    std::fs::write(&policy, terms).unwrap();
    let settings = [("INCIDENT_POLICY", policy.to_str().unwrap())];
    let (well, said, _) = run(&url, &["doctor"], &settings);
    let named = format!(
        "statement and ledger differ: credit of fr in {period}: the statement says 20 %, the ledger 10 %"
    );
    assert!(
        !well && said.contains(&named) && said.contains("recompute"),
        "{named}: {said}"
    );
}

/// Serves until an incident is declared; returns the log.
async fn serve_once(url: &str, settings: &[(&str, &str)]) -> String {
    let token = "token-0123456789-token";
    let mut console = command();
    console
        .env("DATABASE_URL", url)
        .env("INCIDENT_TOKENS", format!("root:admin:{token}"))
        .envs(settings.iter().copied());
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen.last().unwrap().trim_start_matches("listening on ");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let created = client
        .post(format!("{address}/sys/incidents"))
        .bearer_auth(token)
        .json(&serde_json::json!({"title": "kept", "severity": "SEV3"}))
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 201);
    let mut stderr = child.stderr.take().unwrap();
    stop(child);
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn anchors_in_a_file_or_in_the_log_show_what_the_database_hides() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let folder = tempfile::tempdir().unwrap();
    let (file, copied) = (folder.path().join("anchors"), folder.path().join("log"));
    let (file, copied) = (file.to_str().unwrap(), copied.to_str().unwrap());
    let log = serve_once(&url, &[("INCIDENT_ANCHORS", file)]).await;
    assert!(!log.contains("heads of chains"), "{log}");
    let log = serve_once(&url, &[]).await;
    let lines = log.lines().filter(|line| line.contains("heads of chains"));
    std::fs::write(copied, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let (well, said, _) = run(&url, &["verify"], &[]);
    assert!(well && said.starts_with("no anchors"), "{said}");
    for (anchors, known) in [(file, 2), (copied, 4)] {
        let (well, said, _) = run(&url, &["verify"], &[("INCIDENT_ANCHORS", anchors)]);
        let timelines = format!("timelines: 2 valid, 0 broken; {known} entries anchored");
        assert!(well && said.contains(&timelines), "{said}");
    }

    // A role with the owner's rights deletes everything.
    let mut owner = database.options().connect().await.unwrap();
    for table in [
        "timeline_texts",
        "timeline",
        "audit",
        "audit_heads",
        "incidents",
    ] {
        for sql in [
            format!("alter table incident.{table} disable trigger all"),
            format!("delete from incident.{table}"),
        ] {
            owner.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        }
    }
    let (well, said, _) = run(&url, &["verify"], &[]);
    assert!(
        well && said.contains("timelines: 0 valid, 0 broken"),
        "{said}"
    );
    let (well, said, _) = run(&url, &["verify"], &[("INCIDENT_ANCHORS", copied)]);
    assert!(
        !well && said.contains("timelines: 0 valid, 2 broken"),
        "{said}"
    );
    assert!(said.contains("BROKEN audit chain"), "{said}");
    // The anchor file itself is tampered with.
    let kept = std::fs::read_to_string(file).unwrap();
    // The last pass may have written a line of its own for the final entries.
    let touched = kept.lines().position(|line| line.contains("\"seq\":2"));
    let changed = kept.replace("\"seq\":2", "\"seq\":1");
    std::fs::write(file, changed).unwrap();
    let (well, said, _) = run(&url, &["verify"], &[("INCIDENT_ANCHORS", file)]);
    let damaged = format!("UNREADABLE line {} of", touched.unwrap() + 1);
    assert!(!well && said.contains(&damaged), "{said}");
    let (well, _, error) = run(&url, &["verify"], &[("INCIDENT_ANCHORS", "/nonexistent/a")]);
    assert!(!well && error.contains("INCIDENT_ANCHORS"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_it_says_so_and_goes_on_afterwards() {
    let mut cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let token = "token-0123456789-token";
    let mut console = command();
    console
        .env("DATABASE_URL", cluster.url(database.name()))
        .env("PAGERDUTY_WEBHOOK_SECRET", SECRET)
        .env("INCIDENT_TOKENS", format!("root:admin:{token}"));
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen
        .last()
        .unwrap()
        .trim_start_matches("listening on ")
        .to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let declare = async || {
        let body = serde_json::json!({"title": "kept", "severity": "SEV1"});
        let request = client
            .post(format!("{address}/sys/incidents"))
            .bearer_auth(token);
        let answer = request
            .header("Idempotency-Key", "one")
            .json(&body)
            .send()
            .await
            .unwrap();
        let later = answer.headers().get("retry-after").is_some();
        (answer.status().as_u16(), later)
    };
    let ready = async || {
        let answer = client
            .get(format!("{address}/readyz"))
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };
    assert_eq!(ready().await, 200);
    let mut hook = Webhooks::to(format!("{address}/hooks/pagerduty"), SECRET).unwrap();
    let body = r#"{"event": {"id": "1", "event_type": "incident.resolved",
        "data": {"incident_key": "sys-incident:01890000-0000-7000-8000-000000000000"}}}"#;
    assert_eq!(hook.deliver(body).await, Delivered::Taken(202));
    cluster.kill().unwrap();
    // The vendor gets 503: it retries later and does not stop delivering.
    for _ in 0..2 {
        assert_eq!(hook.deliver(body).await, Delivered::Again(503));
    }
    let started = Instant::now();
    assert_eq!((declare().await, ready().await), ((503, true), 503));
    let alive = client
        .get(format!("{address}/healthz"))
        .send()
        .await
        .unwrap();
    assert_eq!(alive.status(), 200);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    cluster.start_again().unwrap();
    let started = Instant::now();
    while declare().await != (201, false) {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "it does not go on"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(ready().await, 200);
    assert_eq!(hook.deliver(body).await, Delivered::Taken(202));
    stop(child);
}

#[tokio::test]
async fn an_unsafe_database_is_refused_unless_told_otherwise() {
    let cluster = Cluster::start(Safety::Fast).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let (well, _, error) = run(&url, &[], &[]);
    assert!(
        !well && error.contains("INCIDENT_ALLOW_UNSAFE_DATABASE=1"),
        "{error}"
    );
    let mut console = command();
    console
        .env("DATABASE_URL", &url)
        .env("INCIDENT_ALLOW_UNSAFE_DATABASE", "1");
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    until(&mut lines, "listening on ");
    stop(child);
    let (well, _, error) = run(&cluster.url("nowhere"), &[], &[]);
    assert!(
        !well && error.contains("DATABASE_URL") && error.contains("nowhere"),
        "{error}"
    );
    let (well, _, error) = run("", &["verify"], &[]);
    assert!(!well && error.contains("DATABASE_URL"), "{error}");
}

//! The process crashes at each failpoint, repeatedly, while clients work; afterwards everything
//! that was confirmed must be stored exactly once.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests, and what they share, fail by panicking"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use incident_pagers::SigningSecret;
use incident_pagers::testing::{Fault, MockVendor, NoticeReceiver};
use incident_test_postgres::{Cluster, Database};
use serde_json::{Value, json};
use sqlx::Row;

mod escalations;

/// All failpoints, in the order in which a command passes them.
const PLACES: [&str; 15] = [
    "number_taken",
    "before_commit",
    "after_commit",
    "before_answer",
    "after_claim",
    "before_send",
    "after_send",
    "before_mark",
    "after_mark",
    "before_fire",
    "after_fire",
    "before_notice",
    "after_notice",
    "mid_shutdown",
    // Not a failpoint: the process is killed from outside.
    "killed",
];

const TOKEN: &str = "token-0123456789-token";
const VIEWER: &str = "viewer-0123456789-token";
const SECRET: &str = "whsec_YzRuNHJ5YzRuNHJ5YzRuNHJ5YzRuNHJ5";

/// Returns the number of cycles per failpoint.
fn cycles() -> usize {
    if std::env::var_os("INCIDENT_TEST_LONG").is_some() {
        300
    } else {
        25
    }
}

/// The clients' record of their requests.
#[derive(Default)]
struct Ledger {
    /// The response to each key's request, if there was one.
    sent: Mutex<BTreeMap<String, Option<String>>>,
    /// Answered refusals that have an audit entry of their own.
    denied: Mutex<Denied>,
}

/// Refusals of one actor: the first ones of a minute have audit entries of their own; the rest are
/// counted in memory and lost with the process.
#[derive(Default)]
struct Denied {
    entries: i64,
    of_process: i64,
}

impl Denied {
    fn count(&mut self) {
        self.entries += i64::from(self.of_process < 5);
        self.of_process += 1;
    }
}

struct Setup {
    database: Database,
    url: String,
    vendor: MockVendor,
    receiver: NoticeReceiver,
    ledger: Arc<Ledger>,
    http: reqwest::Client,
}

/// A console process that may crash.
struct Console {
    child: Child,
    address: String,
}

impl Drop for Console {
    /// Kills the process, so that a failed test leaves none behind. An error of a process that has
    /// already ended is ignored.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Setup {
    async fn new() -> Self {
        let cluster = Cluster::shared();
        let database = Database::create(cluster, None).await.unwrap();
        Self {
            url: cluster.url(database.name()),
            database,
            vendor: MockVendor::pagerduty().await.unwrap(),
            receiver: NoticeReceiver::start(SigningSecret::new(SECRET).unwrap())
                .await
                .unwrap(),
            ledger: Arc::default(),
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(20))
                .build()
                .unwrap(),
        }
    }

    /// Starts a console that crashes when it passes a failpoint for the `nth` time.
    fn start(&self, place: &str, nth: usize) -> Option<Console> {
        self.ledger.denied.lock().unwrap().of_process = 0;
        let tokens = format!("root:admin:{TOKEN},vera:viewer:{VIEWER}");
        let mut child = Command::new(env!("CARGO_BIN_EXE_incident-console"))
            .env("INCIDENT_BIND", "127.0.0.1:0")
            .env("INCIDENT_TOKENS", tokens)
            .env("DATABASE_URL", &self.url)
            .env("INCIDENT_ALLOW_UNSAFE_DATABASE", "1")
            .env("PAGERDUTY_ROUTING_KEY", "0123456789abcdef0123456789abcdef")
            .env("PAGERDUTY_URL", self.vendor.base_url().to_string())
            .env("INCIDENT_NOTICES_URL", self.receiver.base_url().to_string())
            .env("INCIDENT_NOTICES_SECRET", SECRET)
            .env("INCIDENT_FAILPOINT", format!("{place}:{nth}"))
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("listening on ") {
                let address = address.to_owned();
                return Some(Console { child, address });
            }
        }
        // It crashed during startup, at a failpoint of the relay.
        child.wait().unwrap();
        None
    }

    /// Sends one request; returns `None` if there was no response.
    async fn call(&self, token: &str, key: &str, url: &str, body: &Value) -> Option<(u16, Value)> {
        let request = self.http.post(url).bearer_auth(token).json(body);
        let request = request.header("Idempotency-Key", key);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    /// Declares an incident under a key, and records a successful response.
    async fn declare(&self, address: &str, key: &str) -> Option<String> {
        self.ledger
            .sent
            .lock()
            .unwrap()
            .entry(key.to_owned())
            .or_default();
        let body = json!({"title": key, "severity": "SEV1", "affected_tenants": ["tenant-fr"]});
        let url = format!("{address}/sys/incidents");
        let (status, body) = self.call(TOKEN, key, &url, &body).await?;
        if status != 201 {
            return None;
        }
        let id = body["id"].as_str().unwrap().to_owned();
        let before = self
            .ledger
            .sent
            .lock()
            .unwrap()
            .insert(key.to_owned(), Some(id.clone()));
        // A repeated key gets the same response.
        assert!(before.flatten().is_none_or(|before| before == id), "{key}");
        Some(id)
    }

    /// Runs one client until the process is gone.
    async fn work(&self, address: &str, name: &str) {
        for n in 0..200 {
            let Some(id) = self.declare(address, &format!("{name}-{n}")).await else {
                return;
            };
            let path = format!("{address}/sys/incidents/{id}");
            let refused = json!({"message": "not mine"});
            let key = format!("denied-{name}-{n}");
            match self
                .call(VIEWER, &key, &format!("{path}/updates"), &refused)
                .await
            {
                Some((403, _)) => self.ledger.denied.lock().unwrap().count(),
                Some(_) => {}
                None => return,
            }
            if n % 3 == 0 {
                let over = json!({"message": "over", "status": "resolved"});
                let key = format!("over-{name}-{n}");
                self.call(TOKEN, &key, &format!("{path}/updates"), &over)
                    .await;
            }
        }
    }

    /// Runs one process, with clients, until its end.
    async fn cycle(&self, place: &str, cycle: usize) {
        let Some(mut console) = self.start(place, 1 + cycle % 5) else {
            return;
        };
        let address = console.address.clone();
        let clients = (0..3).map(|client| {
            let name = format!("{cycle}-{client}");
            let address = &address;
            async move { self.work(address, &name).await }
        });
        let end = async {
            match place {
                "killed" => {
                    tokio::time::sleep(Duration::from_millis(20 + 17 * (cycle as u64 % 20))).await;
                    console.child.kill().unwrap();
                }
                "mid_shutdown" => {
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    let id = console.child.id().to_string();
                    Command::new("kill").args(["-TERM", &id]).status().unwrap();
                }
                _ => {}
            }
        };
        let all = async { tokio::join!(futures_util::future::join_all(clients), end) };
        tokio::time::timeout(Duration::from_secs(60), all)
            .await
            .unwrap();
        let started = Instant::now();
        while console.child.try_wait().unwrap().is_none() {
            if started.elapsed() > Duration::from_secs(30) {
                console.child.kill().unwrap();
                panic!("{place} was not passed");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Checks that the responses, the stored data and the vendor's wakes agree.
    async fn check(&self, place: &str) {
        let mut console = self.start("nowhere", 1).unwrap();
        // Unanswered requests are repeated with the same keys.
        let unknown: Vec<String> = {
            let sent = self.ledger.sent.lock().unwrap();
            let unknown = sent.iter().filter(|(_, id)| id.is_none());
            unknown.map(|(key, _)| key.clone()).collect()
        };
        for key in unknown {
            self.declare(&console.address, &key).await.unwrap();
        }
        let sent = self.ledger.sent.lock().unwrap().clone();
        let pool = self.database.pool(2).await.unwrap();
        let count = async |sql: &'static str| -> i64 {
            sqlx::query(sql).fetch_one(&pool).await.unwrap().get(0)
        };
        // Leases of crashed processes last at most 30 s. Resent resolutions are not awaited.
        let left = "select count(*) from incident.outbox where body not like '%\"repeats\":true%'";
        let started = Instant::now();
        while count(left).await > 0 {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{place}: pages are left"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // No acknowledged incident is missing or duplicated.
        let kept = "select count(*) from incident.incidents";
        assert_eq!(count(kept).await, sent.len() as i64, "{place}");
        let titles = "select count(distinct state ->> 'title') from incident.incidents";
        assert_eq!(count(titles).await, sent.len() as i64, "{place}");
        for (key, id) in &sent {
            let sql = "select state ->> 'title' from incident.incidents where id = $1::uuid";
            let row = sqlx::query(sql)
                .bind(id.as_ref().unwrap())
                .fetch_one(&pool)
                .await;
            assert_eq!(row.unwrap().get::<String, _>(0), *key, "{place}");
        }
        // Every incident woke on-call exactly once, except those that were over before their page
        // was sent.
        let mut wakes: BTreeMap<String, u32> = BTreeMap::new();
        for wake in self.vendor.wakes() {
            *wakes.entry(wake.key).or_default() += 1;
        }
        let superseded = "select coalesce(array_agg(id::text), '{}') from incident.incidents \
                          where state -> 'paging' ->> 'state' = 'superseded'";
        let row = sqlx::query(superseded).fetch_one(&pool).await.unwrap();
        let superseded: Vec<String> = row.get(0);
        for (key, id) in &sent {
            let id = id.as_ref().unwrap();
            let woken = wakes.remove(&format!("sys-incident:{id}")).unwrap_or(0);
            let expected = u32::from(!superseded.contains(id));
            // A trigger in flight during a crash may have woken on-call before it was superseded;
            // then its resolution followed.
            assert!(
                woken == expected || (expected == 0 && woken == 1),
                "{place}: {key} woke {woken}"
            );
        }
        assert!(wakes.is_empty(), "{place}: {wakes:?}");
        self.check_escalations(place, &pool).await;
        // Every answered refusal is audited.
        let denied =
            "select count(*) from incident.audit where canonical::jsonb ->> 'outcome' = 'denied'";
        assert!(
            count(denied).await >= self.ledger.denied.lock().unwrap().entries,
            "{place}"
        );
        let idle = "select count(*) from pg_stat_activity where datname = current_database() \
                    and state like 'idle in transaction%'";
        assert_eq!(count(idle).await, 0, "{place}");
        console.child.kill().unwrap();
        console.child.wait().unwrap();
        pool.close().await;
        let verified = Command::new(env!("CARGO_BIN_EXE_incident-console"))
            .arg("verify")
            .env("DATABASE_URL", &self.url)
            .output()
            .unwrap();
        let said = String::from_utf8(verified.stdout).unwrap();
        assert!(
            verified.status.success() && said.contains(" 0 broken"),
            "{place}: {said}"
        );
    }
}

async fn survives(place: &str) {
    let it = Setup::new().await;
    for cycle in 0..cycles() {
        it.cycle(place, cycle).await;
    }
    it.check(place).await;
    let sent = it.ledger.sent.lock().unwrap().len();
    assert!(
        sent >= cycles() / 2,
        "{place}: the clients hardly did anything"
    );
    println!(
        "{place}: {} crashes, {sent} incidents, {} wakes: nothing lost, nobody woken twice",
        cycles(),
        it.vendor.wakes().len()
    );
}

macro_rules! places {
    ($($place:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $place() {
                survives(stringify!($place)).await;
            }
        )+

        #[test]
        fn every_place_is_tried() {
            assert_eq!([$(stringify!($place)),+], PLACES);
        }
    };
}

places! {
    number_taken, before_commit, after_commit, before_answer, after_claim, before_send,
    after_send, before_mark, after_mark, before_fire, after_fire, before_notice, after_notice, mid_shutdown,
    killed,
}

fn signal(console: &Console, name: &str) {
    let id = console.child.id().to_string();
    assert!(
        Command::new("kill")
            .args([name, &id])
            .status()
            .unwrap()
            .success()
    );
}

/// A process that is frozen while it holds a lease, until after its expiry, changes nothing when it
/// continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_process_that_thaws_changes_nothing() {
    let it = Setup::new().await;
    // The first response is delayed, so that the process is frozen while it waits.
    it.vendor.script([Fault::Sleep(Duration::from_secs(2))]);
    let mut first = it.start("nowhere", 1).unwrap();
    let id = it.declare(&first.address, "frozen").await.unwrap();
    while it.vendor.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    signal(&first, "-STOP");
    let frozen = Instant::now();
    let mut second = it.start("nowhere", 1).unwrap();
    let pool = it.database.pool(2).await.unwrap();
    let left = async || -> i64 {
        let sql = "select count(*) from incident.outbox";
        sqlx::query(sql).fetch_one(&pool).await.unwrap().get(0)
    };
    while left().await > 0 {
        // The lease plus two seconds.
        assert!(
            frozen.elapsed() < Duration::from_secs(34),
            "nobody took over"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        frozen.elapsed() > Duration::from_secs(25),
        "the lease was not kept"
    );
    signal(&first, "-CONT");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        (it.vendor.requests().len(), it.vendor.wakes().len()),
        (2, 1)
    );
    let sql = "select count(*) from incident.timeline where incident_id = $1::uuid and canonical::jsonb ->> 'kind' = 'page_outcome'";
    let row = sqlx::query(sql).bind(&id).fetch_one(&pool).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 1, "the outcome is told once");
    for console in [&mut first, &mut second] {
        console.child.kill().unwrap();
        console.child.wait().unwrap();
    }
    it.check("frozen").await;
}

//! This library and Prometheus' Alertmanager, each paging a mock PagerDuty with the same failures:
//! time from the cause to the first wake, number of requests and of wakes.
//!
//! Run with `cargo bench -p incident-benches --bench beside_alertmanager`. Needs Debian's
//! `prometheus-alertmanager` in the path, or its location in `INCIDENT_ALERTMANAGER`; without it,
//! only this library is measured. Takes five minutes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Declare, Severity};
use incident_core::testing::caller;
use incident_pagers::testing::{CannedResponse, Fault, MockVendor, RecordedAttempt};
use incident_pagers::{PagerDuty, RoutingKey, Worker};
use incident_store_memory::MemoryStore;
use serde_json::json;

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// Number of simultaneous causes.
const CAUSES: usize = 10;
/// Duration of the vendor's failure.
const TROUBLE: Duration = Duration::from_secs(20);
/// Duration of each observation.
const WATCH: Duration = Duration::from_secs(45);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    Good,
    RefusesConnections,
    NeverAnswers,
    Answers502,
    LosesFirstAnswers,
    Flaps,
}

const DAYS: [(Day, &str); 6] = [
    (Day::Good, "works"),
    (Day::RefusesConnections, "refuses connections for 20 s"),
    (
        Day::NeverAnswers,
        "takes requests and never answers, for 20 s",
    ),
    (Day::Answers502, "answers 502 for 20 s"),
    (
        Day::LosesFirstAnswers,
        "takes each page and loses the first answer",
    ),
    (Day::Flaps, "502 and 202 by turns of 2 s"),
];

fn plan(day: Day) -> impl Fn(&RecordedAttempt) -> Fault + Send + Sync + 'static {
    let started = Instant::now();
    move |attempt| {
        let (now, bad) = (
            started.elapsed(),
            Fault::Answer(CannedResponse::status(502)),
        );
        match day {
            Day::NeverAnswers if now < TROUBLE => Fault::BlackHole,
            Day::Answers502 if now < TROUBLE => bad,
            Day::LosesFirstAnswers if attempt.number == 1 => Fault::AcceptThenLose,
            Day::Flaps if now.as_secs() / 2 % 2 == 0 => bad,
            Day::Good
            | Day::RefusesConnections
            | Day::NeverAnswers
            | Day::Answers502
            | Day::LosesFirstAnswers
            | Day::Flaps => Fault::None,
        }
    }
}

/// Observes a vendor through a day's failures after its causes were reported; returns a row of the
/// table.
async fn watch(vendor: MockVendor, day: Day, caused: Instant) -> String {
    if day == Day::RefusesConnections {
        tokio::time::sleep(TROUBLE).await;
        vendor.listen().await.unwrap();
    }
    tokio::time::sleep(WATCH.saturating_sub(caused.elapsed())).await;
    let mut wakes: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for wake in vendor.wakes() {
        let since = wake.at.saturating_duration_since(caused);
        wakes.entry(wake.key).or_default().push(since);
    }
    let mut first: Vec<Duration> = wakes.values().map(|times| times[0]).collect();
    first.sort();
    let seconds = |at: Option<&Duration>| {
        at.map_or_else(
            || "never".to_owned(),
            |time| format!("{:.2} s", time.as_secs_f64()),
        )
    };
    let total: usize = wakes.values().map(Vec::len).sum();
    format!(
        "{} / {} | {} | {total}",
        seconds(first.get(first.len() / 2)),
        seconds(first.last()),
        vendor.requests().len() + usize::try_from(vendor.unread()).unwrap(),
    )
}

async fn vendor(day: Day) -> MockVendor {
    let vendor = MockVendor::pagerduty().await.unwrap();
    vendor.plan(plan(day));
    if day == Day::RefusesConnections {
        vendor.refuse().await.unwrap();
    }
    vendor
}

async fn ours(day: Day) -> String {
    let vendor = vendor(day).await;
    let key = RoutingKey::new(KEY).unwrap();
    let pager = PagerDuty::builder(key)
        .base_url(vendor.base_url())
        .build()
        .unwrap();
    let builder = Incidents::builder(Arc::new(MemoryStore::default())).pager(Arc::new(pager));
    let (incidents, worker) = Worker::new(builder).unwrap();
    let mut running = worker.spawn();
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    let caused = Instant::now();
    for cause in 0..CAUSES {
        let asked = Declare::new(format!("cause {cause}").parse().unwrap(), Severity::Sev1);
        incidents.declare(&context, &asked).await.unwrap();
    }
    let row = watch(vendor, day, caused).await;
    running.stop().await;
    row
}

/// Measures Alertmanager, configured to notify as fast as possible.
async fn theirs(day: Day, program: &PathBuf) -> String {
    let vendor = vendor(day).await;
    let folder = std::env::temp_dir().join(format!("incident-am-{}-{day:?}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let config = format!(
        "route:\n  receiver: pd\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 10s\n  repeat_interval: 4h\n\
         receivers:\n- name: pd\n  pagerduty_configs:\n  - routing_key: {KEY}\n    url: {}/v2/enqueue\n",
        vendor.base_url().to_string().trim_end_matches('/')
    );
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, config).unwrap();
    let port = free_port();
    let mut child: Child = Command::new(program)
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", folder.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let base = format!("http://127.0.0.1:{port}");
    let asked = Instant::now();
    while client.get(format!("{base}/-/ready")).send().await.is_err() {
        assert!(asked.elapsed() < WATCH, "Alertmanager does not start");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let alerts: Vec<_> = (0..CAUSES)
        .map(|cause| json!({"labels": {"alertname": format!("cause {cause}"), "severity": "critical"}}))
        .collect();
    // The vendor's failures begin with the cause.
    vendor.plan(plan(day));
    let caused = Instant::now();
    let answer = client
        .post(format!("{base}/api/v2/alerts"))
        .json(&alerts)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success());
    let row = watch(vendor, day, caused).await;
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    row
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn alertmanager() -> Option<PathBuf> {
    let named = std::env::var_os("INCIDENT_ALERTMANAGER").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found =
        std::env::split_paths(&path).map(|folder| folder.join("prometheus-alertmanager"));
    named.or_else(|| found.find(|program| program.is_file()))
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let program = alertmanager();
    println!(
        "{CAUSES} causes at once; from the cause to the wake: median / last | requests | wakes"
    );
    for (day, what) in DAYS {
        runtime.block_on(async {
            match &program {
                Some(program) => {
                    let (ours, theirs) = tokio::join!(ours(day), theirs(day, program));
                    println!("| {what} | {ours} | {theirs} |");
                }
                None => println!("| {what} | {} | no Alertmanager here |", ours(day).await),
            }
        });
    }
}

//! Memory of the process while large incidents are listed.

use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use incident_test_postgres::{Cluster, Database, Safety};
use serde_json::{Value, json};

use crate::{Running, command, until};

const TOKEN: &str = "token-0123456789-token";

/// Numbers of incidents, of tenants per incident and of clients, and the maximum growth in bytes.
struct Load {
    incidents: usize,
    tenants: usize,
    clients: usize,
    most: u64,
}

/// Returns the documented load with `INCIDENT_TEST_LONG=1`, otherwise a small one.
fn load() -> Load {
    if std::env::var_os("INCIDENT_TEST_LONG").is_some() {
        return Load {
            incidents: 1_000,
            tenants: 10_000,
            clients: 10,
            most: 100 << 20,
        };
    }
    Load {
        incidents: 60,
        tenants: 2_000,
        clients: 10,
        most: 25 << 20,
    }
}

/// Starts a console; returns it with its address.
fn serve(database: Option<&str>) -> (Running, String) {
    let mut console = command();
    console.env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"));
    console.env("RUST_LOG", "error");
    if let Some(url) = database {
        console.env("DATABASE_URL", url);
        // Nothing crashes here, and filling is faster.
        console.env("INCIDENT_ALLOW_UNSAFE_DATABASE", "1");
    }
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen.last().unwrap().trim_start_matches("listening on ");
    (child, address.to_owned())
}

/// Returns the resident bytes of a process, as counted by the kernel.
pub(crate) fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

/// Runs some work; returns its result and the peak memory of a process meanwhile.
async fn peak<T>(pid: u32, work: impl Future<Output = T>) -> (T, u64) {
    let over = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&over);
    let watching = std::thread::spawn(move || {
        let mut most = 0;
        while !watched.load(Ordering::Relaxed) {
            most = most.max(resident(pid));
            std::thread::sleep(Duration::from_millis(2));
        }
        most
    });
    let done = work.await;
    over.store(true, Ordering::Relaxed);
    (done, watching.join().unwrap())
}

async fn fill(address: &str, load: &Load) {
    let names: Vec<String> = (0..load.tenants)
        .map(|n| format!("tenant-{n:05}"))
        .collect();
    let body =
        json!({"title": "hits many", "severity": "SEV4", "page": false, "affected_tenants": names});
    let (body, client) = (body.to_string(), client());
    let parts = (0..4).map(|part| {
        let (url, body, client) = (
            format!("{address}/sys/incidents"),
            body.clone(),
            client.clone(),
        );
        let mine = (part..load.incidents).step_by(4).count();
        tokio::spawn(async move {
            for _ in 0..mine {
                let request = client.post(&url).bearer_auth(TOKEN);
                let request = request.header("content-type", "application/json");
                let answer = request.body(body.clone()).send().await.unwrap();
                assert_eq!(answer.status(), 201);
            }
        })
    });
    for one in parts.collect::<Vec<_>>() {
        one.await.unwrap();
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Reads the whole list, in the largest pages.
async fn walk(address: String, load: (usize, usize)) {
    let (client, mut found, mut next) = (client(), 0, String::new());
    loop {
        let url = format!("{address}/sys/incidents?limit=200{next}");
        let answer = client.get(url).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let page: Value = answer.json().await.unwrap();
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["affected_tenants"].as_array().unwrap().len(), 20);
            assert_eq!(item["affected_tenants_total"], load.1);
            found += 1;
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, load.0);
}

async fn listed(address: &str, load: &Load) -> Duration {
    let started = Instant::now();
    let clients = (0..load.clients).map(|_| {
        let (address, load) = (address.to_owned(), (load.incidents, load.tenants));
        tokio::spawn(walk(address, load))
    });
    for one in clients.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    started.elapsed()
}

/// Lists the incidents of a console and asserts the limit on its memory growth.
async fn grows_little(store: &str, child: &Running, address: &str, load: &Load) {
    let before = resident(child.id());
    let (took, most) = peak(child.id(), listed(address, load)).await;
    let grew = most.saturating_sub(before);
    eprintln!(
        "{store}: {} incidents of {} tenants listed by {} clients in {took:?}: {} KiB before, {} KiB more at most",
        load.incidents,
        load.tenants,
        load.clients,
        before / 1024,
        grew / 1024
    );
    assert!(grew < load.most, "{store}: {grew} bytes more");
}

/// L1: live incidents of thousands of tenants, listed by ten clients, in memory and on PostgreSQL,
/// stay within the documented memory growth.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_large_incidents_take_little_memory() {
    let load = load();
    let (child, address) = serve(None);
    fill(&address, &load).await;
    grows_little("memory", &child, &address, &load).await;
    drop(child);

    let cluster = Cluster::start(Safety::Fast).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let (child, address) = serve(Some(&url));
    fill(&address, &load).await;
    drop(child);
    // A fresh process, without memory left over from the filling.
    let (child, address) = serve(Some(&url));
    grows_little("postgres", &child, &address, &load).await;
}

/// S11: refused calls do not accumulate memory: 10,000 of them.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn refused_calls_take_no_memory() {
    const VIEWER: &str = "token-of-a-viewer-0123";
    let mut console = command();
    console
        .env("INCIDENT_TOKENS", format!("vera:viewer:{VIEWER}"))
        .env("RUST_LOG", "error");
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen
        .last()
        .unwrap()
        .trim_start_matches("listening on ")
        .to_owned();
    let refused = async |calls: usize| {
        let clients = (0..4).map(|_| {
            let (client, url) = (client(), format!("{address}/sys/incidents"));
            tokio::spawn(async move {
                for _ in 0..calls / 4 {
                    let request = client
                        .post(&url)
                        .bearer_auth(VIEWER)
                        .header("idempotency-key", "k");
                    assert_eq!(request.body("{}").send().await.unwrap().status(), 403);
                }
            })
        });
        for one in clients.collect::<Vec<_>>() {
            one.await.unwrap();
        }
    };
    refused(1_000).await;
    let before = resident(child.id());
    let ((), most) = peak(child.id(), refused(10_000)).await;
    let grew = most.saturating_sub(before);
    eprintln!("10000 refused calls: {} KiB more at most", grew / 1024);
    assert!(grew < 4 << 20, "{grew} bytes more");
}

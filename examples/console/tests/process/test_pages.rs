//! A process that crashes with a test page open, and its successor.

use std::io::BufReader;
use std::time::{Duration, Instant};

use incident_pagers::testing::{AlertState, MockVendor};
use incident_test_postgres::{Cluster, Database};

use crate::{Running, command, stop, until};

const TOKEN: &str = "token-0123456789-token";

/// A console with a database and mock vendors that crashes at a failpoint.
struct Setup {
    pagerduty: MockVendor,
    opsgenie: MockVendor,
    database: Database,
}

impl Setup {
    async fn new() -> Self {
        Self {
            pagerduty: MockVendor::pagerduty().await.unwrap(),
            opsgenie: MockVendor::opsgenie().await.unwrap(),
            database: Database::create(Cluster::shared(), None).await.unwrap(),
        }
    }

    fn start(&self, place: &str) -> (Running, String) {
        let url = Cluster::shared().url(self.database.name());
        let mut child = Running::of(
            command()
                .env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"))
                .env("DATABASE_URL", url)
                .env("INCIDENT_ALLOW_UNSAFE_DATABASE", "1")
                .env("PAGERDUTY_ROUTING_KEY", "0123456789abcdef0123456789abcdef")
                .env("PAGERDUTY_URL", self.pagerduty.base_url().to_string())
                .env("OPSGENIE_API_KEY", "eb243592-faa2-4ba2-a551q-1afdf565c889")
                .env("OPSGENIE_URL", self.opsgenie.base_url().to_string())
                .env("INCIDENT_FAILPOINT", format!("{place}:1"))
                .env("RUST_LOG", "off")
                .stderr(std::process::Stdio::null()),
        );
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let seen = until(&mut lines, "listening on ");
        let address = seen.last().unwrap().trim_start_matches("listening on ");
        (child, address.to_owned())
    }

    /// Requests a test page; returns `None` if there was no response.
    async fn test(&self, address: &str) -> Option<u16> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = client.post(format!("{address}/sys/pages/test"));
        let asked = asked.bearer_auth(TOKEN).json(&serde_json::json!({}));
        let answer = asked.send().await.ok()?;
        Some(answer.status().as_u16())
    }

    fn open(&self) -> usize {
        let vendors = [&self.pagerduty, &self.opsgenie];
        let alerts = vendors.iter().flat_map(|vendor| vendor.alerts());
        alerts
            .filter(|alert| alert.state != AlertState::Closed)
            .count()
    }

    fn wakes(&self) -> usize {
        self.pagerduty.wakes().len() + self.opsgenie.wakes().len()
    }
}

/// S7: crashes with the end committed and nothing sent, and with everything sent and no response
/// stored; and a kill after the response. The next process leaves no alert open, whether a test is
/// requested or not.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_page_that_a_crash_left_open_is_resolved_by_the_next_process() {
    let lives = [
        ("test_kept", None, 0),
        ("test_sent", None, 2),
        ("", Some(200), 2),
    ];
    let lives = lives.map(|(place, answer, wakes)| async move {
        let it = Setup::new().await;
        let (mut child, address) = it.start(place);
        assert_eq!(it.test(&address).await, answer, "{place}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((it.open(), it.wakes()), (wakes, wakes), "{place}");
        let (child, address) = it.start("");
        if place == "test_sent" {
            assert_eq!(it.test(&address).await, Some(200));
            assert_eq!((it.open(), it.wakes()), (2, 2), "the same alerts");
        }
        // The resolution was sent, even if there was nothing to resolve.
        let started = Instant::now();
        let seen = |it: &Setup| {
            it.pagerduty.requests().iter().any(|request| {
                request
                    .json()
                    .is_some_and(|body| body["event_action"] == "resolve")
            })
        };
        while it.open() > 0 || !seen(&it) {
            assert!(started.elapsed() < Duration::from_secs(120), "{place}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        stop(child);
        assert_eq!(it.open(), 0, "{place}");
    });
    let [one, two, three] = lives;
    tokio::join!(one, two, three);
}

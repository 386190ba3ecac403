//! Vendors that limit requests per key, over HTTP and in real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use incident_console::policy_file::PolicyFile;
use incident_core::engine::Incidents;
use incident_core::incident::{Declare, Severity};
use incident_core::paging::{DeliveryResult, NotSent, NotSentReason, PageAction};
use incident_core::testing::{ManualClock, RecordingPager};
use incident_pagers::testing::MockVendor;
use incident_store_memory::MemoryStore;
use serde_json::json;

use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER, at, context};

const ON_CALL: &str = "0123456789abcdef0123456789abcdef";
const SECURITY: &str = "5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5e";
const MINUTE: Duration = Duration::from_secs(60);

/// A throttled key delays neither other keys of the same vendor nor, permanently, its own pages.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_throttled_does_not_hold_up_another_one() {
    let vendor = MockVendor::pagerduty().await.unwrap();
    vendor.limit_per_key(1, MINUTE);
    let server = Server::paging_by(&[
        ("PAGERDUTY_ROUTING_KEY", ON_CALL.to_owned()),
        ("PAGERDUTY_URL", vendor.base_url().to_string()),
        (
            "INCIDENT_ESCALATIONS",
            format!("security:pagerduty:{SECURITY}"),
        ),
    ])
    .await;
    let first = server.declare(&json!({"severity": "SEV1"})).await;
    server.paged(&first, "accepted").await;
    let second = server.declare(&json!({"severity": "SEV1"})).await;
    let shown = server.paged(&second, "failing").await;
    assert_eq!(shown["paging"]["error"], "pagerduty: rate limited");
    let body = json!({"reason": "data may be out", "rule": "security"});
    server
        .post(RESPONDER, &format!("{second}/page"), &body)
        .await
        .is(202);
    for _ in 0..1_000 {
        let shown = server.get(VIEWER, &second).await.is(200);
        let escalations = shown["escalations"].as_array().unwrap();
        let security = escalations.iter().find(|one| one["rule"] == "security");
        if security.is_some_and(|one| one["paging"]["state"] == "accepted") {
            let accounts: Vec<String> = vendor.wakes().into_iter().map(|one| one.account).collect();
            assert_eq!(accounts, [ON_CALL, SECURITY]);
            return server.stop().await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{}", server.get(VIEWER, &second).await.text);
}

/// A storm against a limit of 120 a minute: the SEV1 is delivered within a minute, and the vendor
/// never has to refuse. The long tier has 10,000 pages and observes three minutes.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_a_sev1_is_there_at_once_and_the_limit_is_kept() {
    let long = std::env::var_os("INCIDENT_TEST_LONG").is_some();
    let (storm, watch) = if long {
        (10_000, MINUTE * 3)
    } else {
        (300, Duration::from_secs(3))
    };
    let vendor = MockVendor::pagerduty().await.unwrap();
    vendor.limit_per_key(120, MINUTE);
    let policy = PolicyFile::parse("[pagers]\nper_minute = 120").unwrap();
    let settings = [
        ("PAGERDUTY_ROUTING_KEY", ON_CALL.to_owned()),
        ("PAGERDUTY_URL", vendor.base_url().to_string()),
    ];
    let server = Server::paging_with(&settings, policy).await;
    let declare = async |severity: &str| {
        let body = json!({"title": "slow", "severity": severity, "summary": "",
            "affected_services": ["api"], "affected_tenants": []});
        let made = server
            .post(COMMANDER, "/sys/incidents", &body)
            .await
            .is(201);
        format!("sys-incident:{}", made["id"].as_str().unwrap())
    };
    for _ in 0..storm {
        declare("SEV4").await;
    }
    let declared = Instant::now();
    let urgent = declare("SEV1").await;
    tokio::time::sleep(watch).await;
    let wakes = vendor.wakes();
    let woken = wakes
        .iter()
        .find(|one| one.key == urgent)
        .expect("nobody was woken");
    let waited = woken.at.saturating_duration_since(declared);
    assert!(waited < MINUTE, "{waited:?}");
    let requests = vendor.requests();
    let refused = requests
        .iter()
        .filter(|seen| seen.status == Some(429))
        .count();
    let busiest = requests
        .iter()
        .map(|from| {
            let timeout = |seen: &&incident_pagers::testing::RecordedRequest| {
                seen.at >= from.at && seen.at.duration_since(from.at) < MINUTE
            };
            requests.iter().filter(timeout).count()
        })
        .max();
    assert_eq!(refused, 0);
    assert!(busiest.is_some_and(|most| most <= 120), "{busiest:?}");
    println!(
        "{storm} SEV4 and a SEV1 over HTTP: the SEV1 after {waited:?}, at most {busiest:?} requests in a minute"
    );
    server.stop().await;
}

/// Returns this many responses of an unavailable vendor.
fn unavailable(times: usize) -> impl Iterator<Item = DeliveryResult> {
    let answer = DeliveryResult::NotSent(NotSent {
        reason: NotSentReason::Unavailable,
        retry_after: None,
    });
    std::iter::repeat_n(answer, times)
}

/// The probe of a target that is down, while another target has the page, resolves nothing: it has
/// a dedup key of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_has_a_key_of_its_own() {
    let clock = Arc::new(ManualClock::at(at("2026-11-21T03:00:00Z")));
    let first = Arc::new(RecordingPager::named("first").unwrap());
    let second = Arc::new(RecordingPager::named("second").unwrap());
    first.script(unavailable(8));
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .clock(clock.clone())
        .pager(first.clone())
        .pager(second.clone())
        .build()
        .unwrap();
    let context = context();
    for _ in 0..12 {
        let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        incidents.declare(&context, &asked).await.unwrap();
        incidents.worker().drain().await.unwrap();
        clock.advance(Duration::from_secs(2));
    }
    let resolved: Vec<String> = first
        .sent()
        .into_iter()
        .filter(|page| page.action == PageAction::Resolve)
        .map(|page| page.dedup_key)
        .collect();
    assert!(!resolved.is_empty());
    assert!(
        resolved.iter().all(|key| key.ends_with(":probe")),
        "{resolved:?}"
    );
    // The target works again, and takes the first pages.
    assert_eq!(first.wakes() + second.wakes(), 12);
    assert!(first.wakes() > 0);
}

/// Pages that were held while a target was down are due as soon as it works again, and wake the
/// relay at once instead of at its next poll.
#[tokio::test(flavor = "multi_thread")]
async fn held_pages_are_due_as_soon_as_the_target_works_again() {
    let clock = Arc::new(ManualClock::at(at("2026-11-21T03:00:00Z")));
    let pager = Arc::new(RecordingPager::named("only").unwrap());
    pager.script(unavailable(20));
    let waiting = Arc::new(AtomicUsize::new(0));
    let heard = waiting.clone();
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .clock(clock.clone())
        .pager(pager.clone())
        .on_event(move |notice| {
            heard.fetch_add(usize::from(notice.outbox), Ordering::SeqCst);
        })
        .build()
        .unwrap();
    let context = context();
    for _ in 0..6 {
        let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        incidents.declare(&context, &asked).await.unwrap();
    }
    for _ in 0..60 {
        incidents.worker().drain().await.unwrap();
        clock.advance(Duration::from_secs(1));
        if pager.wakes() > 0 {
            break;
        }
    }
    assert_eq!(
        waiting.load(Ordering::SeqCst),
        6 + 1,
        "and once as it works"
    );
    incidents.worker().drain().await.unwrap();
    assert_eq!(pager.wakes(), 6);
}

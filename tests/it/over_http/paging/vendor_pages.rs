//! The console with real adapters, against mock vendors.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use incident_core::engine::Incidents;
use incident_core::testing::ManualClock;
use incident_pagers::testing::{AlertState, CannedResponse, Fault, MockVendor, RecordedRequest};
use incident_pagers::{PagerDuty, RoutingKey};
use incident_store_memory::MemoryStore;
use serde_json::json;

use crate::over_http::harness::{ADMIN, COMMANDER, RESPONDER, Server, VIEWER, at};
use crate::over_http::paging::retired_keys::over_a_change_of_the_key;

const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
const OLDER_KEY: &str = "fedcba9876543210fedcba9876543210";
const API_KEY: &str = "eb243592-faa2-4ba2-a551q-1afdf565c889";

struct Setup {
    server: Server,
    pagerduty: MockVendor,
    opsgenie: MockVendor,
}

async fn setup() -> Setup {
    let pagerduty = MockVendor::pagerduty().await.unwrap();
    let opsgenie = MockVendor::opsgenie().await.unwrap();
    let server = Server::paging_by(&[
        ("PAGERDUTY_ROUTING_KEY", ROUTING_KEY.to_owned()),
        ("PAGERDUTY_URL", pagerduty.base_url().to_string()),
        ("OPSGENIE_API_KEY", API_KEY.to_owned()),
        ("OPSGENIE_URL", opsgenie.base_url().to_string()),
    ])
    .await;
    Setup {
        server,
        pagerduty,
        opsgenie,
    }
}

impl Setup {
    fn wakes(&self) -> (usize, usize) {
        (self.pagerduty.wakes().len(), self.opsgenie.wakes().len())
    }

    async fn declare(&self, severity: &str) -> String {
        self.server.declare(&json!({"severity": severity})).await
    }

    async fn act(&self, path: &str, verb: &str, body: serde_json::Value) {
        let path = format!("{path}/{verb}");
        self.server.post(RESPONDER, &path, &body).await.is(200);
    }

    async fn resolve(&self, path: &str) {
        let body = json!({"message": "fixed", "status": "resolved"});
        let path = format!("{path}/updates");
        self.server.post(RESPONDER, &path, &body).await.is(201);
    }
}

/// Waits until a vendor has received this many requests; returns them.
async fn asked(vendor: &MockVendor, times: usize) -> Vec<RecordedRequest> {
    for _ in 0..3_000 {
        let requests = vendor.requests();
        if requests.len() >= times {
            return requests;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} of {times} requests came", vendor.requests().len());
}

fn told(seen: &RecordedRequest, field: &str) -> String {
    let body = seen.json().unwrap();
    body[field].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sev1_sends_one_trigger_then_acknowledge_then_resolve() {
    let it = setup().await;
    let path = it.declare("SEV1").await;
    let incident = it.server.paged(&path, "accepted").await;
    assert_eq!(incident["paging"]["target"], "pagerduty");
    it.act(&path, "acknowledge", json!({})).await;
    asked(&it.pagerduty, 2).await;
    it.resolve(&path).await;
    let requests = asked(&it.pagerduty, 3).await;
    let actions: Vec<_> = requests
        .iter()
        .map(|seen| told(seen, "event_action"))
        .collect();
    assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
    let id = path.rsplit('/').next().unwrap();
    for seen in &requests {
        assert_eq!(told(seen, "dedup_key"), format!("sys-incident:{id}"));
    }
    assert_eq!(
        incident["paging"]["dedup_key"],
        format!("sys-incident:{id}")
    );
    let body = requests[0].json().unwrap();
    assert_eq!(body["payload"]["severity"], "critical");
    assert_eq!(it.wakes(), (1, 0));
    assert_eq!(it.pagerduty.alerts()[0].state, AlertState::Closed);
    it.server.stop().await;
    assert_eq!(
        (it.pagerduty.requests().len(), it.opsgenie.requests().len()),
        (3, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledge_and_resolve_at_once_still_follow_the_trigger() {
    let it = setup().await;
    it.pagerduty
        .script([Fault::Sleep(Duration::from_millis(300))]);
    let path = it.declare("SEV1").await;
    asked(&it.pagerduty, 1).await;
    it.act(&path, "acknowledge", json!({})).await;
    it.resolve(&path).await;
    let requests = asked(&it.pagerduty, 3).await;
    let actions: Vec<_> = requests
        .iter()
        .map(|seen| told(seen, "event_action"))
        .collect();
    assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
    assert_eq!(it.pagerduty.alerts()[0].state, AlertState::Closed);
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_refuses_connections_is_left_and_one_is_woken_in_all() {
    let it = setup().await;
    it.pagerduty.refuse().await.unwrap();
    let path = it.declare("SEV1").await;
    let incident = it.server.paged(&path, "accepted").await;
    assert_eq!(incident["paging"]["target"], "opsgenie");
    assert_eq!(it.wakes(), (0, 1));
    it.pagerduty.listen().await.unwrap();
    it.act(&path, "acknowledge", json!({})).await;
    it.resolve(&path).await;
    let requests = asked(&it.opsgenie, 3).await;
    let verbs: Vec<_> = requests
        .iter()
        .map(|seen| {
            seen.target
                .split('?')
                .next()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(verbs, ["alerts", "acknowledge", "close"]);
    it.server.stop().await;
    // The vendor that never had the page gets no request.
    assert_eq!(it.pagerduty.requests().len(), 0);
    assert_eq!(it.opsgenie.alerts()[0].state, AlertState::Closed);
    assert_eq!(it.opsgenie.wakes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_every_first_answer_lost_nobody_is_woken_twice_and_nothing_fails_over() {
    const INCIDENTS: usize = 200;
    let it = setup().await;
    it.pagerduty.plan(|attempt| match attempt.number {
        1 => Fault::AcceptThenLose,
        _ => Fault::None,
    });
    let mut paths = Vec::new();
    for n in 0..INCIDENTS {
        paths.push(it.declare(["SEV1", "SEV2", "SEV3", "SEV4"][n % 4]).await);
    }
    for path in &paths {
        let incident = it.server.paged(path, "accepted").await;
        assert_eq!(incident["paging"]["target"], "pagerduty");
        assert_eq!(incident["paging"]["attempts"], 2);
    }
    assert_eq!(it.wakes(), (INCIDENTS, 0));
    assert_eq!(it.opsgenie.requests().len(), 0);
    let requests = it.pagerduty.requests();
    assert_eq!(requests.len(), 2 * INCIDENTS);
    // A retry is identical, byte for byte.
    let mut bodies = BTreeMap::new();
    for seen in requests {
        let first = bodies
            .entry(told(&seen, "dedup_key"))
            .or_insert_with(|| seen.body.clone());
        assert_eq!(*first, seen.body);
    }
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_route_pages_each_target_and_says_how_it_went() {
    let it = setup().await;
    it.opsgenie.only_keys(["another"]);
    let body = json!({"urgency": "low"});
    let tested = it
        .server
        .post(COMMANDER, "/sys/pages/test", &body)
        .await
        .is(200);
    let outcomes: Vec<_> = tested["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["target"].as_str().unwrap(),
                one["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        outcomes,
        [("pagerduty", "accepted"), ("opsgenie", "not_sent")]
    );
    let sent = it.pagerduty.requests()[0].json().unwrap();
    assert_eq!(sent["payload"]["severity"], "info");
    assert!(
        sent["payload"]["summary"]
            .as_str()
            .unwrap()
            .contains("Test page")
    );
    assert_eq!(it.wakes(), (1, 0));
    // The test alert is closed when the server stops, if not before.
    it.server.stop().await;
    assert_eq!(it.pagerduty.alerts()[0].state, AlertState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_every_vendor_refuses_is_given_up_shown_and_can_be_retried() {
    let it = setup().await;
    it.pagerduty.only_keys(["another"]);
    it.opsgenie.plan(|_| {
        Fault::Answer(
            CannedResponse::status(422).body(r#"{"message":"no","took":0,"requestId":"1"}"#),
        )
    });
    let path = it.declare("SEV1").await;
    let incident = it.server.paged(&path, "given_up").await;
    assert!(
        incident["paging"]["error"]
            .as_str()
            .unwrap()
            .contains("rejected")
    );
    let listed = it.server.get(VIEWER, "/sys/incidents").await.is(200);
    assert_eq!(
        listed["items"][0]["paging"]["state"], "given_up",
        "{listed}"
    );
    let timeline = it.server.get(VIEWER, &format!("{path}/updates")).await.text;
    assert!(
        timeline.contains("page failed permanently") && timeline.contains("pager:pagerduty"),
        "{timeline}"
    );
    let audit = it.server.get(ADMIN, "/sys/audit?limit=200").await.text;
    assert!(audit.contains("page_trigger") && audit.contains("pager:opsgenie"));
    assert_eq!(it.wakes(), (0, 0));
    // The key is fixed.
    it.pagerduty.only_keys([ROUTING_KEY]);
    let id = path.rsplit('/').next().unwrap();
    it.server
        .post(COMMANDER, &format!("/sys/pages/{id}/retry"), &json!({}))
        .await
        .is(202);
    let incident = it.server.paged(&path, "accepted").await;
    assert_eq!(
        (&incident["paging"]["target"], it.wakes()),
        (&json!("pagerduty"), (1, 0))
    );
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_asks_to_wait_is_not_asked_before() {
    let it = setup().await;
    let busy = || Fault::Answer(CannedResponse::status(429).header("Retry-After", "2"));
    it.pagerduty.script([busy()]);
    // Low urgency: half a minute with the same vendor before the next one.
    let path = it.declare("SEV4").await;
    let incident = it.server.paged(&path, "accepted").await;
    assert_eq!(incident["paging"]["target"], "pagerduty");
    let requests = it.pagerduty.requests();
    let waited = requests[1].at - requests[0].at;
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
    assert_eq!(it.wakes(), (1, 0));
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_sends_what_was_accepted() {
    let it = setup().await;
    it.pagerduty
        .plan(|_| Fault::Sleep(Duration::from_millis(200)));
    for _ in 0..50 {
        it.declare("SEV2").await;
    }
    it.server.stop().await;
    assert_eq!(
        (it.pagerduty.wakes().len(), it.opsgenie.wakes().len()),
        (50, 0)
    );
}

/// The key is changed, as the first of a list of keys, while alerts are open.
#[tokio::test]
async fn an_alert_of_an_older_key_is_closed_under_that_key() {
    let vendor = MockVendor::pagerduty().await.unwrap();
    let store = Arc::new(MemoryStore::default());
    let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
    let pager = |key: &str| {
        let builder = PagerDuty::builder(RoutingKey::new(key).unwrap());
        Arc::new(builder.base_url(vendor.base_url()).build().unwrap())
    };
    let builder = || Incidents::builder(store.clone()).clock(clock.clone());
    let before = builder().pager(pager(OLDER_KEY)).build().unwrap();
    let after = builder()
        .pager(pager(ROUTING_KEY))
        .retired_pager(pager(OLDER_KEY))
        .build()
        .unwrap();
    let [first, second] = over_a_change_of_the_key(&before, &after).await;
    let closed: Vec<_> = vendor
        .alerts()
        .into_iter()
        .map(|alert| (alert.account, alert.key, alert.state))
        .collect();
    let expected = [(OLDER_KEY, first), (ROUTING_KEY, second)].map(|(key, id)| {
        (
            key.to_owned(),
            format!("sys-incident:{id}"),
            AlertState::Closed,
        )
    });
    assert_eq!(closed, expected);
    assert_eq!(vendor.requests().len(), 4);
}

/// Edge case 21: OpsGenie's priority follows, and rings only for severities that wake people.
#[tokio::test(flavor = "multi_thread")]
async fn the_priority_at_opsgenie_follows_the_severity() {
    let vendor = MockVendor::opsgenie().await.unwrap();
    let server = Server::paging_by(&[
        ("OPSGENIE_API_KEY", API_KEY.to_owned()),
        ("OPSGENIE_URL", vendor.base_url().to_string()),
    ])
    .await;
    let path = server.declare(&json!({"severity": "SEV4"})).await;
    server.paged(&path, "accepted").await;
    let becomes = async |severity: &str, priority: &str, alerts: usize| {
        server
            .patch(COMMANDER, &path, &json!({"severity": severity}))
            .await
            .is(200);
        for _ in 0..500 {
            let shown = vendor.alerts();
            if shown.len() == alerts && shown.last().unwrap().severity == priority {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{severity}: {:?}", vendor.alerts());
    };
    becomes("SEV3", "P3", 1).await;
    becomes("SEV4", "P4", 1).await;
    assert_eq!(vendor.wakes().len(), 1);
    // An incident that turns out to be major gets a new alert, so that it rings.
    becomes("SEV1", "P1", 2).await;
    becomes("SEV2", "P2", 2).await;
    let acknowledge = format!("{path}/acknowledge");
    server
        .post(RESPONDER, &acknowledge, &json!({}))
        .await
        .is(200);
    becomes("SEV1", "P1", 2).await;
    assert_eq!(vendor.wakes().len(), 2);
    let states: Vec<AlertState> = vendor.alerts().iter().map(|alert| alert.state).collect();
    assert_eq!(states, [AlertState::Closed, AlertState::Acknowledged]);
    server.stop().await;
}

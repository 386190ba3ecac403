//! Escalations: targets besides on-call are paged under dedup keys of their own, never at the cost
//! of the incident's own alert.

use std::time::Duration;

use incident_pagers::testing::{Alert, AlertState, MockVendor};
use serde_json::{Value, json};

use crate::over_http::harness::{RESPONDER, Server, VIEWER};

const ON_CALL: &str = "0123456789abcdef0123456789abcdef";
const SECURITY: &str = "5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5e";
const SUPPORT: &str = "eb243592-faa2-4ba2-a551q-1afdf565c889";

struct Setup {
    server: Server,
    pagerduty: MockVendor,
    opsgenie: MockVendor,
}

async fn setup() -> Setup {
    let pagerduty = MockVendor::pagerduty().await.unwrap();
    let opsgenie = MockVendor::opsgenie().await.unwrap();
    let rules = format!(
        "security:pagerduty:{SECURITY},support:opsgenie:{SUPPORT},legal,board:pagerduty:{SECURITY},board:opsgenie:{SUPPORT}"
    );
    let server = Server::paging_by(&[
        ("PAGERDUTY_ROUTING_KEY", ON_CALL.to_owned()),
        ("PAGERDUTY_URL", pagerduty.base_url().to_string()),
        ("OPSGENIE_URL", opsgenie.base_url().to_string()),
        ("OPSGENIE_API_KEY", "on-call".to_owned()),
        ("INCIDENT_PAGERS", "pagerduty".to_owned()),
        ("INCIDENT_ESCALATIONS", rules),
    ])
    .await;
    Setup {
        server,
        pagerduty,
        opsgenie,
    }
}

impl Setup {
    async fn escalate(&self, path: &str, rule: &str, status: u16) -> Value {
        let body = json!({"reason": "customer data may be out", "rule": rule});
        let page = format!("{path}/page");
        self.server.post(RESPONDER, &page, &body).await.is(status)
    }

    async fn resolve(&self, path: &str) {
        let body = json!({"message": "fixed", "status": "resolved"});
        self.server.update(RESPONDER, path, &body).await;
    }

    /// Waits until the page of an escalation is in a state.
    async fn told(&self, path: &str, rule: &str, state: &str) -> Value {
        for _ in 0..1_500 {
            let incident = self.server.get(VIEWER, path).await.is(200);
            let list = incident["escalations"].as_array().unwrap().clone();
            let found = list.into_iter().find(|one| one["rule"] == rule);
            if let Some(found) = found.filter(|one| one["paging"]["state"] == state) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let now = self.server.get(VIEWER, path).await.text;
        panic!("the escalation was not {state} in time: {now}");
    }

    /// Waits until the timeline contains a sentence.
    async fn said(&self, path: &str, sentence: &str) {
        for _ in 0..1_500 {
            if self.messages(path).await.contains(sentence) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{sentence}: {}", self.messages(path).await);
    }

    async fn messages(&self, path: &str) -> String {
        let timeline = self.server.get(VIEWER, &format!("{path}/updates")).await;
        timeline.is(200)["items"].to_string()
    }
}

fn alert(vendor: &MockVendor, key: &str) -> Alert {
    let found = vendor.alerts().into_iter().find(|alert| alert.key == key);
    found.unwrap_or_else(|| panic!("there is no alert of {key}"))
}

/// Waits until an alert is closed.
async fn closed(vendor: &MockVendor, key: &str) {
    for _ in 0..1_500 {
        if alert(vendor, key).state == AlertState::Closed {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the alert of {key} was not closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_wakes_others_under_its_own_key_and_ends_with_the_incident() {
    let it = setup().await;
    let path = it.server.declare(&json!({"severity": "SEV1"})).await;
    let own = it.server.paged(&path, "accepted").await["paging"].clone();
    it.escalate(&path, "security", 202).await;
    let told = it.told(&path, "security", "accepted").await;
    let (own_key, key) = (
        own["dedup_key"].as_str().unwrap(),
        told["paging"]["dedup_key"].as_str().unwrap(),
    );
    assert_eq!(key, format!("{own_key}:security"));
    assert_eq!(told["asked_by"], "anna");
    let security = alert(&it.pagerduty, key);
    assert_eq!(security.account, SECURITY);
    assert!(security.summary.starts_with("[security] [SEV1]"));
    // The incident's own alert rang once and is unchanged.
    assert_eq!(alert(&it.pagerduty, own_key).count, 1);
    assert_eq!(it.server.get(VIEWER, &path).await.is(200)["paging"], own);

    // On-call acknowledges the incident; security is still needed.
    let acknowledge = format!("{path}/acknowledge");
    it.server
        .post(RESPONDER, &acknowledge, &json!({}))
        .await
        .is(200);
    it.resolve(&path).await;
    closed(&it.pagerduty, key).await;
    closed(&it.pagerduty, own_key).await;
    let actions: Vec<(String, String)> = it
        .pagerduty
        .requests()
        .iter()
        .map(|seen| seen.json().unwrap())
        .filter(|body| body["dedup_key"] == key)
        .map(|body| {
            (
                body["routing_key"].to_string(),
                body["event_action"].to_string(),
            )
        })
        .collect();
    let by = |action: &str| (format!("\"{SECURITY}\""), format!("\"{action}\""));
    assert_eq!(actions, [by("trigger"), by("resolve")]);
    assert_eq!(it.pagerduty.wakes().len(), 2);
    for sentence in [
        "escalated to security: customer data may be out",
        "page of security accepted by pagerduty",
        "resolution of security accepted by pagerduty",
    ] {
        it.said(&path, sentence).await;
    }
    // The incident is reopened: an escalation that is needed again is paged again, in a new epoch.
    let back =
        json!({"message": "it is back", "status": "investigating", "reason": "errors again"});
    let updates = format!("{path}/updates");
    it.server
        .post(crate::over_http::harness::COMMANDER, &updates, &back)
        .await
        .is(201);
    it.escalate(&path, "security", 202).await;
    let again = it.told(&path, "security", "accepted").await;
    assert_eq!(again["paging"]["epoch"], 2);
    // On-call was paged by the reopen.
    it.server.paged(&path, "accepted").await;
    assert_eq!(it.pagerduty.wakes().len(), 4);
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_does_not_wait_for_a_page_that_finds_nobody() {
    let it = setup().await;
    it.pagerduty.refuse().await.unwrap();
    let path = it.server.declare(&json!({"severity": "SEV1"})).await;
    it.server.paged(&path, "failing").await;
    it.escalate(&path, "support", 202).await;
    it.told(&path, "support", "accepted").await;
    let shown = it.server.get(VIEWER, &path).await.is(200);
    assert_eq!(shown["paging"]["state"], "failing");
    assert_eq!(
        (it.pagerduty.wakes().len(), it.opsgenie.wakes().len()),
        (0, 1)
    );
    it.server.stop().await;
}

/// An escalation is urgent: the next pager is tried at once, not after the half minute of a SEV4.
#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_of_a_minor_incident_is_as_pressing_as_any() {
    let it = setup().await;
    let path = it.server.declare(&json!({"severity": "SEV4"})).await;
    it.server.paged(&path, "accepted").await;
    it.pagerduty.refuse().await.unwrap();
    it.escalate(&path, "board", 202).await;
    let told = it.told(&path, "board", "accepted").await;
    assert_eq!(told["paging"]["target"], "opsgenie");
    let time = |field: &Value| {
        field
            .as_str()
            .unwrap()
            .parse::<incident_core::Timestamp>()
            .unwrap()
    };
    let waited = time(&told["paging"]["accepted_at"]).since(time(&told["asked_at"]));
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    assert_eq!(it.opsgenie.wakes().len(), 1);
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_is_over_wakes_nobody_else() {
    let it = setup().await;
    it.pagerduty.refuse().await.unwrap();
    let path = it.server.declare(&json!({"severity": "SEV1"})).await;
    it.escalate(&path, "security", 202).await;
    it.told(&path, "security", "failing").await;
    it.resolve(&path).await;
    it.told(&path, "security", "superseded").await;
    it.pagerduty.listen().await.unwrap();
    it.server.stop().await;
    assert_eq!(it.pagerduty.wakes().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_without_a_pager_is_an_entry_and_invalid_rules_are_refused() {
    let it = setup().await;
    let path = it.server.declare(&json!({})).await;
    it.server.paged(&path, "accepted").await;
    for _ in 0..2 {
        let shown = it.escalate(&path, "legal", 202).await;
        assert_eq!(shown["escalations"][0]["paging"]["state"], "none");
    }
    let story = it.messages(&path).await;
    assert_eq!(story.matches("escalated to legal").count(), 2);

    it.escalate(&path, "support", 202).await;
    it.told(&path, "support", "accepted").await;
    let again = it.escalate(&path, "support", 409).await;
    assert_eq!(again["code"], "already_escalated");
    for (rule, detail) in [
        ("finance", "one of board, legal, security, support"),
        ("Legal", "a-z"),
    ] {
        let refused = it.escalate(&path, rule, 422).await;
        assert_eq!(refused["errors"][0]["pointer"], "/rule", "{refused}");
        assert!(refused.to_string().contains(detail), "{refused}");
    }
    let body = json!({"reason": "x", "rule": "legal"});
    it.server
        .post(VIEWER, &format!("{path}/page"), &body)
        .await
        .problem(403);
    it.resolve(&path).await;
    assert_eq!(it.escalate(&path, "legal", 409).await["code"], "not_live");
    // The audit trail has the escalations by rule.
    let audit = it
        .server
        .get(crate::over_http::harness::ADMIN, "/sys/audit?limit=200")
        .await
        .is(200);
    let asked = audit["items"].as_array().unwrap().iter();
    let asked = asked.filter(|one| one["action"] == "escalate" && one["outcome"] == "allowed");
    let rules: Vec<_> = asked.map(|one| one["detail"]["rule"].clone()).collect();
    assert_eq!(rules.len(), 3, "{rules:?}");
    it.server.stop().await;
}

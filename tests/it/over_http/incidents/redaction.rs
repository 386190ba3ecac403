//! A canary in every field with free text: after a redaction it must not be found anywhere.

use incident_axum::routes;
use incident_console::console::ConsoleBuilder;
use incident_core::Statement;
use incident_core::actor::Role;
use incident_core::engine::RequestContext;
use incident_core::incident::{
    Change, Command, CommsSent, DataLeak, DataLoss, Declare, Facts, Publish, Update,
};
use incident_core::paging::{DeliveryResult, NotSent, NotSentReason, VendorEvent, VendorEventKind};
use incident_core::port::IncidentFilter;
use incident_core::suggestion::Suggest;
use incident_core::testing::caller;
use reqwest::Method;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, COMMANDER, Kept, RESPONDER, Server, VIEWER};
use crate::over_http::logs::Lines;

/// The text that must be gone.
const CANARY: &str = "c4n4ry";

/// The same as bytes, for output that shows bytes as numbers.
const IN_NUMBERS: &str = "99, 52, 110, 52, 114, 121";

/// Lists every field of the requests, so that a new field fails to compile here: give it a canary
/// below if it takes free text, and erase it with its entry (`incident_core::redaction`).
fn every_field_is_known(
    sent: (
        Declare,
        Update,
        Publish,
        Suggest,
        CommsSent,
        (DataLoss, DataLeak),
        Change,
    ),
) {
    let (declare, update, publish, suggest, comms, (loss, leak), change) = sent;
    // Free text: title, summary, tracker_url, reason. The others are names, times and choices.
    let Declare {
        title: _,
        severity: _,
        proposed_severity: _,
        summary: _,
        affected_services: _,
        affected_tenants: _,
        started_at: _,
        detected_at: _,
        responder: _,
        eta: _,
        mode: _,
        environment: _,
        source: _,
        suggestion_id: _,
        alert_key: _,
        impact_ended_at: _,
        resolved_at: _,
        page: _,
        tracker_url: _,
        recurrence_of: _,
        reason: _,
        priority: _,
        facts,
    } = declare;
    // Free text: all but the choices and the figures.
    let Facts {
        symptom: _,
        impact_text: _,
        scope: _,
        cause: _,
        resolution: _,
        next_steps: _,
        data_loss: _,
        data_leak: _,
        customer_event_day: _,
        users_hit_percent: _,
        revenue_per_hour: _,
        impact: _,
        urgency: _,
        failure_class: _,
        channel: _,
        bridge_url: _,
        post_mortem_at: _,
        vendor_reference: _,
        labels: _,
    } = facts;
    // Free text: message, reason, public_message.
    let Update {
        message: _,
        status: _,
        severity: _,
        eta: _,
        occurred_at: _,
        kind: _,
        impact_ended_at: _,
        reason: _,
        corrects: _,
        merged_into: _,
        public_message: _,
        comms_sent: _,
    } = update;
    // Free text: title, message.
    let Publish {
        public: _,
        title: _,
        message: _,
    } = publish;
    // Free text: signal, evidence.
    let Suggest {
        service: _,
        tenant: _,
        signal: _,
        observed_at: _,
        evidence: _,
    } = suggest;
    // Free text: channel, summary.
    let CommsSent {
        channel: _,
        audience: _,
        summary: _,
    } = comms;
    // Free text: note.
    let DataLoss { state: _, note: _ } = loss;
    let DataLeak { state: _, note: _ } = leak;
    match change {
        // Free text.
        Change::Title(_)
        | Change::Summary(_)
        | Change::TrackerUrl(_)
        | Change::Labels(_)
        | Change::Symptom(_)
        | Change::ImpactText(_)
        | Change::Cause(_)
        | Change::Resolution(_)
        | Change::NextSteps(_)
        | Change::DataLoss(_)
        | Change::DataLeak(_)
        | Change::Channel(_)
        | Change::BridgeUrl(_)
        | Change::VendorReference(_)
        | Change::FailureClass(_) => {}
        // Names, times and figures.
        Change::Severity(_)
        | Change::Responder(_)
        | Change::Eta(_)
        | Change::NextUpdateDueAt(_)
        | Change::AffectedServices(_)
        | Change::AffectedTenants(_)
        | Change::StartedAt(_)
        | Change::ImpactEndedAt(_)
        | Change::DetectedAt(_)
        | Change::Scope(_)
        | Change::UsersHitPercent(_)
        | Change::RevenuePerHour(_)
        | Change::Impact(_)
        | Change::Priority(_)
        | Change::CustomerEventDay(_)
        | Change::PostMortemAt(_)
        | Change::Urgency(_) => {}
    }
}

/// Sends a command with its key and returns the response.
async fn send(server: &Server, sent: &Sent<'_>) -> crate::over_http::harness::Answer {
    let key = [("idempotency-key", sent.key.as_str())];
    let body = Some(sent.body.to_string().into_bytes());
    server
        .send(sent.method.clone(), sent.token, &sent.path, &key, body)
        .await
}

/// A sent command, to be sent again.
struct Sent<'a> {
    method: Method,
    token: &'a str,
    path: String,
    key: String,
    body: Value,
}

/// All sent commands, in order.
struct Story<'a> {
    server: &'a Server,
    sent: Vec<Sent<'a>>,
}

impl<'a> Story<'a> {
    async fn tell(&mut self, method: Method, token: &'a str, path: &str, body: Value) -> Value {
        let sent = Sent {
            method,
            token,
            path: path.to_owned(),
            key: format!("key-{}", self.sent.len()),
            body,
        };
        let answer = send(self.server, &sent).await;
        assert!(
            (200..300).contains(&answer.status),
            "{path}: {}",
            answer.text
        );
        self.sent.push(sent);
        answer.json()
    }

    async fn post(&mut self, token: &'a str, path: &str, body: Value) -> Value {
        self.tell(Method::POST, token, path, body).await
    }
}

fn word(n: u32) -> String {
    format!("{CANARY}-{n}")
}

/// Returns the free-text fields of an incident, with canaries from a number on.
fn words_of_fields(n: u32) -> Value {
    json!({
        "title": word(n), "summary": word(n + 1), "tracker_url": format!("https://{}.example/{}", word(n + 2), word(n + 3)),
        "labels": {word(n + 4): word(n + 5)}, "symptom": word(n + 6), "impact_text": word(n + 7), "cause": word(n + 8),
        "resolution": word(n + 9), "next_steps": word(n + 10), "failure_class": word(n + 11),
        "data_loss": {"state": "suspected", "note": word(n + 12)},
        "data_leak": {"state": "suspected", "note": word(n + 13)}, "channel": word(n + 14),
        "bridge_url": format!("https://{}.example/{}", word(n + 15), word(n + 16)), "vendor_reference": word(n + 17),
    })
}

/// Declares an incident from a suggestion, with a canary in every free-text field, whose page
/// becomes a dead letter.
async fn full_of_words(story: &mut Story<'_>) -> String {
    let suggestion = json!({"service": "api", "tenant": "tenant-fr", "signal": word(1), "observed_at": "2026-11-20T22:50:00Z", "evidence": word(2)});
    let suggested = story
        .post(COMMANDER, "/sys/incidents/suggestions", suggestion)
        .await;
    let mut body = words_of_fields(10);
    body["severity"] = json!("SEV1");
    body["affected_services"] = json!(["api"]);
    body["affected_tenants"] = json!(["tenant-fr"]);
    body["suggestion_id"] = suggested["id"].clone();
    body["started_at"] = json!("2020-01-01T00:00:00Z");
    body["reason"] = json!(word(30));
    story.server.pager.script([DeliveryResult::NotSent(NotSent {
        reason: NotSentReason::Rejected,
        retry_after: None,
    })]);
    let incident = story.post(COMMANDER, "/sys/incidents", body).await;
    let path = format!("/sys/incidents/{}", incident["id"].as_str().unwrap());
    story.server.paged(&path, "given_up").await;
    let updates = format!("{path}/updates");
    let comms = json!({"channel": word(40), "audience": "customers", "summary": word(41)});
    for update in [
        json!({"message": word(42), "status": "investigating", "public_message": word(43)}),
        json!({"message": word(44), "comms_sent": comms}),
        json!({"message": word(45), "corrects": 2, "public_message": word(46)}),
        json!({"message": word(47), "status": "identified", "reason": word(48)}),
    ] {
        story.post(RESPONDER, &updates, update).await;
    }
    story
        .tell(Method::PATCH, RESPONDER, &path, words_of_fields(60))
        .await;
    let longer = json!({"started_at": "2019-01-01T00:00:00Z", "reason": word(90)});
    story.tell(Method::PATCH, COMMANDER, &path, longer).await;
    let public = json!({"public": true, "title": word(80), "message": word(81)});
    story
        .post(COMMANDER, &format!("{path}/public"), public)
        .await;
    path
}

/// Declares an incident whose page is pending, because the vendor is unavailable.
async fn waiting(story: &mut Story<'_>) -> String {
    story.server.pager.script(std::iter::repeat_n(
        DeliveryResult::NotSent(NotSent {
            reason: NotSentReason::Unavailable,
            retry_after: None,
        }),
        50,
    ));
    let body = json!({"title": word(100), "summary": word(101), "severity": "SEV2"});
    let incident = story.post(COMMANDER, "/sys/incidents", body).await;
    let path = format!("/sys/incidents/{}", incident["id"].as_str().unwrap());
    story.server.paged(&path, "failing").await;
    let page = json!({"reason": word(102)});
    story.post(RESPONDER, &format!("{path}/page"), page).await;
    let note = VendorEvent {
        vendor: "pagerduty".parse().unwrap(),
        event_id: "event-1".parse().unwrap(),
        dedup_key: Some(format!("sys-incident:{}", path.rsplit('/').next().unwrap())),
        vendor_id: None,
        what: VendorEventKind::Noted(word(103)),
        by: None,
        at: None,
        digest: [0; 32],
        echo: false,
    };
    story
        .server
        .incidents()
        .signals()
        .vendor_event(&note)
        .await
        .unwrap();
    path
}

/// Redacts every entry of an incident.
async fn redact_all(server: &Server, path: &str) {
    let entries = server
        .get(VIEWER, &format!("{path}/updates?limit=200"))
        .await;
    let entries = entries.is(200)["items"].as_array().unwrap().clone();
    assert!(!entries.is_empty());
    for entry in entries {
        let redact = format!("{path}/updates/{}/redact", entry["seq"]);
        let reason = json!({"reason": "a pasted password"});
        server.post(ADMIN, &redact, &reason).await.is(200);
    }
}

/// Returns the paths of every GET route, with parameters for one incident.
fn every_get_route(incident: &str) -> Vec<String> {
    let readable = routes().into_iter().filter(|one| one.method == Method::GET);
    // Its response does not end, and has ids of incidents only.
    let readable = readable.filter(|one| one.path != "/sys/events");
    // Files, incidents by their public ids and approvals, which these have none of.
    let has_none = ["{name}", "/status/incidents/{id}", "{number}"];
    let readable = readable.filter(|one| !has_none.iter().any(|part| one.path.contains(part)));
    let id = incident.rsplit('/').next().unwrap();
    let found: Vec<String> = readable
        .map(|route| {
            let query = match route.path {
                "/sys/incidents" => "?status=all",
                "/sys/sla/statements" => "?month=2026-11",
                "/sys/sla/billing" => "?period=2026-11",
                "/sys/audit" | "/sys/incidents/{id}/updates" => "?limit=200",
                _ => "",
            };
            let path = route
                .path
                .replace("{id}", id)
                .replace("{seq}", "2")
                .replace("{tenant}", "tenant-fr");
            format!("{path}{query}")
        })
        .collect();
    assert!(found.len() >= 17, "{found:?}");
    found
}

fn has_none(text: &str, place: &str) {
    for words in [CANARY, IN_NUMBERS] {
        if let Some(at) = text.find(words) {
            let from = text[..at]
                .char_indices()
                .rev()
                .nth(200)
                .map_or(0, |(at, _)| at);
            let until = (at + 100).min(text.len());
            panic!(
                "{place} holds it: {}",
                text.get(from..until).unwrap_or(text)
            );
        }
    }
}

/// S3: free text is gone once its entries are redacted: from the database or the in-memory store,
/// from every route, every stored response and every page that can still be sent; and it was never
/// in the log.
#[tokio::test]
async fn redacted_words_are_nowhere() {
    // A single thread: the subscriber of this test sees every task of the server.
    let lines = Lines::default();
    let _listening = lines.listen();
    let _ = every_field_is_known;
    let (server, kept): (Server, Kept) = Server::keeping(ConsoleBuilder::default()).await;
    let mut story = Story {
        server: &server,
        sent: Vec::new(),
    };
    let path = full_of_words(&mut story).await;
    let other = waiting(&mut story).await;
    let before = kept.everything().await;
    for n in [2, 10, 11, 30, 40, 43, 48, 60, 81, 90, 100, 101, 102, 103] {
        assert!(before.contains(&word(n)), "{n} was not kept");
    }

    redact_all(&server, &path).await;
    redact_all(&server, &other).await;

    has_none(&kept.everything().await, "the store");
    for incident in [&path, &other] {
        for route in every_get_route(incident) {
            let answer = server.get(ADMIN, &route).await;
            // No metrics are installed in a test.
            let expected = match route.as_str() {
                "/metrics" => 404,
                // No loss of data is confirmed.
                route if route.ends_with("/affected-users/export") => 409,
                _ => 200,
            };
            assert_eq!(answer.status, expected, "{route}: {}", answer.text);
            has_none(&answer.text, &route);
            has_none(&format!("{:?}", answer.headers), &route);
        }
        let verdict = server
            .get(VIEWER, &format!("{incident}/timeline/verify"))
            .await;
        assert_eq!(verdict.is(200)["valid"], true);
    }
    for sent in &story.sent {
        let again = send(&server, sent).await;
        assert_eq!(
            again.header("idempotent-replayed"),
            Some("true"),
            "{}",
            sent.path
        );
        has_none(&again.text, &sent.path);
    }
    // The vendor of the dead letter works again, and receives other text.
    server.pager.forget_script();
    let sent = server.pager.sent().len();
    let id = path.rsplit('/').next().unwrap();
    let retry = format!("/sys/pages/{id}/retry");
    server.post(RESPONDER, &retry, &json!({})).await.is(202);
    server.paged(&path, "accepted").await;
    let sent = server.pager.sent().split_off(sent);
    assert!(!sent.is_empty());
    has_none(&format!("{sent:?}"), "the pager");
    has_none(&kept.everything().await, "the store");
    server.stop().await;
    let log = lines.text();
    assert!(log.lines().count() > 20, "nobody listened");
    has_none(&log, "the log");
}

/// S3: a page claimed before a redaction and sent after it has the text of the redacted incident.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_claimed_before_a_redaction_is_sent_with_other_words() {
    let (server, troubled) = Server::troubled().await;
    let incidents = server.incidents().clone();
    troubled.after_claim(async move {
        let any = IncidentFilter {
            limit: 1,
            ..IncidentFilter::default()
        };
        let found = incidents.reports().incidents(&any).await.unwrap();
        let root = RequestContext::new(caller("root", Role::Admin).unwrap());
        let reason = Statement::new("a pasted password").unwrap();
        let redact = Command::Redact { seq: 1, reason };
        incidents.act(&root, found[0].id, &redact).await.unwrap();
    });
    let body = json!({"title": word(1), "summary": word(2), "severity": "SEV1"});
    let incident = server
        .post(COMMANDER, "/sys/incidents", &body)
        .await
        .is(201);
    let path = format!("/sys/incidents/{}", incident["id"].as_str().unwrap());
    server.paged(&path, "accepted").await;
    let sent = server.pager.sent();
    assert_eq!(sent[0].title.as_str(), "[redacted]");
    has_none(&format!("{sent:?}"), "the pager");
    server.stop().await;
}

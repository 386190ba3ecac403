//! Actions of people in the pager's own app are applied here, once.

use std::time::Duration;

use incident_axum::WebhookSettings;
use incident_console::console::ConsoleBuilder;
use incident_console::policy_file::PolicyFile;
use incident_core::paging::PageAction;
use incident_pagers::PagerDutyRest;
use incident_pagers::inbound::WebhookSecret;
use incident_pagers::testing::{CannedResponse, Delivered, Fault, MockVendor, Webhooks};
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, RESPONDER, Server, VIEWER};

const SECRET: &str = "the-secret-of-this-webhook";
const TOKEN: &str = "the-token-of-this-webhook";

struct Setup {
    server: Server,
    pagerduty: Webhooks,
    path: String,
    events: u32,
}

async fn setup() -> Setup {
    setup_with(WebhookSettings::default(), PolicyFile::default()).await
}

async fn setup_with(hooks: WebhookSettings, policy: PolicyFile) -> Setup {
    let secret = |text: &str| WebhookSecret::new(text).unwrap();
    let hooks = WebhookSettings {
        pagerduty: vec![secret("the-secret-before-that-one"), secret(SECRET)],
        opsgenie: vec![secret(TOKEN)],
        ..hooks
    };
    let parts = ConsoleBuilder {
        hooks,
        policy,
        ..ConsoleBuilder::default()
    };
    let server = Server::start_with(parts).await;
    let path = server.declare(&json!({"severity": "SEV1"})).await;
    server.paged(&path, "accepted").await;
    Setup {
        pagerduty: Webhooks::to(server.url("/hooks/pagerduty"), SECRET).unwrap(),
        server,
        path,
        events: 0,
    }
}

impl Setup {
    fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    /// Returns a PagerDuty event about our incident, with an id of its own.
    fn event(&mut self, kind: &str, change: impl FnOnce(&mut Value)) -> String {
        self.events += 1;
        let data = json!({"id": "Q1", "type": "incident", "status": "x", "resolve_reason": null,
            "incident_key": format!("sys-incident:{}", self.id()),
            "assignees": [{"summary": "Ann"}]});
        let mut body = json!({"event": {"id": format!("01FK{}", self.events), "event_type": kind,
            "resource_type": "incident", "occurred_at": "2026-11-20T23:00:00Z",
            "agent": {"type": "user_reference", "summary": "Ben"}, "client": null, "data": data}});
        change(&mut body["event"]);
        body.to_string()
    }

    async fn incident(&self) -> Value {
        self.server.get(VIEWER, &self.path).await.is(200)
    }

    /// Returns author and message of the timeline entries of vendors.
    async fn told(&self) -> Vec<(String, String)> {
        let updates = format!("{}/updates?limit=200", self.path);
        let list = self.server.get(VIEWER, &updates).await.is(200);
        let entries = list["items"].as_array().unwrap().iter();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        entries
            .filter(|entry| {
                let author = entry["author"].as_str().unwrap();
                author.starts_with("pagerduty") || author.starts_with("opsgenie")
            })
            .map(|entry| (text(entry, "author"), text(entry, "message")))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_at_the_vendor_acknowledges_the_incident_once() {
    let mut it = setup().await;
    let body = it.event("incident.acknowledged", |_| {});
    for _ in 0..3 {
        assert_eq!(it.pagerduty.deliver(&body).await, Delivered::Taken(202));
    }
    let shown = it.incident().await;
    assert_eq!(shown["acknowledged_at"], "2026-11-20T23:00:00Z");
    let told = it.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, "pagerduty:Ben");
    // A second acknowledgement there becomes an entry, and changes nothing.
    let body = it.event("incident.acknowledged", |event| {
        event["agent"]["summary"] = json!("Cleo")
    });
    assert_eq!(it.pagerduty.deliver(&body).await, Delivered::Taken(202));
    let told = it.told().await;
    assert_eq!(
        told[1],
        (
            "pagerduty:Cleo".to_owned(),
            "acknowledged at pagerduty by Cleo".to_owned()
        )
    );
    assert_eq!(
        it.incident().await["acknowledged_at"],
        shown["acknowledged_at"]
    );
    let audit = it
        .server
        .get(ADMIN, "/sys/audit?actor=pagerduty:Ben")
        .await
        .is(200);
    assert_eq!(audit["items"][0]["action"], "acknowledge");
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn echoes_merges_and_late_events_change_nothing() {
    let mut it = setup().await;
    let version = it.incident().await["version"].clone();
    for kind in [
        "incident.triggered",
        "incident.acknowledged",
        "incident.resolved",
    ] {
        let body = it.event(kind, |event| {
            event["agent"]["type"] = json!("inbound_integration_reference");
        });
        assert_eq!(it.pagerduty.deliver(&body).await, Delivered::Taken(202));
    }
    assert_eq!(
        it.incident().await["version"],
        version,
        "no echo is answered"
    );
    assert_eq!(it.told().await, []);
    let merged = it.event("incident.resolved", |event| {
        event["data"]["resolve_reason"] = json!({"type": "merge_resolve_reason"});
    });
    let resolved = it.event("incident.resolved", |_| {});
    let unacknowledged = it.event("incident.unacknowledged", |event| {
        event["agent"] = Value::Null
    });
    let reassigned = it.event("incident.reassigned", |_| {});
    for body in [merged, resolved, unacknowledged, reassigned] {
        assert_eq!(it.pagerduty.deliver(&body).await, Delivered::Taken(202));
    }
    let messages: Vec<String> = it.told().await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        messages,
        [
            "alert merged into another alert at pagerduty by Ben",
            "alert resolved at pagerduty by Ben",
            "acknowledgement withdrawn at pagerduty: no one may be responding",
            "reassigned at pagerduty to Ann by Ben",
        ]
    );
    let shown = it.incident().await;
    assert_eq!(
        (&shown["status"], &shown["acknowledged_at"]),
        (&json!("triage"), &Value::Null)
    );
    // After the end, out of order: it becomes an entry, without a reopening or a page.
    let body = json!({"message": "fixed", "status": "resolved"});
    it.server
        .post(RESPONDER, &format!("{}/updates", it.path), &body)
        .await
        .is(201);
    let late = it.event("incident.acknowledged", |_| {});
    assert_eq!(it.pagerduty.deliver(&late).await, Delivered::Taken(202));
    let shown = it.incident().await;
    assert_eq!(
        (&shown["status"], &shown["acknowledged_at"]),
        (&json!("resolved"), &Value::Null)
    );
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_has_no_second_effect_tomorrow_or_in_a_month() {
    let mut it = setup().await;
    let body = it.event("incident.escalated", |_| {});
    assert_eq!(it.pagerduty.deliver(&body).await, Delivered::Taken(202));
    for days in [1, 3, 2, 7, 30, 400] {
        it.server.clock.advance(Duration::from_secs(days * 86_400));
        assert_eq!(it.pagerduty.deliver(&body).await, Delivered::Taken(202));
        assert_eq!(it.told().await.len(), 1, "{days} days later");
    }
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_webhooks_are_rejected_and_foreign_ones_acknowledged() {
    let mut it = setup().await;
    let body = it.event("incident.escalated", |_| {});
    let url = "/hooks/pagerduty";
    let right = Webhooks::sign(SECRET, body.as_bytes());
    for signature in [
        "",
        "v1=00",
        &Webhooks::sign("another-secret-of-another", body.as_bytes()),
    ] {
        let headers = [("x-pagerduty-signature", signature)];
        let sent = Some(body.clone().into_bytes());
        let method = reqwest::Method::POST;
        let answer = it.server.send(method, "", url, &headers, sent).await;
        answer.problem(401);
    }
    let headers = [("x-pagerduty-signature", right.as_str())];
    let changed = Some(format!("{body} ").into_bytes());
    let answer = it
        .server
        .send(reqwest::Method::POST, "", url, &headers, changed)
        .await;
    answer.problem(401);
    assert_eq!(it.told().await, []);
    // Foreign events are never refused: after three refusals PagerDuty stops all deliveries.
    let others = [
        it.event("pagey.ping", |event| {
            event["data"] = json!({"type": "ping"})
        }),
        it.event("service.updated", |_| {}),
        it.event("incident.resolved", |event| {
            event["data"]["incident_key"] = Value::Null
        }),
        it.event("incident.resolved", |event| {
            event["data"]["incident_key"] = json!("theirs")
        }),
        it.event("incident.resolved", |event| {
            event["data"]["incident_key"] =
                json!("sys-incident:01890000-0000-7000-8000-000000000000");
        }),
        "{\"event\": 7}".to_owned(),
        "no JSON".to_owned(),
    ];
    for body in others {
        assert_eq!(
            it.pagerduty.deliver(&body).await,
            Delivered::Taken(202),
            "{body}"
        );
    }
    it.server.get("", url).await.problem(405);
    it.server.stop().await;
    let closed = Server::start().await;
    for url in ["/hooks/pagerduty", "/hooks/opsgenie"] {
        closed.post("", url, &json!({})).await.problem(404);
    }
    closed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_incident_key_is_looked_up_at_the_vendor() {
    let vendor = MockVendor::pagerduty().await.unwrap();
    let rest = PagerDutyRest::new("rest-t0ken", Some(vendor.base_url()), None).unwrap();
    let hooks = WebhookSettings {
        pagerduty_rest: Some(rest),
        ..WebhookSettings::default()
    };
    let mut it = setup_with(hooks, PolicyFile::default()).await;
    let body = it.event("incident.acknowledged", |event| {
        event["data"]["incident_key"] = Value::Null
    });
    // While PagerDuty's API fails, its webhook is deferred.
    vendor.script([
        Fault::Answer(CannedResponse::status(500)),
        Fault::Answer(CannedResponse::status(401)),
        Fault::Answer(CannedResponse::status(200).body("{}")),
    ]);
    for _ in 0..3 {
        assert_eq!(it.pagerduty.deliver(&body).await, Delivered::Again(503));
    }
    let alerts = json!({"alerts": [{"alert_key": null}, {"alert_key": "theirs"},
        {"alert_key": format!("sys-incident:{}", it.id())}]});
    vendor.script([Fault::Answer(
        CannedResponse::status(200).body(&alerts.to_string()),
    )]);
    assert_eq!(it.pagerduty.deliver(&body).await, Delivered::Taken(202));
    assert_eq!(
        it.incident().await["acknowledged_at"],
        "2026-11-20T23:00:00Z"
    );
    let asked = vendor.requests();
    assert_eq!(asked.len(), 4);
    // A key in the event needs no look-up.
    let body = it.event("incident.escalated", |_| {});
    assert_eq!(it.pagerduty.deliver(&body).await, Delivered::Taken(202));
    assert_eq!(vendor.requests().len(), 4);
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opsgenie_webhooks_change_only_what_the_policy_allows() {
    let policy =
        PolicyFile::parse("[pagers]\nresolved_there = true\nacknowledged_there = false").unwrap();
    let it = setup_with(WebhookSettings::default(), policy).await;
    let alias = format!("sys-incident:{}", it.id());
    let body = |action: &str, source: &str| {
        json!({"action": action, "source": {"name": "", "type": source},
            "alert": {"alertId": "a1", "alias": alias, "username": "ben@example.com",
                "createdAt": 1_795_215_600_000_i64, "updatedAt": 1_795_215_600_000_000_000_i64}})
    };
    let hook = async |header: (&str, &str), body: &Value| {
        let sent = Some(body.to_string().into_bytes());
        let method = reqwest::Method::POST;
        it.server
            .send(method, "", "/hooks/opsgenie", &[header], sent)
            .await
            .status
    };
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(
        hook(("authorization", "Bearer wrong"), &body("Close", "web")).await,
        401
    );
    assert_eq!(
        hook(("authorization", &bearer), &body("Close", "API")).await,
        202
    );
    assert_eq!(
        hook(("authorization", &bearer), &body("Acknowledge", "web")).await,
        202
    );
    let shown = it.incident().await;
    assert_eq!(
        (&shown["status"], &shown["acknowledged_at"]),
        (&json!("triage"), &Value::Null)
    );
    for _ in 0..2 {
        assert_eq!(
            hook(("x-webhook-token", TOKEN), &body("Close", "web")).await,
            202
        );
    }
    assert_eq!(it.incident().await["status"], "resolved");
    let author = "opsgenie:ben@example.com".to_owned();
    assert_eq!(
        it.told().await,
        [
            (
                author.clone(),
                "acknowledged at opsgenie by ben@example.com".to_owned()
            ),
            (
                author,
                "alert resolved at opsgenie by ben@example.com".to_owned()
            ),
        ]
    );
    let audit = it.server.get(ADMIN, "/sys/audit?limit=200").await.is(200);
    let updates = audit["items"].as_array().unwrap().iter();
    let updates: Vec<&Value> = updates
        .filter(|entry| entry["action"] == "update")
        .map(|entry| &entry["detail"]["status"])
        .collect();
    assert_eq!(updates, ["resolved"]);
    // The alert is resolved once, at the target that opened it.
    let resolved = |page: &&incident_core::paging::PageEvent| page.action == PageAction::Resolve;
    for _ in 0..500 {
        if it.server.pager.sent().iter().any(|page| resolved(&page)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(it.server.pager.sent().iter().filter(resolved).count(), 1);
    it.server.stop().await;
}

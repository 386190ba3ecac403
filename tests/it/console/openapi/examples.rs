//! Every example of the document is sent, in a story that makes it valid, and gets a documented
//! response; the examples of responses are those of this story.
//!
//! After a change that is meant, `EXAMPLES_UPDATE=1` writes them again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use incident_axum::WebhookSettings;
use incident_console::console::ConsoleBuilder;
use incident_core::billing::{Batch, Lookup, Submission};
use incident_core::paging::{DeliveryResult, NotSent, NotSentReason, TargetId};
use incident_core::port::{BillingSink, LookupBy};
use incident_pagers::inbound::WebhookSecret;
use incident_pagers::testing::Webhooks;
use reqwest::Method;
use serde_json::{Value, json};

use super::operations;
use crate::over_http::document::document;
use crate::over_http::harness::{ADMIN, Answer, BILLING, COMMANDER, RESPONDER, Server, VIEWER};

const SECRET: &str = "the-secret-of-this-webhook";
/// The incident of the examples.
const EXAMPLE: &str = "0190a000-0000-7000-8000-000000000001";
/// Operations whose responses are not those of the story: metrics, which are global, a stream, which
/// does not end, and pages and the document itself.
const NOT_SENT: [&str; 5] = [
    "get_metrics",
    "stream_events",
    "show_sign_in",
    "get_openapi",
    "get_docs",
];

/// Maximum number of items in the example of a list.
const ITEMS: usize = 2;

/// A sink that refuses every batch.
#[derive(Debug)]
struct RefusingSink;

#[async_trait]
impl BillingSink for RefusingSink {
    fn target_id(&self) -> TargetId {
        TargetId::new("billing").unwrap()
    }

    fn key_window(&self) -> Option<Duration> {
        None
    }

    async fn submit(&self, _: &Batch, _: Duration) -> Submission {
        Submission::NotSent(NotSent {
            reason: NotSentReason::Rejected,
            retry_after: None,
        })
    }

    async fn lookup(&self, _: LookupBy<'_>, _: Duration) -> Lookup {
        Lookup::Found(Vec::new())
    }
}

/// The story, and the responses so far: by operation, status and media type.
struct Story {
    server: Server,
    /// The parameters of paths.
    names: BTreeMap<&'static str, String>,
    recorded: BTreeMap<String, BTreeMap<u16, BTreeMap<String, Value>>>,
    /// Media types of examples of requests that were sent, by operation.
    sent: BTreeSet<(String, String)>,
}

impl Story {
    async fn begin() -> Self {
        let secret = || vec![WebhookSecret::new(SECRET).unwrap()];
        let parts = ConsoleBuilder {
            billing: Some(Arc::new(RefusingSink)),
            hooks: WebhookSettings {
                pagerduty: secret(),
                opsgenie: secret(),
                ..WebhookSettings::default()
            },
            ..ConsoleBuilder::default()
        };
        Self {
            server: Server::start_with(parts).await,
            names: BTreeMap::new(),
            recorded: BTreeMap::new(),
            sent: BTreeSet::new(),
        }
    }

    fn name(&mut self, parameter: &'static str, value: &Value) {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        self.names.insert(parameter, text);
    }

    /// Sends the example of an operation as JSON, or nothing if it has none.
    async fn send(&mut self, id: &str, token: &str, status: u16) -> Value {
        self.send_as(id, token, "application/json", "", status)
            .await
    }

    /// Sends the example of an operation in a media type, with a query.
    async fn send_as(
        &mut self,
        id: &str,
        token: &str,
        media: &str,
        query: &str,
        status: u16,
    ) -> Value {
        let (method, path, operation) = operations()
            .find(|(_, _, operation)| operation["operationId"] == id)
            .unwrap();
        let mut path = format!("{path}{query}");
        for (name, value) in &self.names {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let example = &operation["requestBody"]["content"][media]["example"];
        let body = (!example.is_null()).then(|| {
            let lines = example.as_str().map(str::to_owned);
            lines.unwrap_or_else(|| example.to_string())
        });
        let incident = self.names.get("id").cloned().unwrap_or_default();
        let body = body.map(|body| body.replace(EXAMPLE, &incident).into_bytes());
        let signature = Webhooks::sign(SECRET, body.as_deref().unwrap_or_default());
        let mut headers = vec![("content-type", media)];
        match id {
            "receive_pagerduty" => headers.push(("x-pagerduty-signature", &signature)),
            "receive_opsgenie" => headers.push(("x-webhook-token", SECRET)),
            _ => {}
        }
        if body.is_some() {
            self.sent.insert((id.to_owned(), media.to_owned()));
        }
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let answer = self.server.send(method, token, &path, &headers, body).await;
        self.record(id, answer, status)
    }

    fn record(&mut self, id: &str, answer: Answer, status: u16) -> Value {
        assert_eq!(answer.status, status, "{id}: {}", answer.text);
        let media = answer.header("content-type").unwrap();
        let media = media.split(';').next().unwrap().to_owned();
        let body = if media.ends_with("json") {
            answer.json()
        } else {
            Value::String(answer.text)
        };
        let responses = self.recorded.entry(id.to_owned()).or_default();
        let of_status = responses.entry(status).or_default();
        of_status.insert(media, body.clone());
        body
    }

    async fn incident(&mut self) {
        let incident = self.send("declare_incident", COMMANDER, 201).await;
        self.name("id", &incident["id"]);
        let path = format!("/sys/incidents/{}", self.names["id"]);
        self.server.paged(&path, "accepted").await;
        self.send("acknowledge_incident", COMMANDER, 200).await;
        self.send("page_incident", COMMANDER, 202).await;
        self.server.paged(&path, "accepted").await;
        self.send("publish_incident", COMMANDER, 200).await;
        self.send("get_public_status", "", 200).await;
        self.send("receive_pagerduty", "", 202).await;
        self.send("receive_opsgenie", "", 202).await;
        self.send("change_incident", COMMANDER, 200).await;
        self.coordination().await;
        self.send("add_update", COMMANDER, 201).await;
        self.send("link_post_mortem", COMMANDER, 200).await;
        self.send("mark_users_notified", COMMANDER, 200).await;
        self.send("mark_authority_notified", COMMANDER, 200).await;
        self.send("list_due", VIEWER, 200).await;
        self.send("get_due", VIEWER, 200).await;
        for id in [
            "get_incident",
            "list_updates",
            "list_affected_tenants",
            "verify_timeline",
        ] {
            self.send(id, VIEWER, 200).await;
        }
        self.send_as(
            "list_incidents",
            VIEWER,
            "application/json",
            "?status=all",
            200,
        )
        .await;
        self.name("seq", &json!(2));
        self.send("redact_update", ADMIN, 200).await;
    }

    async fn coordination(&mut self) {
        self.name("name", &json!("triage"));
        self.name("item", &json!("scope_known"));
        self.send("tick_item", RESPONDER, 200).await;
        self.send("list_checklists", VIEWER, 200).await;
        for (number, decide, by) in [
            (1, "approve_action", COMMANDER),
            (2, "refuse_action", COMMANDER),
            (3, "withdraw_approval", RESPONDER),
        ] {
            self.send("request_approval", RESPONDER, 201).await;
            self.name("number", &json!(number));
            self.send(decide, by, 200).await;
        }
        self.send("change_role", COMMANDER, 200).await;
    }

    async fn figures(&mut self) {
        for media in ["application/json", "application/x-ndjson"] {
            self.send_as("record_usage_events", COMMANDER, media, "", 202)
                .await;
        }
        for id in [
            "get_affected_users",
            "get_affected_users_breakdown",
            "get_sla_impact",
        ] {
            self.send(id, VIEWER, 200).await;
        }
        self.send("export_affected_users", COMMANDER, 200).await;
        let month = "?month=2026-11";
        self.send_as("list_statements", VIEWER, "application/json", month, 200)
            .await;
        let table = "?month=2026-11&format=csv";
        self.send_as("list_statements", VIEWER, "application/json", table, 200)
            .await;
    }

    async fn ledger(&mut self) {
        let list = self.send("list_credits", VIEWER, 200).await;
        let rows: Vec<&Value> = list["items"].as_array().unwrap().iter().collect();
        let [first, second] = rows.as_slice() else {
            panic!("expected a credit for each tenant: {list}");
        };
        let incident = self.names["id"].clone();
        self.name("id", &first["id"]);
        self.send("waive_credit", BILLING, 200).await;
        self.name("id", &second["id"]);
        self.send("approve_credit", BILLING, 200).await;
        self.name("id", &json!(incident));
        self.send("recompute_credits", BILLING, 200).await;
        for _ in 0..500 {
            let period = "?period=2026-11";
            let report = self
                .send_as("get_billing", VIEWER, "application/json", period, 200)
                .await;
            if report["waiting"][0]["held_back"] == true {
                self.name("batch", &report["waiting"][0]["batch"]);
                self.send("resend_batch", BILLING, 202).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the batch was not held back");
    }

    async fn rest(&mut self) {
        let alert = json!({"title": "x", "severity": "SEV3", "alert_key": "api-5xx"});
        for status in [201, 200] {
            let answer = self.server.post(COMMANDER, "/sys/incidents", &alert).await;
            if status == 200 {
                self.record("declare_incident", answer, status);
            }
        }
        self.send("classify", VIEWER, 200).await;
        self.send("suggest_incident", COMMANDER, 201).await;
        self.send("suggest_incident", COMMANDER, 200).await;
        self.send("list_suggestions", VIEWER, 200).await;
        self.dismiss_suggestion().await;
        self.send("send_test_page", COMMANDER, 200).await;
        self.server.pager.script([DeliveryResult::NotSent(NotSent {
            reason: NotSentReason::Unauthorized,
            retry_after: None,
        })]);
        let path = self.server.declare(&json!({"severity": "SEV1"})).await;
        self.server.paged(&path, "given_up").await;
        let incident = self.names["id"].clone();
        self.name("id", &json!(path.rsplit('/').next().unwrap()));
        self.send("retry_pages", COMMANDER, 202).await;
        self.name("id", &json!(incident));
        for id in ["list_audit_entries", "verify_audit"] {
            self.send(id, ADMIN, 200).await;
        }
        for id in ["get_health", "get_readiness"] {
            self.send(id, "", 200).await;
        }
    }

    async fn dismiss_suggestion(&mut self) {
        let list = self
            .server
            .pages(VIEWER, "/sys/incidents/suggestions")
            .await;
        let incident = self.names["id"].clone();
        self.name("id", &list[0]["id"]);
        self.send("dismiss_suggestion", COMMANDER, 200).await;
        self.name("id", &incident.into());
    }

    /// Sends the forms of browsers, which have no body in their responses.
    async fn forms(&mut self) {
        for (id, path) in [("sign_in", "/signin"), ("sign_out", "/signout")] {
            let media = "application/x-www-form-urlencoded";
            let mut operations = operations();
            let (.., operation) = operations.find(|one| one.2["operationId"] == id).unwrap();
            let form = &operation["requestBody"]["content"][media]["example"];
            let body = form.as_str().unwrap().as_bytes().to_vec();
            let headers = [("content-type", media)];
            let server = &self.server;
            let answer = server
                .send(Method::POST, "", path, &headers, Some(body))
                .await;
            assert_eq!(answer.status, 303, "{id}: {}", answer.text);
            self.sent.insert((id.to_owned(), media.to_owned()));
        }
    }

    /// Returns the recorded responses with ids, hashes and times of waiting that never differ.
    fn settle(&self) -> BTreeMap<String, BTreeMap<u16, BTreeMap<String, Value>>> {
        let mut ids = BTreeMap::from([(self.names["id"].clone(), 1)]);
        let mut settled = self.recorded.clone();
        for responses in settled.values_mut() {
            for body in responses.values_mut().flat_map(BTreeMap::values_mut) {
                without_chance(body, &mut ids);
            }
        }
        settled
    }
}

/// Replaces ids by numbered ones, hashes by one hash, and measured times.
fn without_chance(value: &mut Value, ids: &mut BTreeMap<String, usize>) {
    match value {
        Value::String(text) => {
            let is_hex = |byte: u8| byte.is_ascii_hexdigit();
            if text.len() == 64 && text.bytes().all(is_hex) && text.bytes().any(|one| one != b'0') {
                *text = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into();
            }
            let is_uuid =
                |part: &str| part.len() == 36 && part.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
            let found: Vec<String> = (0..text.len().saturating_sub(35))
                .filter_map(|at| text.get(at..at + 36))
                .filter(|part| is_uuid(part))
                .map(str::to_owned)
                .collect();
            for id in found {
                let next = ids.len() + 1;
                let number = *ids.entry(id.clone()).or_insert(next);
                *text = text.replace(&id, &format!("0190a000-0000-7000-8000-{number:012}"));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|one| without_chance(one, ids)),
        Value::Object(members) => {
            for (name, member) in members {
                if name == "took_ms" {
                    *member = json!(12);
                }
                if let ("items", Value::Array(items)) = (name.as_str(), &mut *member) {
                    items.truncate(ITEMS);
                }
                without_chance(member, ids);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns the members of a value by their paths; lists have those of all their items.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|one| members(one, &format!("{path}/*"), found)),
        Value::Object(all) => all
            .iter()
            .for_each(|(name, one)| members(one, &format!("{path}/{name}"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.insert(path.to_owned());
        }
    }
}

fn file() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../examples/axum/src/document/examples.json")
}

/// Compares the examples of the document with the story, or writes them.
fn compare(story: &Story) {
    let recorded = story.settle();
    let text = std::fs::read_to_string(file()).unwrap();
    let mut examples: Value = serde_json::from_str(&text).unwrap();
    if std::env::var_os("EXAMPLES_UPDATE").is_some() {
        for (id, responses) in &recorded {
            examples[id]["responses"] = json!(responses);
        }
        let text = serde_json::to_string_pretty(&examples).unwrap();
        std::fs::write(file(), text + "\n").unwrap();
        return;
    }
    for (id, responses) in &recorded {
        let statuses = examples[id]["responses"].as_object();
        assert_eq!(statuses.map(|all| all.len()), Some(responses.len()), "{id}");
        for (status, by_media) in responses {
            for (media, body) in by_media {
                let example = &examples[id]["responses"][status.to_string()][media];
                let (mut of_story, mut of_example) = (BTreeSet::new(), BTreeSet::new());
                members(body, "", &mut of_story);
                members(example, "", &mut of_example);
                assert_eq!(of_story, of_example, "{id}, {status}, {media}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_sent_and_gets_a_documented_response() {
    let mut story = Story::begin().await;
    story.incident().await;
    story.figures().await;
    story.ledger().await;
    story.rest().await;
    story.forms().await;
    compare(&story);
    for (_, _, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        if let Some(content) = operation["requestBody"]["content"].as_object() {
            for media in content.keys() {
                let sent = (id.to_owned(), media.clone());
                assert!(story.sent.contains(&sent), "{id} has no example of {media}");
            }
        }
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            let Some(content) = response["content"].as_object() else {
                continue;
            };
            for (media, content) in content {
                let has_one = content.get("example").or(content.get("examples"));
                assert!(has_one.is_some(), "{id}: {status} {media} has no example");
                if let Some(example) = content.get("example") {
                    let place = format!("the example of {id} {status}");
                    document().must_fit(&content["schema"], example, &place);
                }
            }
            let is_success = status.starts_with('2');
            if is_success && !NOT_SENT.contains(&id) {
                let status: u16 = status.parse().unwrap();
                let recorded = story.recorded.get(id).and_then(|all| all.get(&status));
                assert!(recorded.is_some(), "{id}: {status} was not seen");
            }
        }
    }
    story.server.stop().await;
}

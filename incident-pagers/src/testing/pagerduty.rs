//! PagerDuty's rules: Events API v2.

use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::book::{Alert, AlertBook, AlertState, RecordedRequest};
use super::http::MockReply;
use super::rules::Rules;

/// Maximum size of a body, in bytes.
const BODY_BYTES: usize = 512_000;

#[derive(Debug)]
pub(super) struct PagerDutyRules;

impl Rules for PagerDutyRules {
    fn attempt(&self, seen: &RecordedRequest) -> Option<(String, String)> {
        let body = seen.json()?;
        let text = |name: &str| Some(body.get(name)?.as_str()?.to_owned());
        Some((text("event_action")?, text("dedup_key")?))
    }

    fn account(&self, seen: &RecordedRequest) -> Option<String> {
        Some(seen.json()?.get("routing_key")?.as_str()?.to_owned())
    }

    fn taken(&self, seen: &RecordedRequest) -> MockReply {
        let key = seen.json().and_then(|body| body.get("dedup_key").cloned());
        MockReply::json(
            202,
            &json!({"status": "success", "message": "Event processed", "dedup_key": key}),
        )
    }

    fn throttled(&self, _wait: Duration) -> MockReply {
        // The Events API documents no header for the wait.
        MockReply::json(
            429,
            &json!({"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."}),
        )
    }

    fn handle(
        &mut self,
        seen: &RecordedRequest,
        keys: Option<&[String]>,
        book: &mut AlertBook,
    ) -> MockReply {
        let path = seen.target.split('?').next().unwrap_or_default();
        if seen.method == "GET" && path.ends_with("/incidents") {
            return incidents(seen, book);
        }
        if seen.method != "POST" || !path.ends_with("/v2/enqueue") {
            return MockReply::json(404, &json!({"message": "Not Found"}));
        }
        let body = match seen.json() {
            Some(body) if body.is_object() => body,
            _ => return invalid("JSON parse error", &[]),
        };
        let mut errors = faults(&body);
        if seen.body.len() > BODY_BYTES {
            errors.push("Event object exceeds 512KB".to_owned());
        }
        if !errors.is_empty() {
            return invalid("Event object is invalid", &errors);
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (account, action) = (text("routing_key"), text("event_action"));
        if keys.is_some_and(|keys| !keys.iter().any(|key| key == account)) {
            return invalid("Invalid routing key", &[]);
        }
        // The vendor generates a key for a trigger without one.
        let made_up = format!("made-up-{}", book.alerts.len());
        let key = match text("dedup_key") {
            "" => made_up.as_str(),
            key => key,
        };
        match action {
            "trigger" => trigger(book, account, key, &body),
            // The vendor answers 202 to these, and drops them if no alert is open.
            "acknowledge" => {
                if let Some(alert) = book.open(account, key) {
                    alert.state = AlertState::Acknowledged;
                }
            }
            _ => {
                if let Some(alert) = book.open(account, key) {
                    alert.state = AlertState::Closed;
                }
            }
        }
        let body = json!({"status": "success", "message": "Event processed", "dedup_key": key});
        MockReply::json(202, &body)
    }
}

/// Lists the incidents of a key, as the REST API does. The token is not checked: it is another one
/// than the routing key.
fn incidents(seen: &RecordedRequest, book: &AlertBook) -> MockReply {
    let query = seen.target.split_once('?').map_or("", |(_, query)| query);
    let key = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("incident_key="));
    let key = percent_decode_str(key.unwrap_or_default()).decode_utf8_lossy();
    let asked: Vec<&str> = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("statuses%5B%5D="))
        .collect();
    let of_key = book.alerts.iter().rev().filter(|alert| alert.key == key);
    let wanted = of_key.filter(|alert| asked.is_empty() || asked.contains(&word(alert.state)));
    let list: Vec<Value> = wanted.take(1).map(shown).collect();
    MockReply::json(
        200,
        &json!({"incidents": list, "limit": 1, "offset": 0, "more": false}),
    )
}

const fn word(state: AlertState) -> &'static str {
    match state {
        AlertState::Open => "triggered",
        AlertState::Acknowledged => "acknowledged",
        AlertState::Closed => "resolved",
    }
}

fn shown(alert: &Alert) -> Value {
    let agent = match &alert.by {
        Some(by) => json!({"type": "user_reference", "summary": by}),
        None => json!({"type": "service_reference", "summary": "The service"}),
    };
    let acknowledgements = match alert.state {
        AlertState::Acknowledged => json!([{"acknowledger": agent}]),
        AlertState::Open | AlertState::Closed => json!([]),
    };
    json!({
        "id": format!("Q-{}", alert.key), "incident_key": null, "status": word(alert.state),
        "acknowledgements": acknowledgements, "last_status_change_by": agent,
    })
}

fn trigger(book: &mut AlertBook, account: &str, key: &str, body: &Value) {
    let text = |name: &str| {
        let pointer = format!("/payload/{name}");
        let text = body.pointer(&pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    book.trigger(Alert {
        account: account.to_owned(),
        key: key.to_owned(),
        state: AlertState::Open,
        count: 0,
        summary: String::new(),
        severity: text("severity"),
        notes: Vec::new(),
        by: None,
        opened_at: Instant::now(),
    });
    // A repeat overwrites the summary.
    if let Some(alert) = book.open(account, key) {
        alert.summary = text("summary");
    }
}

fn invalid(message: &str, errors: &[String]) -> MockReply {
    let mut body = json!({"status": "invalid event", "message": message});
    if let (false, Some(body)) = (errors.is_empty(), body.as_object_mut()) {
        body.insert("errors".to_owned(), json!(errors));
    }
    MockReply::json(400, &body)
}

/// Lists the errors of an event, in the vendor's words where they are known.
fn faults(body: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match text(body, "routing_key") {
        None => errors.push("'routing_key' is missing or blank".to_owned()),
        Some(key) if key.len() != 32 => {
            errors
                .push("Length of 'routing_key' is incorrect (should be 32 characters)".to_owned());
        }
        Some(key) if !key.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            errors.push("'routing_key' cannot contain non-alphanumeric characters.".to_owned());
        }
        Some(_) => {}
    }
    let key = text(body, "dedup_key");
    if key.as_ref().is_some_and(|key| key.chars().count() > 255) {
        errors.push("'dedup_key' is too long (maximum is 255 characters)".to_owned());
    }
    match text(body, "event_action").as_deref() {
        Some("trigger") => payload_faults(body.get("payload"), &mut errors),
        Some("acknowledge" | "resolve") if key.as_deref().unwrap_or_default().is_empty() => {
            errors.push("'dedup_key' is missing or blank".to_owned());
        }
        Some("acknowledge" | "resolve") => {}
        _ => errors.push(
            "'event_action' is invalid (must be one of: 'trigger', 'acknowledge' or 'resolve')"
                .to_owned(),
        ),
    }
    for (list, member, scheme) in [("links", "href", "http"), ("images", "src", "https://")] {
        let items = body.get(list).and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            if !text(item, member).is_some_and(|url| url.starts_with(scheme)) {
                errors.push(format!("'{list}' have an invalid '{member}'"));
            }
        }
    }
    errors
}

fn payload_faults(payload: Option<&Value>, errors: &mut Vec<String>) {
    let Some(payload) = payload.filter(|payload| payload.is_object()) else {
        errors.push("'payload' is missing or blank".to_owned());
        return;
    };
    let text = |name: &str| {
        payload
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if text("summary").trim().is_empty() {
        errors.push("'payload.summary' is missing or blank".to_owned());
    }
    if text("summary").chars().count() > 1024 {
        errors.push("'summary' is too long (maximum is 1024 characters)".to_owned());
    }
    if text("source").trim().is_empty() {
        errors.push("'payload.source' is missing or blank".to_owned());
    }
    if !["critical", "error", "warning", "info"].contains(&text("severity")) {
        errors.push(
            "'payload.severity' is invalid (must be one of: 'critical', 'warning', 'error' or 'info')"
                .to_owned(),
        );
    }
    let details = payload.get("custom_details");
    if details.is_some_and(|details| !details.is_object()) {
        errors.push("'payload.custom_details' is not an object".to_owned());
    }
}

//! OpsGenie's rules: Alerts API v2.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::book::{Alert, AlertBook, AlertState, RecordedRequest};
use super::http::MockReply;
use super::rules::Rules;

/// The rules of OpsGenie, with the results of the requests that were answered 202, by request id.
#[derive(Debug, Default)]
pub(super) struct OpsGenieRules {
    ended: BTreeMap<String, Value>,
}

/// A parsed path.
struct Call {
    /// The segments after `/v2/alerts`, decoded.
    segments: Vec<String>,
    by_alias: bool,
}

impl Call {
    fn of(seen: &RecordedRequest) -> Option<Self> {
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        let (_, rest) = path.split_once("/v2/alerts")?;
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let segments = rest.split('/').filter(|segment| !segment.is_empty());
        Some(Self {
            segments: segments.map(decode).collect(),
            by_alias: query.split('&').any(|pair| pair == "identifierType=alias"),
        })
    }
}

impl Rules for OpsGenieRules {
    fn attempt(&self, seen: &RecordedRequest) -> Option<(String, String)> {
        let call = Call::of(seen)?;
        match call.segments.as_slice() {
            [] => {
                let alias = seen.json()?.get("alias")?.as_str()?.to_owned();
                Some(("trigger".to_owned(), alias))
            }
            [alias, verb] => Some((verb.clone(), alias.clone())),
            _ => None,
        }
    }

    fn account(&self, seen: &RecordedRequest) -> Option<String> {
        // Reads have a rate limit of their own.
        let key = seen
            .header("authorization")
            .filter(|_| seen.method != "GET")?;
        Some(key.to_owned())
    }

    fn taken(&self, _seen: &RecordedRequest) -> MockReply {
        let body = json!({"result": "Request will be processed", "took": 0.1, "requestId": "late"});
        MockReply::json(202, &body)
    }

    fn throttled(&self, wait: Duration) -> MockReply {
        let mut reply = self.refuse(429, "You are making too many requests!", &[]);
        let wait = wait.as_secs().max(1).to_string();
        reply
            .headers
            .push(("X-RateLimit-State".to_owned(), "THROTTLED".to_owned()));
        reply
            .headers
            .push(("X-RateLimit-Period-In-Sec".to_owned(), wait));
        reply
    }

    fn handle(
        &mut self,
        seen: &RecordedRequest,
        keys: Option<&[String]>,
        book: &mut AlertBook,
    ) -> MockReply {
        let account = seen
            .header("authorization")
            .and_then(|value| value.strip_prefix("GenieKey "));
        let Some(account) = account else {
            return self.refuse(401, "Could not authenticate", &[]);
        };
        if keys.is_some_and(|keys| !keys.iter().any(|key| key == account)) {
            return self.refuse(401, "Could not authenticate", &[]);
        }
        let Some(call) = Call::of(seen) else {
            return self.refuse(404, "No such path", &[]);
        };
        let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        match (seen.method.as_str(), segments.as_slice()) {
            ("GET", ["requests", id]) => match self.ended.get(*id) {
                Some(end) => {
                    MockReply::json(200, &json!({"data": end, "took": 0.1, "requestId": id}))
                }
                None => self.refuse(
                    404,
                    "Request not found. It might not be processed, yet.",
                    &[],
                ),
            },
            ("GET", [alias]) if call.by_alias => match book.open(account, alias) {
                Some(alert) => {
                    MockReply::json(200, &json!({"data": shown(alert), "requestId": "0"}))
                }
                None => self.refuse(404, "Alert does not exist", &[]),
            },
            ("POST", []) => self.create(seen, account, book),
            ("POST" | "PUT", [alias, verb]) => {
                // Without `identifierType=alias` the segment is an id, which no alert here has.
                let alert = call.by_alias.then(|| book.open(account, alias)).flatten();
                self.act(seen, verb, alias, alert)
            }
            _ => self.refuse(405, "Method not allowed", &[]),
        }
    }
}

impl OpsGenieRules {
    fn next_id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.ended.len() + 1)
    }

    fn refuse(&self, status: u16, message: &str, errors: &[(String, String)]) -> MockReply {
        let mut body = json!({"message": message, "took": 0.001, "requestId": self.next_id()});
        if let (false, Some(body)) = (errors.is_empty(), body.as_object_mut()) {
            let errors: BTreeMap<&str, &str> = errors
                .iter()
                .map(|(field, text)| (field.as_str(), text.as_str()))
                .collect();
            body.insert("errors".to_owned(), json!(errors));
        }
        MockReply::json(status, &body)
    }

    /// Answers 202, and records the result of the request for a lookup by its id.
    fn queued(&mut self, action: &str, alias: &str, found: bool, status: &str) -> MockReply {
        let id = self.next_id();
        let end = json!({
            "success": found, "isSuccess": found, "action": action, "status": status,
            "alertId": if found { alias } else { "" }, "alias": alias,
        });
        self.ended.insert(id.clone(), end);
        let body = json!({"result": "Request will be processed", "took": 0.1, "requestId": id});
        MockReply::json(202, &body)
    }

    fn create(&mut self, seen: &RecordedRequest, account: &str, book: &mut AlertBook) -> MockReply {
        let Some(body) = seen.json().filter(Value::is_object) else {
            return self.refuse(400, "Could not parse request body", &[]);
        };
        let errors = faults(&body);
        if !errors.is_empty() {
            return self.refuse(422, "Request body is not processable.", &errors);
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let alias = text("alias").unwrap_or_else(|| self.next_id());
        book.trigger(Alert {
            account: account.to_owned(),
            key: alias.clone(),
            state: AlertState::Open,
            count: 0,
            summary: text("message").unwrap_or_default(),
            severity: text("priority").unwrap_or_else(|| "P3".to_owned()),
            notes: Vec::new(),
            by: None,
            opened_at: Instant::now(),
        });
        if book.open(account, &alias).is_none() {
            return self.queued("Create", &alias, false, "Alert is suppressed by a policy");
        }
        self.queued("Create", &alias, true, "Created alert")
    }

    fn act(
        &mut self,
        seen: &RecordedRequest,
        verb: &str,
        alias: &str,
        alert: Option<&mut Alert>,
    ) -> MockReply {
        let body = match seen.json() {
            Some(body) if body.is_object() => body,
            None if seen.body.is_empty() => json!({}),
            _ => return self.refuse(400, "Could not parse request body", &[]),
        };
        let errors = too_long(&body, &ACT);
        if !errors.is_empty() {
            return self.refuse(422, "Request body is not processable.", &errors);
        }
        let note = body.get("note").and_then(Value::as_str);
        let priority = body.get("priority").and_then(Value::as_str);
        let needs = match (seen.method.as_str(), verb) {
            ("POST", "acknowledge" | "close") => None,
            ("POST", "notes") => note.is_none().then_some("note"),
            ("PUT", "priority") => priority
                .is_none_or(|one| !PRIORITIES.contains(&one))
                .then_some("priority"),
            _ => return self.refuse(404, "No such path", &[]),
        };
        if let Some(field) = needs {
            let errors = [(field.to_owned(), "is missing or not valid".to_owned())];
            return self.refuse(422, "Request body is not processable.", &errors);
        }
        let Some(alert) = alert else {
            return self.queued(verb, alias, false, "Alert does not exist");
        };
        alert.notes.extend(note.map(str::to_owned));
        match verb {
            "acknowledge" => alert.state = AlertState::Acknowledged,
            "close" => alert.state = AlertState::Closed,
            "priority" => priority.unwrap_or("P3").clone_into(&mut alert.severity),
            _ => {}
        }
        self.queued(verb, alias, true, "Done")
    }
}

fn shown(alert: &Alert) -> Value {
    let status = match alert.state {
        AlertState::Open | AlertState::Acknowledged => "open",
        AlertState::Closed => "closed",
    };
    let (by, state) = (alert.by.as_deref(), alert.state);
    json!({
        "report": {
            "acknowledgedBy": by.filter(|_| state == AlertState::Acknowledged),
            "closedBy": by.filter(|_| state == AlertState::Closed),
        },
        "alias": alert.key, "message": alert.summary, "status": status, "count": alert.count,
        "acknowledged": alert.state == AlertState::Acknowledged, "priority": alert.severity,
    })
}

const PRIORITIES: [&str; 5] = ["P1", "P2", "P3", "P4", "P5"];

/// Maximum lengths of the fields of a create, and in `ACT` of other calls, in characters.
const CREATE: [(&str, usize); 7] = [
    ("message", 130),
    ("alias", 512),
    ("description", 15_000),
    ("entity", 512),
    ("source", 100),
    ("user", 100),
    ("note", 25_000),
];
const ACT: [(&str, usize); 3] = [("source", 100), ("user", 100), ("note", 25_000)];

fn too_long(body: &Value, limits: &[(&str, usize)]) -> Vec<(String, String)> {
    let long = |(field, most): &&(&str, usize)| match body.get(*field) {
        None => false,
        Some(value) => value
            .as_str()
            .is_none_or(|text| text.chars().count() > *most),
    };
    limits
        .iter()
        .filter(long)
        .map(|(field, most)| {
            let why = format!("must be a text of at most {most} characters");
            ((*field).to_owned(), why)
        })
        .collect()
}

/// Lists the errors of a create.
fn faults(body: &Value) -> Vec<(String, String)> {
    let mut errors = too_long(body, &CREATE);
    let mut wrong = |field: &str, why: &str| errors.push((field.to_owned(), why.to_owned()));
    let message = body.get("message").and_then(Value::as_str);
    if message.unwrap_or_default().trim().is_empty() {
        wrong("message", "Message can not be empty.");
    }
    let short = |value: &Value, most| {
        value
            .as_str()
            .is_some_and(|text| text.chars().count() <= most)
    };
    if let Some(tags) = body.get("tags") {
        let tags = tags.as_array();
        if !tags.is_some_and(|tags| tags.len() <= 20 && tags.iter().all(|tag| short(tag, 50))) {
            wrong("tags", "must be at most 20 texts of at most 50 characters");
        }
    }
    if let Some(details) = body.get("details") {
        let total = details.as_object().and_then(|details| {
            details.iter().try_fold(0, |total, (name, value)| {
                Some(total + name.chars().count() + value.as_str()?.chars().count())
            })
        });
        if total.is_none_or(|total| total > 8_000) {
            wrong("details", "must be texts of at most 8000 characters in all");
        }
    }
    if let Some(responders) = body.get("responders") {
        let kinds = ["team", "user", "escalation", "schedule"];
        let known = |one: &Value| {
            let kind = one.get("type").and_then(Value::as_str);
            kind.is_some_and(|kind| kinds.contains(&kind))
        };
        let list = responders.as_array();
        if !list.is_some_and(|list| list.len() <= 50 && list.iter().all(known)) {
            wrong("responders", "must be at most 50, each with a type");
        }
    }
    let priority = body
        .get("priority")
        .map(|one| one.as_str().unwrap_or_default());
    if priority.is_some_and(|one| !PRIORITIES.contains(&one)) {
        wrong("priority", "must be P1 to P5");
    }
    errors
}

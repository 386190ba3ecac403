//! The changes that a person made in the form for the fields of an incident, as the body of
//! `PATCH /sys/incidents/{id}`.

use serde_json::{Map, Value, json};

use super::marks::SentMarks;
use super::values::read_tenant;
use crate::http::problem::Problem;
use crate::requests::change::ChangeRequest;
use crate::web::amounts::read_amount;
use crate::web::form::{FormFields, JsonBody, items};
use crate::web::reader::Reader;

/// Fields of text that cannot be empty.
const REQUIRED: [&str; 2] = ["title", "severity"];
/// Fields that are cleared when they are empty.
const CLEARABLE: [&str; 16] = [
    "responder",
    "tracker_url",
    "symptom",
    "impact_text",
    "scope",
    "cause",
    "resolution",
    "next_steps",
    "impact",
    "urgency",
    "priority",
    "failure_class",
    "channel",
    "bridge_url",
    "vendor_reference",
    "reason",
];
/// Times that are cleared when they are empty.
const TIMES: [&str; 5] = [
    "detected_at",
    "impact_ended_at",
    "eta",
    "next_update_due_at",
    "post_mortem_at",
];

/// Returns the changes of a form; nothing if the person changed nothing.
///
/// # Errors
/// Returns 422 with the fields that are invalid.
pub(super) fn request(
    fields: &FormFields,
    reader: &Reader,
) -> Result<Option<ChangeRequest>, Problem> {
    let marks = SentMarks::of(fields);
    let is_touched = |name: &str| marks.is_touched(name);
    let mut body = JsonBody::of(fields);
    let mut is_empty = true;
    let mut note = |touched: bool| {
        is_empty &= !touched;
        touched
    };
    for name in REQUIRED {
        if note(is_touched(name)) {
            body = body.required(name);
        }
    }
    if note(is_touched("summary")) {
        body = body.with("summary", fields.get("summary").trim());
    }
    for name in CLEARABLE {
        // The reason of a long outage is no field of the incident.
        if name == "reason" && fields.get(name).trim().is_empty() {
            continue;
        }
        if note(is_touched(name)) {
            body = body.clearable(name);
        }
    }
    if note(is_touched("started_at")) {
        body = match fields.get("started_at").trim() {
            "" => body.required("started_at"),
            _ => body.time("started_at", reader.zone),
        };
    }
    for name in TIMES {
        if note(is_touched(name)) {
            body = body.clearable_time(name, reader.zone);
        }
    }
    if note(is_touched("affected_services")) {
        let services = items(fields.all("affected_services"));
        body = body.with("affected_services", services);
    }
    if note(is_touched("tenant_scope") || is_touched("affected_tenants")) {
        body = body.with("affected_tenants", tenants(fields));
    }
    if note(is_touched("users_hit_percent")) {
        let percent = fields.get("users_hit_percent").replace(',', ".");
        let percent = percent.trim().trim_end_matches('%').trim_end();
        body = body.with("users_hit_percent", or_null(percent));
    }
    if note(is_touched("revenue_per_hour")) {
        body = body.with("revenue_per_hour", revenue(fields)?);
    }
    for (name, note_name) in [
        ("data_loss", "data_loss_note"),
        ("data_leak", "data_leak_note"),
    ] {
        if note(is_touched(name) || is_touched(note_name)) {
            body = body.with(name, state_and_note(fields, name, note_name)?);
        }
    }
    if note(is_touched("customer_event_day")) {
        body = body.with("customer_event_day", yes_or_no(fields));
    }
    if note(is_touched("labels")) {
        body = body.with("labels", labels(fields)?);
    }
    if is_empty {
        return Ok(None);
    }
    body.parse().map(Some)
}

fn or_null(text: &str) -> Value {
    match text {
        "" => Value::Null,
        text => Value::from(text),
    }
}

fn tenants(fields: &FormFields) -> Value {
    if fields.get("tenant_scope") == "all" {
        return Value::from("all");
    }
    let lines = items(fields.all("affected_tenants"));
    lines.iter().map(|line| json!(read_tenant(line))).collect()
}

fn revenue(fields: &FormFields) -> Result<Value, Problem> {
    let text = fields.get("revenue_per_hour").trim();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let expected = "expected an amount with its currency, such as 1250.50 EUR";
    let amount = read_amount(text);
    amount
        .map(|amount| json!(amount))
        .ok_or_else(|| Problem::field("/revenue_per_hour", expected))
}

/// Returns the state of lost or leaked data with its note.
fn state_and_note(fields: &FormFields, name: &str, note_name: &str) -> Result<Value, Problem> {
    let note = fields.get(note_name).trim();
    match fields.get(name) {
        "" if note.is_empty() => Ok(Value::Null),
        "" => {
            let expected = "expected a state, because there is a note about it";
            Err(Problem::field(format!("/{name}"), expected))
        }
        state => Ok(json!({"state": state, "note": or_null(note)})),
    }
}

/// Returns the choice of a person; any other text is left for the check of the body.
fn yes_or_no(fields: &FormFields) -> Value {
    match fields.get("customer_event_day").trim() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        other => or_null(other),
    }
}

fn labels(fields: &FormFields) -> Result<Map<String, Value>, Problem> {
    let lines = fields.get("labels").lines();
    let lines = lines.map(str::trim).filter(|line| !line.is_empty());
    let pair = |line: &str| {
        let (name, text) = line.split_once(':')?;
        Some((name.trim().to_owned(), Value::from(text.trim())))
    };
    let pairs: Option<Map<String, Value>> = lines.map(pair).collect();
    pairs.ok_or_else(|| Problem::field("/labels", "expected `name: value` on each line"))
}

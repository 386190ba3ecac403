//! The shapes of the HTTP contract.

mod incident;
mod rows;

use incident_core::audit::AuditEntry;
use incident_core::billing::{CappedCredit, CreditInput, SignedPercent};
use incident_core::engine::BreakdownReport;
use incident_core::incident::{FieldDelta, OUTLINE_TENANTS};
use incident_core::paging::{PagerTest, TEST_LASTS, TestOutcome, test_key};
use incident_core::suggestion::{Suggestion, SuggestionState};
use incident_core::timeline::{SysIncidentUpdateEntry, TextName};
use incident_core::{IncidentId, Timestamp};
use serde_json::{Value, json};

pub use incident::{SHOWN_TENANTS, incident, item};
pub use rows::{impact, sla};

/// An entry of a timeline.
#[must_use]
pub fn entry(entry: &SysIncidentUpdateEntry) -> Value {
    let shown = &entry.fields;
    json!({
        "seq": entry.seq,
        "incident_id": entry.incident_id,
        "kind": shown.kind,
        "author": shown.author.name,
        "author_kind": shown.author.kind,
        "occurred_at": shown.occurred_at,
        "recorded_at": shown.recorded_at,
        "message": entry.text(TextName::Message),
        "status_from": shown.status_from,
        "status_to": shown.status_to,
        "comms_sent": entry.comms_sent(),
        "public_message": entry.text(TextName::PublicMessage),
        "changes": entry.changes().into_iter().map(change).collect::<Vec<_>>(),
        "corrects": shown.corrects,
        "redacted": entry.is_redacted(),
        "hash": entry.hash,
        "prev_hash": entry.prev_hash,
    })
}

/// A change of a field. A list of ten thousand tenants is not told again with each entry:
/// the first ones, and how many there are.
fn change(delta: FieldDelta) -> Value {
    let FieldDelta {
        field,
        from,
        to,
        added,
        removed,
    } = delta;
    let mut shown = json!({"field": field});
    let Value::Object(map) = &mut shown else {
        return shown;
    };
    let lists = [
        ("from", from),
        ("to", Some(to)),
        ("added", (!added.is_empty()).then_some(Value::Array(added))),
        (
            "removed",
            (!removed.is_empty()).then_some(Value::Array(removed)),
        ),
    ];
    for (name, value) in lists {
        let Some(mut value) = value else { continue };
        if let Value::Array(list) = &mut value
            && field == "affected_tenants"
            && list.len() > OUTLINE_TENANTS
        {
            map.insert(format!("{name}_total"), list.len().into());
            list.truncate(OUTLINE_TENANTS);
        }
        map.insert(name.to_owned(), value);
    }
    shown
}

/// An audit entry.
#[must_use]
pub fn audit(entry: &AuditEntry) -> Value {
    let said = &entry.payload;
    json!({
        "chain": entry.chain.to_string(),
        "seq": entry.seq,
        "at": said.at,
        "actor": said.actor.name,
        "actor_kind": said.actor.kind,
        "action": said.action,
        "outcome": said.outcome,
        "incident_id": said.incident_id,
        "detail": said.detail,
        "hash": entry.hash,
        "prev_hash": entry.prev_hash,
    })
}

/// A suggestion, with the body for a create that it proposes.
#[must_use]
pub fn suggestion(
    suggestion: &Suggestion,
    state: SuggestionState,
    live: Option<IncidentId>,
) -> Value {
    let said = &suggestion.request;
    json!({
        "id": suggestion.id,
        "service": said.service,
        "tenant": said.tenant,
        "signal": said.signal,
        "observed_at": said.observed_at,
        "received_at": suggestion.received_at,
        "evidence": said.evidence,
        "state": state,
        "draft": {
            "title": suggestion.title(),
            "severity": "SEV3",
            "summary": said.evidence.as_ref().map_or("", |evidence| evidence.as_str()),
            "affected_services": [said.service],
            "affected_tenants": [said.tenant],
            "started_at": said.observed_at,
            "source": "suggestion",
            "suggestion_id": suggestion.id,
        },
        "live_incident_id": live,
    })
}

/// When users were first hit, and through what.
#[must_use]
pub fn breakdown(id: IncidentId, report: &BreakdownReport) -> Value {
    let found = &report.breakdown;
    let minutes = found
        .first_hits
        .iter()
        .map(|one| json!({"minute": one.minute, "users": one.users}));
    let services = found
        .by_service
        .iter()
        .map(|one| json!({"service": one.service, "unique_users": one.users}));
    let endpoints = found.by_endpoint.iter().map(
        |one| json!({"service": one.service, "endpoint": one.endpoint, "unique_users": one.users}),
    );
    json!({
        "incident_id": id,
        "window": report.window,
        "provisional": report.provisional,
        "first_hits": minutes.collect::<Vec<_>>(),
        "by_service": services.collect::<Vec<_>>(),
        "top_endpoints": endpoints.collect::<Vec<_>>(),
        "source": report.source,
    })
}

/// A row of the ledger. What a reversal takes back is below zero, so that sums are
/// right.
#[must_use]
pub fn credit(capped: &CappedCredit) -> Value {
    let row = &capped.row;
    let granted = row.granted.as_ref().and_then(|granted| granted.amount);
    let amount = capped.amount.or(granted).map(|amount| match row.reverses {
        Some(_) => amount.negative(),
        None => amount,
    });
    let percent = SignedPercent {
        negative: row.reverses.is_some(),
        percent: capped.capped,
    };
    json!({
        "id": row.id,
        "incident_id": row.incident_id,
        "tenant_id": row.tenant_id,
        "period": row.period,
        "revision": row.revision,
        "outage_ms": row.outage_us / 1_000,
        "credit_percent": percent,
        "amount": amount,
        "state": row.state,
        "terms_version": row.terms_version,
        "author": row.author,
        "approved_by": row.granted.as_ref().map(|granted| &granted.by),
        "approved_at": row.granted.as_ref().map(|granted| granted.at),
        "issued_at": row.issued.as_ref().map(|issued| issued.at),
        "billed_at": row.issued.as_ref().and_then(|issued| issued.accepted_at),
        "batch": row.issued.as_ref().map(|issued| issued.batch),
        "reverses": row.reverses,
        "inputs": row.inputs.iter().map(input).collect::<Vec<_>>(),
    })
}

/// What a row was computed from.
fn input(input: &CreditInput) -> Value {
    let windows = input.windows.as_slice().iter();
    let windows = windows.map(|one| json!({"start": one.start(), "end": one.end()}));
    json!({
        "incident_id": input.incident_id,
        "windows": windows.collect::<Vec<_>>(),
        "weight_percent": input.weight,
    })
}

/// A place in a list of incidents, and back.
#[must_use]
pub fn place(at: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{} {id}", at.micros())
}

/// What became of a test page, which is resolved after `lasts`.
#[must_use]
pub fn pager_test(test: &PagerTest) -> Value {
    let targets: Vec<Value> = test
        .targets
        .iter()
        .map(|tested| {
            let reason = match tested.outcome {
                TestOutcome::NotSent(reason) => Some(reason.words()),
                TestOutcome::Unknown => Some("no answer"),
                TestOutcome::Accepted => None,
            };
            json!({
                "target": tested.target.name(),
                "dedup_key": test_key(&tested.target),
                "outcome": tested.outcome.word(),
                "reason": reason,
                "retry_after_seconds": tested.retry_after.map(|wait| wait.as_micros().div_ceil(1_000_000)),
                "took_ms": tested.took.as_millis(),
            })
        })
        .collect();
    json!({
        "urgency": test.page.urgency,
        "resolved_after_seconds": TEST_LASTS.as_secs(),
        "targets": targets,
    })
}

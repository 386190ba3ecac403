//! The shapes of the HTTP contract.

use incident_core::audit::AuditEntry;
use incident_core::billing::{BilledCredit, CappedRow, CreditInput, SignedPercent};
use incident_core::engine::{BreakdownReport, ImpactReport, Method, SlaReport};
use incident_core::incident::Incident;
use incident_core::paging::{
    Escalation, PagerTest, Paging, TEST_LASTS, TargetId, TestOutcome, dedup_key, test_key,
};
use incident_core::suggestion::{Suggestion, SuggestionState};
use incident_core::timeline::{SysIncidentUpdateEntry, TextName};
use incident_core::{IncidentId, Timestamp};
use serde_json::{Value, json};

use crate::policy_file::Links;

/// An incident.
#[must_use]
pub fn incident(incident: &Incident, links: &Links, deduplicated: bool) -> Value {
    let mut value = core(incident, links, deduplicated);
    if let (Value::Object(map), Value::Object(facts)) = (&mut value, facts(incident)) {
        map.extend(facts);
        map.insert("escalations".to_owned(), escalations(incident));
    }
    value
}

/// The optional facts: fields of the incident like any other.
fn facts(incident: &Incident) -> Value {
    let facts = &incident.facts;
    json!({
        "labels": facts.labels,
        "symptom": facts.symptom,
        "impact_text": facts.impact_text,
        "scope": facts.scope,
        "cause": facts.cause,
        "resolution": facts.resolution,
        "next_steps": facts.next_steps,
        "data_loss": facts.data_loss,
        "users_hit_percent": facts.users_hit_percent,
        "revenue_per_hour": facts.revenue_per_hour,
        "impact": facts.impact,
        "urgency": facts.urgency,
        "failure_class": facts.failure_class,
    })
}

fn core(incident: &Incident, links: &Links, deduplicated: bool) -> Value {
    let outage: Vec<Value> = incident
        .intervals()
        .into_iter()
        .map(|(start, end)| json!({"start": start, "end": end}))
        .collect();
    let shown = json!({
        "id": incident.id,
        "number": incident.number,
        "version": incident.version,
        "title": incident.title,
        "summary": incident.summary,
        "severity": incident.severity,
        "priority": incident.facts.priority(),
        "status": incident.status,
        "mode": incident.mode,
        "environment": incident.environment,
        "source": incident.source,
        "affected_services": incident.affected_services,
        "affected_tenants": incident.affected_tenants,
        "responder": incident.responder,
        "roles": incident.roles,
        "started_at": incident.started_at,
        "started_at_assumed": incident.started_at_assumed,
        "detected_at": incident.detected_at,
        "declared_at": incident.declared_at,
        "acknowledged_at": incident.acknowledged_at,
        "acknowledged_by": incident.acknowledged_by,
        "mitigated_at": incident.mitigated_at,
        "impact_ended_at": incident.impact_ended_at,
        "resolved_at": incident.resolved_at,
        "closed_at": incident.closed_at,
        "eta": incident.eta,
        "next_update_due_at": incident.next_update_due_at,
        "outage": outage,
        "public": incident.face.public,
        "public_title": incident.face.title,
        "post_mortem": incident.post_mortem.as_ref().map(|linked| json!({
            "url": linked.url, "linked_by": linked.linked_by.name, "linked_at": linked.linked_at,
        })),
        "ending": incident.ending,
        "recurrence_of": incident.recurrence_of,
        "suggestion_id": incident.suggestion_id,
        "alert_key": incident.alert_key,
        "tracker_url": incident.tracker_url,
        "deduplicated": deduplicated,
        "paging": paging(incident),
        "links": {"system_map": links.system_map(incident), "firehose": links.firehose(incident)},
    });
    with_alert(shown, incident)
}

/// The rest of an incident: one literal of all of it is too long for the macro.
fn with_alert(mut shown: Value, incident: &Incident) -> Value {
    if let Value::Object(fields) = &mut shown {
        fields.insert("alert_repeats".to_owned(), incident.repeats.count.into());
        fields.insert("related".to_owned(), json!(incident.related));
    }
    shown
}

/// An incident in a list.
#[must_use]
pub fn item(incident: &Incident) -> Value {
    json!({
        "id": incident.id,
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "status": incident.status,
        "affected_tenants": incident.affected_tenants,
        "affected_services": incident.affected_services,
        "responder": incident.responder,
        "started_at": incident.started_at,
        "declared_at": incident.declared_at,
        "eta": incident.eta,
        "next_update_due_at": incident.next_update_due_at,
        "paging": paging(incident),
        "public": incident.face.public,
    })
}

fn paging(incident: &Incident) -> Value {
    page(&incident.paging, &incident.dedup_key())
}

/// Who was told besides on-call, and how that went.
fn escalations(incident: &Incident) -> Value {
    let shown = |one: &Escalation| {
        let key = dedup_key(incident.id, Some(&one.rule));
        json!({
            "rule": one.rule,
            "asked_at": one.asked_at,
            "asked_by": one.asked_by,
            "paging": page(&one.paging, &key),
        })
    };
    incident.escalations.iter().map(shown).collect()
}

fn page(paging: &Paging, dedup_key: &str) -> Value {
    json!({
        "dedup_key": dedup_key,
        "state": paging.state,
        "epoch": paging.epoch,
        "target": paging.target.as_ref().map(TargetId::name),
        "attempts": paging.attempts,
        "accepted_at": paging.accepted_at,
        "error": paging.error,
        "next_attempt_at": paging.next_attempt_at,
        "overdue_at": paging.overdue_at,
        "confirmed_at": paging.confirmed_at,
        "unconfirmed_at": paging.unconfirmed_at,
        "waits_behind": paging.waits_behind,
        "closed_there_at": paging.closed_there_at,
        "possible_double_wakes": paging.possible_double_wakes,
    })
}

/// An entry of a timeline.
#[must_use]
pub fn entry(entry: &SysIncidentUpdateEntry) -> Value {
    let shown = &entry.shown;
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
        "changes": entry.changes(),
        "corrects": shown.corrects,
        "redacted": entry.is_redacted(),
        "hash": entry.hash,
        "prev_hash": entry.prev_hash,
    })
}

/// An audit entry.
#[must_use]
pub fn audit(entry: &AuditEntry) -> Value {
    let said = &entry.said;
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
    let said = &suggestion.said;
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

/// How many users were hit.
#[must_use]
pub fn impact(id: IncidentId, report: &ImpactReport) -> Value {
    let rows: Vec<Value> = report
        .by_tenant
        .iter()
        .map(|row| {
            bounded(
                json!({
                    "tenant_id": row.tenant_id,
                    "unique_users": row.unique_users,
                    "baseline_unique_users": row.baseline_unique_users,
                }),
                row.bounds,
            )
        })
        .collect();
    let method = match report.method {
        Method::Exact => "exact",
        Method::Estimate => "estimate",
    };
    bounded(
        json!({
            "incident_id": id,
            "window": report.window,
            "provisional": report.provisional,
            "method": method,
            "relative_error": report.relative_error_ppm.map(parts_of_one),
            "total_unique_users": report.total_unique_users,
            "by_tenant": rows,
            "source": report.source,
        }),
        report.bounds,
    )
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

/// With the bounds of what is estimated: the truth lies between them 95 times of 100.
fn bounded(mut value: Value, bounds: Option<(u64, u64)>) -> Value {
    if let (Some((lower, upper)), Value::Object(map)) = (bounds, &mut value) {
        map.insert("lower".to_owned(), json!(lower));
        map.insert("upper".to_owned(), json!(upper));
    }
    value
}

/// Less than a million parts of a million as a decimal: 16250 is `0.01625`, nothing `0`.
fn parts_of_one(ppm: u32) -> String {
    let decimals = format!("0.{ppm:06}");
    let decimals = decimals.trim_end_matches('0');
    decimals.trim_end_matches('.').to_owned()
}

/// What is owed.
#[must_use]
pub fn sla(id: IncidentId, report: &SlaReport) -> Value {
    let rows: Vec<Value> = report
        .rows
        .iter()
        .map(|row| {
            json!({
                "tenant_id": row.tenant_id,
                "outage_ms": row.outage_us / 1_000,
                "outage_minutes": row.outage_minutes,
                "period": row.period,
                "availability_percent": row.availability.to_fixed(),
                "target_breached": row.target_breached,
                "credit_percent": row.credit,
                "state": row.state,
            })
        })
        .collect();
    let mut value = json!({
        "incident_id": id,
        "provisional": report.provisional,
        "basis": report.terms.basis(),
        "target_percent": report.terms.target(),
        "tiers": report.terms.tiers(),
        "terms_version": report.terms.version(),
        "rows": rows,
    });
    if let (Some(why), Value::Object(map)) = (&report.excluded, &mut value) {
        map.insert("excluded".to_owned(), json!(why));
    }
    value
}

/// A row of the ledger. What a reversal takes back is below zero, so that sums are
/// right.
#[must_use]
pub fn credit(capped: &CappedRow) -> Value {
    let row = &capped.row;
    let told = BilledCredit::of(row);
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
        "amount": told.and_then(|told| told.amount),
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
    let windows = windows.map(|one| json!({"from": one.start(), "until": one.end()}));
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

//! The JSON document of a commit, as `incident.apply_commit` reads it.

use chrono::{DateTime, Utc};
use incident_core::audit::AuditDraft;
use incident_core::billing::{CreditSubject, CreditTransition, LedgerRow, LedgerWrite};
use incident_core::commit::{Commit, IncidentWrite, OutboxWrite, SuggestionWrite};
use incident_core::idempotency::{IdempotencyRecord, StoredResponse};
use incident_core::incident::{Affected, Severity};
use incident_core::outbox::{JobOutcome, LeaseCompletion, page_ordering_key};
use incident_core::port::StoreError;
use incident_core::redaction::{Redaction, TextPlace};
use incident_core::suggestion::{DISMISSAL_TTL, SUGGESTION_TTL, Suggestion};
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{SuggestionId, Timestamp};
use serde_json::Result;
use uuid::Uuid;

use crate::json_writer::JsonWriter;

/// The id under which the chain of the system is stored.
pub(crate) const SYSTEM: Uuid = Uuid::nil();

/// Returns the JSON document of a commit. Public for benchmarks, which send the same document
/// by other means.
///
/// # Errors
/// Returns [`StoreError::Unavailable`] if a value cannot be written as JSON, which holds for no
/// value of core.
pub fn document(commit: &Commit) -> std::result::Result<String, StoreError> {
    let mut json = JsonWriter::default();
    json.object(|json| members(json, commit))
        .and_then(|()| json.into_string())
        .map_err(|error| StoreError::Unavailable(Box::new(error)))
}

fn members(json: &mut JsonWriter, commit: &Commit) -> Result<()> {
    if let Some(record) = &commit.remember {
        json.object_member("remember", |json| remember(json, record))?;
    }
    if let Some(completed) = &commit.completes {
        json.object_member("completes", |json| completes(json, completed))?;
    }
    if let Some(claim) = &commit.alert {
        json.object_member("alert", |json| {
            json.member("key", &claim.key)?;
            json.member("seen", &claim.seen)
        })?;
    }
    json.objects("writes", &commit.writes, write)?;
    json.objects("outbox", &commit.outbox, outbox)?;
    json.objects("audit", &commit.audit, audit)?;
    json.objects("ledger", &commit.ledger, ledger)?;
    json.objects("credits", &commit.credits, credit_transition)?;
    match &commit.suggestion {
        Some(SuggestionWrite::Open(new)) => {
            json.object_member("opens", |json| opens(json, new))?;
        }
        Some(SuggestionWrite::Use(id)) => json.member("uses", &id.uuid())?,
        Some(SuggestionWrite::Dismiss(id, at)) => {
            json.object_member("dismisses", |json| dismisses(json, *id, *at))?;
        }
        None => {}
    }
    if let Some(policy) = &commit.policy {
        json.object_member("policy", |json| {
            json.member("hash", &policy.hash)?;
            json.member("since", &policy.since)?;
            json.member("body", &*policy.body)
        })?;
    }
    if let Some(redaction) = &commit.redacts {
        json.object_member("redacts", |json| redacts(json, redaction))?;
    }
    Ok(())
}

/// Returns the number of a severity, 1 for the worst.
pub(crate) const fn priority(severity: Severity) -> i16 {
    match severity {
        Severity::Sev1 => 1,
        Severity::Sev2 => 2,
        Severity::Sev3 => 3,
        Severity::Sev4 => 4,
    }
}

fn write(json: &mut JsonWriter, write: &IncidentWrite) -> Result<()> {
    let after = &*write.after;
    json.member("expected", &write.expected.map(|revision| revision.0))?;
    json.member("live", &after.status.is_live())?;
    json.member("severity", &priority(after.severity))?;
    json.member("public", &after.status_page.public)?;
    json.member("services", &after.affected_services)?;
    match &after.affected_tenants {
        Affected::All => json.member("tenants", &())?,
        Affected::These(list) => {
            json.values("tenants", list.iter().map(|one| one.tenant_id.as_str()))?;
        }
    }
    // Only if it ever had an alert; otherwise the member is left out.
    if after.has_alerts() {
        json.values("alerts", after.alerts())?;
    }
    json.member("title_lower", &after.title.as_str().to_lowercase())?;
    json.member("summary_lower", &after.summary.as_str().to_lowercase())?;
    json.member("state", after)?;
    json.objects("entries", &write.entries, entry)
}

fn entry(json: &mut JsonWriter, entry: &SysIncidentUpdateEntry) -> Result<()> {
    json.member("canonical", &String::from_utf8_lossy(&entry.canonical))?;
    json.lists("texts", &entry.texts, |json, (name, text)| {
        json.value(name)?;
        json.value(&hex(&text.salt.0))?;
        json.value(&text.text)
    })
}

fn audit(json: &mut JsonWriter, draft: &AuditDraft) -> Result<()> {
    let chain = draft.incident_id.map_or(SYSTEM, |id| id.uuid());
    json.member("chain", &chain)?;
    json.text_member("canonical", draft)
}

fn outbox(json: &mut JsonWriter, write: &OutboxWrite) -> Result<()> {
    match write {
        OutboxWrite::Add(message) => {
            json.member("op", "add")?;
            json.member("id", &message.id)?;
            json.member("incident_id", &message.incident_id)?;
            json.member("priority", &priority(message.priority))?;
            json.member("kind", message.body.kind())?;
            json.member("ordering_key", &message.ordering_key())?;
            json.member("opens", &message.is_trigger())?;
            json.member("supersedable", &message.is_supersedable())?;
            json.text_member("body", &message.body)?;
            json.text_member("log", &message.log)?;
            json.member("committed_at", &message.committed_at)?;
            json.member("due_at", &message.due_at)
        }
        OutboxWrite::Supersede { incident, rule } => {
            json.member("op", "supersede")?;
            json.member("incident_id", incident)?;
            json.member("ordering_key", page_ordering_key(rule.as_ref()))
        }
        OutboxWrite::Hasten { messages, due_at } => {
            json.member("op", "hasten")?;
            json.member("ids", messages)?;
            json.member("due_at", due_at)
        }
        OutboxWrite::Replay { message, due_at } => {
            json.member("op", "replay")?;
            json.member("id", message)?;
            json.member("due_at", due_at)
        }
    }
}

fn completes(json: &mut JsonWriter, completed: &LeaseCompletion) -> Result<()> {
    json.member("id", &completed.message)?;
    json.member("owner", &completed.lease.owner)?;
    json.member("token", &completed.lease.token)?;
    match &completed.outcome {
        JobOutcome::Done | JobOutcome::Cancelled => json.member("outcome", "done"),
        JobOutcome::DeadLettered { log } => {
            json.member("outcome", "given_up")?;
            json.text_member("log", log)
        }
        JobOutcome::Retry { due_at, log } => {
            json.member("outcome", "later")?;
            json.member("due_at", due_at)?;
            json.text_member("log", log)
        }
        JobOutcome::Released { due_at } => {
            json.member("outcome", "handed_back")?;
            json.member("due_at", due_at)
        }
    }
}

fn ledger(json: &mut JsonWriter, write: &LedgerWrite) -> Result<()> {
    match &write.subject {
        CreditSubject::Incident(id) => json.member("incident_id", id)?,
        CreditSubject::Period(tenant, period) => {
            json.member("tenant_id", tenant)?;
            json.member("period", period)?;
        }
    }
    json.member("revision", &write.revision)?;
    json.objects("rows", &write.rows, credit)?;
    json.member("retained", &write.keeps)
}

fn credit(json: &mut JsonWriter, row: &LedgerRow) -> Result<()> {
    json.member("id", &row.id)?;
    json.member("tenant_id", &row.tenant_id)?;
    json.member("period", &row.period)?;
    json.member("outage_us", &row.outage_us)?;
    json.member("credit_ppm", &row.credit_percent.ppm())?;
    json.member("terms_version", &row.terms_version)?;
    json.member("state", &row.state)?;
    json.member("author", &row.author)?;
    json.member("reverses", &row.reverses)?;
    json.member("inputs", &row.inputs)
}

fn credit_transition(json: &mut JsonWriter, moved: &CreditTransition) -> Result<()> {
    json.member("id", &moved.id)?;
    json.member("from", moved.from.name())?;
    json.member("to", moved.to.name())?;
    json.member("granted", &moved.granted)?;
    json.member("issued", &moved.issued)
}

fn opens(json: &mut JsonWriter, new: &Suggestion) -> Result<()> {
    json.member("id", &new.id)?;
    json.member("service", &new.request.service)?;
    json.member("tenant", &new.request.tenant)?;
    json.member("received_at", &new.received_at)?;
    let expires_at = new.received_at.saturating_add(SUGGESTION_TTL);
    json.member("expires_at", &expires_at)?;
    json.member("said", &new.request)
}

fn dismisses(json: &mut JsonWriter, id: SuggestionId, at: Timestamp) -> Result<()> {
    json.member("id", &id)?;
    json.member("at", &at)?;
    json.member("until", &at.saturating_add(DISMISSAL_TTL))
}

/// Writes the erasure of an entry with the names of all places; the database refuses a place
/// that it does not know.
fn redacts(json: &mut JsonWriter, redaction: &Redaction) -> Result<()> {
    json.member("incident_id", &redaction.incident_id)?;
    json.member("seq", &redaction.seq)?;
    json.member("suggestion", &redaction.suggestion)?;
    json.values("places", TextPlace::ALL.map(TextPlace::name))
}

fn remember(json: &mut JsonWriter, record: &IdempotencyRecord) -> Result<()> {
    json.member("actor", &record.key.actor)?;
    json.member("key", &record.key.key)?;
    json.member("fingerprint", &hex(&record.key.fingerprint))?;
    json.member("made_at", &record.made_at)?;
    json.member("expires_at", &record.expires_at)?;
    let repeats = match &record.reply {
        StoredResponse::Incident { incident, .. } => Some(incident.id.uuid()),
        StoredResponse::Suggestion { suggestion, .. } => Some(suggestion.id.uuid()),
        StoredResponse::Accepted(_) | StoredResponse::Tested(_) | StoredResponse::Credit(_) => None,
    };
    json.member("incident_id", &repeats)?;
    json.member("reply", &record.reply)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Converts a time to the type that the driver binds.
pub(crate) fn time(time: Timestamp) -> DateTime<Utc> {
    time.to_chrono()
}

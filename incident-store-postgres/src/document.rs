//! A commit as the JSON that `incident.apply_commit` takes.

use chrono::{DateTime, Utc};
use incident_core::audit::{self, AuditDraft, Chain};
use incident_core::billing::{CreditSubject, CreditTransition, LedgerRow, LedgerWrite};
use incident_core::chain::Head;
use incident_core::commit::{
    Commit, IdempotencyRecord, IncidentWrite, OutboxWrite, StoredResponse, SuggestionWrite,
};
use incident_core::incident::{Affected, Incident, Severity};
use incident_core::outbox::{JobOutcome, LeaseCompletion, OrderingKey};
use incident_core::paging::DeliveryLog;
use incident_core::port::StoreError;
use incident_core::redaction::{Redaction, TextPlace};
use incident_core::suggestion::{SUGGESTION_TTL, Suggestion};
use incident_core::timeline::{self, CommittedText, TextName};
use incident_core::{Name, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// What stands for the chain of the system.
pub(crate) const SYSTEM: Uuid = Uuid::nil();

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    remember: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completes: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<Value>,
    writes: Vec<DocumentWrite<'a>>,
    outbox: Vec<Value>,
    audit: Vec<Value>,
    ledger: Vec<Value>,
    credits: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opens: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacts: Option<Value>,
}

#[derive(Serialize)]
struct DocumentWrite<'a> {
    expected: Option<u64>,
    live: bool,
    severity: i16,
    public: bool,
    services: &'a [incident_core::ServiceId],
    tenants: Option<Vec<&'a str>>,
    /// The alerts for which it stands; none where it never had any.
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Vec<&'a Name>>,
    title_lower: String,
    summary_lower: String,
    state: &'a Incident,
    entries: Vec<Value>,
}

/// The document of a commit. Public for measurements, which send the same by
/// other means.
///
/// # Errors
/// Something in it cannot be written as JSON, which no value of core is.
pub fn document(commit: &Commit) -> Result<String, StoreError> {
    let (opens, uses) = match &commit.suggestion {
        Some(SuggestionWrite::Open(new)) => (Some(opens(new)), None),
        Some(SuggestionWrite::Use(id)) => (None, Some(id.uuid())),
        None => (None, None),
    };
    let document = Document {
        remember: commit.remember.as_ref().map(remember),
        completes: commit.completes.as_ref().map(completion),
        alert: commit
            .alert
            .as_ref()
            .map(|claim| json!({"key": claim.key, "seen": claim.seen})),
        writes: commit.writes.iter().map(write).collect::<Result<_, _>>()?,
        outbox: commit.outbox.iter().map(outbox).collect(),
        audit: commit.audit.iter().map(audited).collect::<Result<_, _>>()?,
        ledger: commit.ledger.iter().map(ledger).collect(),
        credits: commit.credits.iter().map(moved).collect(),
        opens,
        uses,
        redacts: commit.redacts.as_ref().map(redacts),
    };
    serde_json::to_string(&document).map_err(|error| StoreError::Unavailable(Box::new(error)))
}

/// The number of a severity: 1 for the worst.
pub(crate) const fn priority(severity: Severity) -> i16 {
    match severity {
        Severity::Sev1 => 1,
        Severity::Sev2 => 2,
        Severity::Sev3 => 3,
        Severity::Sev4 => 4,
    }
}

fn write(write: &IncidentWrite) -> Result<DocumentWrite<'_>, StoreError> {
    let after = &*write.after;
    let entries = write.entries.iter().map(|(draft, salt)| {
        // Bytes and texts do not depend on the place in the chain.
        let sealed = timeline::seal(after.id, Head::EMPTY, draft, *salt)
            .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let texts: Vec<Value> = sealed.texts.iter().map(text).collect();
        Ok(json!({"canonical": String::from_utf8_lossy(&sealed.canonical), "texts": texts}))
    });
    Ok(DocumentWrite {
        expected: write.expected.map(|revision| revision.0),
        live: after.status.is_live(),
        severity: priority(after.severity),
        public: after.status_page.public,
        services: &after.affected_services,
        tenants: match &after.affected_tenants {
            Affected::All => None,
            Affected::These(list) => Some(list.iter().map(|one| one.tenant_id.as_str()).collect()),
        },
        alerts: after.has_alerts().then(|| after.alerts().collect()),
        title_lower: after.title.as_str().to_lowercase(),
        summary_lower: after.summary.as_str().to_lowercase(),
        state: after,
        entries: entries.collect::<Result<_, StoreError>>()?,
    })
}

fn text((name, text): (&TextName, &CommittedText)) -> Value {
    json!([name, hex(&text.salt.0), text.text])
}

pub(crate) fn chain_uuid(chain: Chain) -> Uuid {
    match chain {
        Chain::System => SYSTEM,
        Chain::Incident(id) => id.uuid(),
    }
}

fn audited(draft: &AuditDraft) -> Result<Value, StoreError> {
    let sealed = audit::seal(Head::EMPTY, draft.clone())
        .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
    let canonical = String::from_utf8_lossy(&sealed.canonical);
    Ok(json!({"chain": chain_uuid(sealed.chain), "canonical": canonical}))
}

fn outbox(write: &OutboxWrite) -> Value {
    match write {
        OutboxWrite::Add(message) => json!({
            "op": "add",
            "id": message.id,
            "incident_id": message.incident_id,
            "priority": priority(message.priority),
            "kind": message.body.kind(),
            "ordering_key": message.ordering_key().name(),
            "opens": message.is_trigger(),
            "supersedable": message.is_supersedable(),
            "body": text_of(&message.body),
            "log": text_of(&message.log),
            "committed_at": message.committed_at,
            "due_at": message.due_at,
        }),
        OutboxWrite::Supersede { incident, rule } => {
            let key = OrderingKey::page(rule.as_ref());
            json!({"op": "supersede", "incident_id": incident, "ordering_key": key.name()})
        }
        OutboxWrite::Hasten { messages, due_at } => {
            json!({"op": "hasten", "ids": messages, "due_at": due_at})
        }
        OutboxWrite::Replay { message, due_at } => {
            json!({"op": "replay", "id": message, "due_at": due_at})
        }
    }
}

fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn completion(completed: &LeaseCompletion) -> Value {
    let LeaseCompletion {
        message,
        lease,
        outcome,
    } = completed;
    let mut written = json!({"id": message, "owner": lease.owner, "token": lease.token});
    let more: Vec<(&str, Value)> = match outcome {
        JobOutcome::Done | JobOutcome::Cancelled => vec![("outcome", "done".into())],
        JobOutcome::DeadLettered { log } => {
            vec![("outcome", "given_up".into()), ("log", logged(log))]
        }
        JobOutcome::Retry { due_at, log } => vec![
            ("outcome", "later".into()),
            ("due_at", due_at.to_string().into()),
            ("log", logged(log)),
        ],
        JobOutcome::Released { due_at } => vec![
            ("outcome", "handed_back".into()),
            ("due_at", due_at.to_string().into()),
        ],
    };
    if let Some(object) = written.as_object_mut() {
        object.extend(
            more.into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
    }
    written
}

fn logged(log: &[DeliveryLog]) -> Value {
    text_of(&log).into()
}

fn ledger(write: &LedgerWrite) -> Value {
    let rows: Vec<Value> = write.rows.iter().map(credit).collect();
    let (incident, tenant, period) = match &write.subject {
        CreditSubject::Incident(id) => (Some(id), None, None),
        CreditSubject::Period(tenant, period) => (None, Some(tenant), Some(period)),
    };
    json!({
        "incident_id": incident,
        "tenant_id": tenant,
        "period": period,
        "revision": write.revision,
        "rows": rows,
        "retained": write.keeps,
    })
}

fn credit(row: &LedgerRow) -> Value {
    json!({
        "id": row.id,
        "tenant_id": row.tenant_id,
        "period": row.period,
        "outage_us": row.outage_us,
        "credit_ppm": row.credit_percent.ppm(),
        "terms_version": row.terms_version,
        "state": row.state,
        "author": row.author,
        "reverses": row.reverses,
        "inputs": row.inputs,
    })
}

fn moved(credit: &CreditTransition) -> Value {
    json!({
        "id": credit.id,
        "from": credit.from.name(),
        "to": credit.to.name(),
        "granted": credit.granted,
        "issued": credit.issued,
    })
}

fn opens(new: &Suggestion) -> Value {
    json!({
        "id": new.id,
        "service": new.request.service,
        "tenant": new.request.tenant,
        "received_at": new.received_at,
        "expires_at": new.received_at.saturating_add(SUGGESTION_TTL),
        "said": new.request,
    })
}

/// The erasure of an entry, with every place that it reaches: one that the database does
/// not know is refused there.
fn redacts(redaction: &Redaction) -> Value {
    let Redaction {
        incident_id,
        seq,
        suggestion,
    } = redaction;
    json!({
        "incident_id": incident_id,
        "seq": seq,
        "suggestion": suggestion,
        "places": TextPlace::ALL.map(TextPlace::name),
    })
}

fn remember(remember: &IdempotencyRecord) -> Value {
    let repeats: Option<Uuid> = match &remember.reply {
        StoredResponse::Incident { incident, .. } => Some(incident.id.uuid()),
        StoredResponse::Suggestion { suggestion, .. } => Some(suggestion.id.uuid()),
        StoredResponse::Accepted(_) | StoredResponse::Tested(_) | StoredResponse::Credit(_) => None,
    };
    json!({
        "actor": remember.scope.actor,
        "key": remember.scope.key,
        "fingerprint": hex(&remember.fingerprint),
        "made_at": remember.made_at,
        "expires_at": remember.expires_at,
        "incident_id": repeats,
        "reply": remember.reply,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time as the driver binds it.
pub(crate) fn time(time: Timestamp) -> DateTime<Utc> {
    time.to_chrono()
}

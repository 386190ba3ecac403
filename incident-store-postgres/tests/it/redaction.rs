//! Texts are erased only by a redaction on record; and the locks of a redaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use incident_core::actor::Role;
use incident_core::chain::Verdict;
use incident_core::engine::{IdempotencyKey, Incidents, RequestContext};
use incident_core::incident::{Command, Declare, Severity};
use incident_core::testing::caller;
use incident_core::{IncidentId, Statement};
use incident_test_postgres::Database;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row};

use crate::server::{self, APP};

fn anna() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

fn redact(seq: u64) -> Command {
    let reason = Statement::new("a pasted password").unwrap();
    Command::Redact { seq, reason }
}

/// Creates an engine and an incident that was declared under a key.
async fn declared(database: &Database) -> (Incidents, IncidentId) {
    let store = Arc::new(server::store(database).await);
    let incidents = Incidents::builder(store).build().unwrap();
    let context = anna().with_key(IdempotencyKey {
        actor: "anna".parse().unwrap(),
        key: "k".to_owned(),
        fingerprint: [1; 32],
    });
    let asked = Declare::new("hunter2 is out".parse().unwrap(), Severity::Sev3);
    let done = incidents.declare(&context, &asked).await.unwrap();
    (incidents, done.incident.id)
}

async fn refused(connection: &mut PgConnection, sql: &str) -> String {
    let Err(error) = connection.execute(AssertSqlSafe(sql.to_owned())).await else {
        panic!("not refused: {sql}")
    };
    let code = error.as_database_error().unwrap().code().unwrap();
    code.into_owned()
}

/// S4: a server's role cannot delete texts, the function that it may call does so only for
/// redactions on record, and the owner is refused as well.
#[tokio::test]
async fn texts_leave_by_a_redaction_that_is_on_record_alone() {
    let database = server::database().await;
    let (incidents, id) = declared(&database).await;
    let mut app = database.options().username(APP).connect().await.unwrap();
    let mut owner = database.options().connect().await.unwrap();
    let delete = "delete from incident.timeline_texts";
    let erase = format!("select incident.erase_texts('{id}', 1)");
    let redact_by_hand =
        format!("select incident.redact_texts('{{\"incident_id\": \"{id}\", \"seq\": 1}}')");
    // insufficient_privilege
    assert_eq!(refused(&mut app, delete).await, "42501");
    for replica in ["origin", "replica"] {
        let set = format!("set session_replication_role = {replica}");
        owner.execute(AssertSqlSafe(set)).await.unwrap();
        assert_eq!(refused(&mut owner, delete).await, "INC10", "as {replica}");
    }
    owner
        .execute("set session_replication_role = origin")
        .await
        .unwrap();
    assert_eq!(refused(&mut app, &erase).await, "INC10");
    assert_eq!(refused(&mut app, &redact_by_hand).await, "INC08");
    // A redaction that was requested and denied is not on record.
    let vera = RequestContext::new(caller("vera", Role::Viewer).unwrap());
    incidents.act(&vera, id, &redact(1)).await.unwrap_err();
    assert_eq!(refused(&mut app, &erase).await, "INC10");
    incidents.act(&anna(), id, &redact(1)).await.unwrap();
    let left = "select count(*) as n from incident.timeline_texts";
    let left: i64 = owner.fetch_one(left).await.unwrap().get("n");
    assert_eq!(left, 0);
    let verdict = incidents.audit().verify_timeline(id).await.unwrap();
    assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
    // A place that the database does not know is refused instead of skipped.
    let unknown = format!(
        "select incident.redact_texts('{{\"incident_id\": \"{id}\", \"seq\": 1, \"places\": [\"attic\"]}}')"
    );
    assert_eq!(refused(&mut app, &unknown).await, "INC08");
}

/// S4: a text that was erased without a redaction on record is named, even if the guard was
/// switched off.
#[tokio::test]
async fn a_text_that_is_gone_without_a_redaction_is_named() {
    let database = server::database().await;
    let (incidents, id) = declared(&database).await;
    let mut owner = database.options().connect().await.unwrap();
    for sql in [
        "alter table incident.timeline_texts disable trigger only_redacted",
        "delete from incident.timeline_texts",
        "alter table incident.timeline_texts enable always trigger only_redacted",
    ] {
        owner.execute(sql).await.unwrap();
    }
    let verdict = incidents.audit().verify_timeline(id).await.unwrap();
    assert!(
        matches!(verdict, Verdict::Broken { seq: 1, reason } if reason.contains("redaction")),
        "{verdict:?}"
    );
    // Recorded afterwards, the erasure is valid.
    incidents.act(&anna(), id, &redact(1)).await.unwrap();
    let verdict = incidents.audit().verify_timeline(id).await.unwrap();
    assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
}

/// A24: a redaction locks the replies that it erases before the incident. In the opposite order
/// it would hold the incident while it waits for a key, whose holder waits for the incident.
#[tokio::test]
async fn a_redaction_that_waits_for_a_key_does_not_hold_the_incident() {
    let database = server::database().await;
    let (incidents, id) = declared(&database).await;
    let mut other = database.options().connect().await.unwrap();
    let mut work = other.begin().await.unwrap();
    work.execute("select 1 from incident.idempotency_keys where key = 'k' for update")
        .await
        .unwrap();
    let redacting = tokio::spawn({
        let incidents = incidents.clone();
        async move { incidents.act(&anna(), id, &redact(1)).await }
    });
    let mut watcher = database.options().connect().await.unwrap();
    let waits = "select count(*) as n from pg_stat_activity \
                 where datname = current_database() and wait_event_type = 'Lock'";
    let started = Instant::now();
    loop {
        let waiting: i64 = watcher.fetch_one(waits).await.unwrap().get("n");
        if waiting == 1 {
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "it does not wait"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // This would be refused at once if the redaction had locked the incident.
    let incident = format!("select 1 from incident.incidents where id = '{id}' for update nowait");
    work.execute(AssertSqlSafe(incident)).await.unwrap();
    work.commit().await.unwrap();
    redacting.await.unwrap().unwrap();
    let stored = incidents.get(id).await.unwrap();
    assert_eq!(stored.title.as_str(), "[redacted]");
}

/// The columns of the schema that hold text or JSON, and their content. A new column has to be
/// listed here, and in the redaction if it holds a person's words
/// (`incident_core::redaction::TextPlace`).
#[tokio::test]
async fn every_column_of_text_is_known_to_the_redaction() {
    /// Words of people, with the place under which a redaction erases them.
    const WORDS: [(&str, &str); 8] = [
        ("timeline_texts.texts", "entry"),
        ("incidents.state", "incident"),
        ("incidents.title_lower", "incident"),
        ("incidents.summary_lower", "incident"),
        ("outbox.body", "outbox and given_up"),
        ("idempotency_keys.reply", "replies"),
        ("suggestions.said", "suggestion"),
        // A view of the entries' texts.
        ("timeline_shown.texts", "entry"),
    ];
    /// Names, states and figures, and words that are never erased where a comment says so.
    const OTHERS: [&str; 36] = [
        "alert_holders.alert_key",
        "alert_holders.environment",
        // Holds the reasons of redactions and waivers, which stay: see SECURITY.md.
        "audit.actor",
        "audit.canonical",
        "credits.author",
        "credits.granted",
        "credits.inputs",
        "credits.issued",
        "credits.period",
        "credits.state",
        "credits.tenant_id",
        "credits.terms_version",
        "idempotency_keys.actor",
        "idempotency_keys.key",
        "incidents.alert_key",
        // Made from the state.
        "incidents.public_id",
        "incidents.services",
        "incidents.status",
        "incidents.tenants",
        "open_suggestions.service",
        "open_suggestions.tenant",
        "outbox.kind",
        "outbox.log",
        "outbox.ordering_key",
        "outbox.state",
        "outbox.thread",
        // Names and figures of the policy file.
        "policies.body",
        // Holds texts only as commitments.
        "timeline.canonical",
        "timeline_shown.author",
        "timeline_shown.kind",
        "timeline_shown.status_from",
        "timeline_shown.status_to",
        // Calls of the host's users.
        "usage_events.endpoint",
        "usage_events.service",
        "usage_events.tenant_id",
        "usage_events.user_id",
    ];
    let database = server::database().await;
    let mut owner = database.options().connect().await.unwrap();
    let columns = "select c.relname || '.' || a.attname as name from pg_attribute a \
                   join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace \
                   join pg_type t on t.oid = a.atttypid \
                   where n.nspname = 'incident' and a.attnum > 0 and not a.attisdropped \
                     and c.relkind in ('r', 'p', 'v', 'm') and c.relname not like 'usage\\_20%' and c.relname <> '_migrations' \
                     and (t.typcategory = 'S' or t.typname in ('json', 'jsonb', 'bytea', 'xml') or t.typcategory = 'A') \
                     and a.attname not like '%hash' and a.attname <> 'fingerprint' \
                   order by 1";
    let rows = owner.fetch_all(columns).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.get("name")).collect();
    let known: BTreeMap<&str, &str> = WORDS
        .into_iter()
        .chain(OTHERS.into_iter().map(|name| (name, "")))
        .collect();
    let known: Vec<&str> = known.into_keys().collect();
    assert_eq!(found, known);
}

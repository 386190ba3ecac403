//! Rewrites of an incident by the application's role, and their detection by `verify`: each
//! column and each field of the state in turn.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident_core::IncidentId;
use incident_core::actor::Role;
use incident_core::chain::Verdict;
use incident_core::engine::{Alarm, Incidents, RequestContext};
use incident_core::incident::{
    Affected, AffectedTenant, Change, Command, Declare, Severity, Status,
};
use incident_core::testing::{ManualClock, caller, update_to};
use incident_test_postgres::Database;
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use crate::server::{self, APP};

type Alarms = Arc<Mutex<Vec<Alarm>>>;

/// A resolved incident that was reopened once, and a connection with the role of a server.
struct Scene {
    incidents: Incidents,
    clock: Arc<ManualClock>,
    alarms: Alarms,
    id: IncidentId,
    app: PgConnection,
    _database: Database,
}

fn context() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

impl Scene {
    async fn new() -> Self {
        let database = server::database().await;
        let clock = Arc::new(ManualClock::at("2026-11-20T22:00:00Z".parse().unwrap()));
        let alarms = Alarms::default();
        let heard = alarms.clone();
        let incidents = Incidents::builder(Arc::new(server::store(&database).await))
            .clock(clock.clone())
            .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()))
            .build()
            .unwrap();
        let tenant = |name: &str| AffectedTenant::whole(name.parse().unwrap());
        let mut asked = Declare::new("API down".parse().unwrap(), Severity::Sev3);
        asked.affected_tenants = Affected::These([tenant("tenant-de"), tenant("tenant-fr")].into());
        asked.affected_services = vec!["api".parse().unwrap()];
        asked.alert_key = Some("cpu".parse().unwrap());
        asked.summary = "5xx".parse().unwrap();
        let id = incidents
            .declare(&context(), &asked)
            .await
            .unwrap()
            .incident
            .id;
        for status in [Status::Resolved, Status::Investigating, Status::Resolved] {
            clock.advance(Duration::from_secs(3_600));
            let Command::Update(mut update) = update_to(status, "moved").unwrap() else {
                panic!()
            };
            update.reason = Some("it is back".parse().unwrap());
            let command = Command::Update(update);
            incidents.act(&context(), id, &command).await.unwrap();
        }
        let end = Some("2026-11-21T00:30:00Z".parse().unwrap());
        let change = Command::Change(vec![Change::ImpactEndedAt(end)]);
        incidents.act(&context(), id, &change).await.unwrap();
        let app = database.options().username(APP).connect().await.unwrap();
        let scene = Self {
            incidents,
            clock,
            alarms,
            id,
            app,
            _database: database,
        };
        assert_eq!(scene.broken().await, None);
        scene
    }

    async fn run(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        self.app.execute(sql).await.unwrap();
    }

    /// Returns the reason for which `verify` reports the chain as broken.
    async fn broken(&self) -> Option<&'static str> {
        match self
            .incidents
            .audit()
            .verify_timeline(self.id)
            .await
            .unwrap()
        {
            Verdict::Broken { reason, .. } => Some(reason),
            Verdict::Valid { .. } => None,
        }
    }

    async fn state(&mut self) -> Value {
        let sql = "select state::text as state from incident.incidents";
        let row = self.app.fetch_one(sql).await.unwrap();
        serde_json::from_str(row.get("state")).unwrap()
    }

    /// Writes a state, and the columns that derive from it, as `incident.apply_commit` would.
    async fn write(&mut self, state: &Value) {
        let state = state.to_string().replace('\'', "''");
        let sql = format!(
            "update incident.incidents set state = s, severity = right(s ->> 'severity', 1)::smallint, \
             status = s ->> 'status', live = s ->> 'status' in ('triage', 'investigating', 'identified', 'mitigated'), \
             resolved_at = coalesce(s ->> 'resolved_at', s ->> 'cancelled_at')::timestamptz, \
             started_at = (s ->> 'started_at')::timestamptz, \
             ended_at = coalesce(s ->> 'impact_ended_at', s ->> 'resolved_at')::timestamptz, \
             due_at = (s #>> '{{clocks,due_at}}')::timestamptz, \
             tenants = case when jsonb_typeof(s -> 'affected_tenants') = 'array' \
                 then array(select v ->> 'tenant_id' from jsonb_array_elements(s -> 'affected_tenants') with ordinality e (v, n) order by n) end \
             from (select '{state}'::jsonb) as one (s)"
        );
        self.run(&sql).await;
    }
}

/// S20: each column of an incident that a server's role can write is compared with the state,
/// whatever the new value.
#[tokio::test]
async fn a_column_that_is_rewritten_is_named() {
    let mut scene = Scene::new().await;
    let sql = "select attname::text as name from pg_attribute \
               where attrelid = 'incident.incidents'::regclass and attnum > 0 and not attisdropped order by attnum";
    let rows = scene.app.fetch_all(sql).await.unwrap();
    let columns: Vec<String> = rows.iter().map(|row| row.get("name")).collect();
    assert!(columns.len() > 15);
    for column in &columns {
        let changed: &[&str] = match column.as_str() {
            // The state is compared with the marks of the newest entry, field by field, in the
            // test below. The id cannot become another incident's, as the entries refer to it.
            "state" | "id" => continue,
            // PostgreSQL makes it from the state and refuses to have it set.
            "public_id" => continue,
            "number" | "revision" | "version" | "last_seq" => &["$ + 1"],
            "last_hash" => &["sha256(last_hash)"],
            "status" => &["'merged'", "'investigating'"],
            "live" | "public" => &["not $"],
            "severity" => &["1"],
            "declared_at" | "started_at" => {
                &["$ + interval '1 microsecond'", "$ - interval '30 days'"]
            }
            "resolved_at" | "ended_at" => &["$ + interval '1 microsecond'", "null"],
            "due_at" => &["'2030-01-01T00:00:00Z'"],
            "alert_key" => &["'other'", "null"],
            "services" => &["array['other']", "array[]::text[]"],
            "tenants" => &[
                "array['tenant-de']",
                "array['tenant-fr', 'tenant-de']",
                "null",
            ],
            "title_lower" | "summary_lower" => &["$ || '.'"],
            other => panic!("{other}: expected to be told how it may be rewritten"),
        };
        for value in changed {
            let value = value.replace('$', column);
            scene
                .run(&format!("update incident.incidents set {column} = {value}"))
                .await;
            let found = scene.broken().await;
            assert!(
                found.is_some_and(|reason| reason.contains(column.as_str())),
                "{column} = {value}: {found:?}"
            );
            let state = scene.state().await;
            restore(&mut scene, &state).await;
            assert_eq!(scene.broken().await, None, "{column} restored");
        }
    }
}

/// Restores every column that derives from the state.
async fn restore(scene: &mut Scene, state: &Value) {
    scene.write(state).await;
    scene
        .run(
            "update incident.incidents i set number = (state ->> 'number')::bigint, revision = (state ->> 'revision')::bigint, \
             version = (state ->> 'version')::bigint, last_seq = (state ->> 'last_seq')::bigint, \
             last_hash = (select hash from incident.timeline t where t.incident_id = i.id order by seq desc limit 1), \
             public = (state -> 'face' ->> 'public')::boolean, declared_at = (state ->> 'declared_at')::timestamptz, \
             alert_key = state ->> 'alert_key', services = incident.texts(state -> 'affected_services'), \
             title_lower = lower(state ->> 'title'), summary_lower = lower(state ->> 'summary')",
        )
        .await;
}

/// Returns forged values for a field of the state.
fn forged(field: &str, before: &Value) -> Vec<Value> {
    match field {
        "severity" => vec![json!("SEV1")],
        "status" => vec![json!("investigating"), json!("closed")],
        "mode" => vec![json!("drill"), json!("retrospective")],
        "environment" => vec![json!("staging")],
        "ending" => vec![json!({"cancelled": "duplicate"})],
        "started_at" | "reopened_at" | "impact_ended_at" | "resolved_at" => {
            vec![json!("2026-11-20T22:30:00.000001Z")]
        }
        "earlier" => vec![
            json!([]),
            json!([{"start": "2026-11-20T22:00:00Z", "end": "2026-11-20T22:00:01Z"}]),
        ],
        "affected_tenants" => {
            let mut shorter = before.clone();
            shorter[0]["until"] = json!("2026-11-20T22:00:01Z");
            let mut fewer = before.clone();
            fewer.as_array_mut().unwrap().pop();
            vec![json!("all"), json!([]), shorter, fewer]
        }
        "facts" => {
            let mut partial = before.clone();
            partial["scope"] = json!("regions");
            vec![partial]
        }
        other => panic!("{other}: expected to be told how it may be forged"),
    }
}

/// Fields that are bound to the chain, each with the word in the finding that names it.
const BOUND: [(&str, &str); 11] = [
    ("severity", "severity"),
    ("status", "status"),
    ("mode", "mode"),
    ("environment", "environment"),
    ("ending", "ending"),
    ("started_at", "times"),
    ("earlier", "times"),
    ("reopened_at", "times"),
    ("impact_ended_at", "times"),
    ("resolved_at", "times"),
    ("affected_tenants", "tenants"),
];
/// Fields that no credit is computed from. A new field has to be listed here, or in the groups
/// of `incident_core::timeline::StateMarks`.
const FREE: [&str; 39] = [
    "acknowledged_at",
    "acknowledged_by",
    "affected_services",
    "alert_key",
    "alert_moved",
    "cancelled_at",
    "clocks",
    "closed_at",
    // The number of computations, which also changes without an entry.
    "credit_revision",
    "declared_at",
    "detected_at",
    "escalations",
    "eta",
    "face",
    "id",
    "last_recorded_at",
    "last_seq",
    "merged_alerts",
    "mitigated_at",
    "next_update_due_at",
    "number",
    "paging",
    "post_mortem",
    "recurrence_of",
    "redacted_at",
    "related",
    "repeats",
    "responder",
    "revision",
    "roles",
    "shaped_by",
    "source",
    "started_at_assumed",
    "suggestion_id",
    "summary",
    "text_from",
    "title",
    "tracker_url",
    "version",
];

/// S20: each field of the state from which credits are computed is bound to the chain. If it is
/// rewritten with all its columns, `verify` and an anchoring pass name it.
#[tokio::test]
async fn a_field_that_credits_are_computed_from_is_named() {
    let mut scene = Scene::new().await;
    let sound = scene.state().await;
    let bound: BTreeSet<&str> = BOUND.iter().map(|(field, _)| *field).collect();
    for field in sound.as_object().unwrap().keys() {
        let known = bound.contains(field.as_str()) || FREE.contains(&field.as_str());
        assert!(
            known || field == "facts",
            "{field} is neither bound nor free"
        );
    }
    let facts = [("facts", "scope")];
    for (field, word) in BOUND.into_iter().chain(facts) {
        for value in forged(field, &sound[field]) {
            let mut state = sound.clone();
            state[field] = value.clone();
            scene.write(&state).await;
            let found = scene.broken().await;
            assert!(
                found.is_some_and(|reason| reason.contains(word)),
                "{field} = {value}: {found:?}"
            );
        }
        scene.write(&sound).await;
        assert_eq!(scene.broken().await, None);
    }
    // The incident did not change for days; the pass still finds and names the forgery.
    scene.incidents.worker().anchor().await.unwrap();
    scene.clock.advance(Duration::from_secs(20 * 86_400));
    assert_eq!(scene.incidents.worker().anchor().await.unwrap().broken, 0);
    let mut state = sound.clone();
    state["impact_ended_at"] = json!("2026-11-20T22:30:00Z");
    scene.write(&state).await;
    assert_eq!(scene.incidents.worker().anchor().await.unwrap().broken, 1);
    let alarms = scene.alarms.lock().unwrap().clone();
    assert!(
        matches!(alarms.as_slice(), [Alarm::ChainBroken { reason, .. }] if reason.contains("times")),
        "{alarms:?}"
    );
}

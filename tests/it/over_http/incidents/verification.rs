//! Verification of chains: its findings besides broken links, and its effect on other requests.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use incident_core::actor::Actor;
use incident_core::audit::{AuditDraft, AuditOutcome};
use incident_core::chain::Verdict;
use incident_core::commit::Commit;
use incident_core::engine::{Alarm, AuditVerdict, Incidents};
use incident_core::incident::{Command, Declare, Severity, Update};
use incident_core::port::IncidentStore;
use incident_core::testing::ManualClock;
use incident_core::{PersonName, Timestamp};
use incident_store_memory::{MemoryAnchors, MemoryStore};
use serde_json::{Value, json};

use crate::over_http::harness::{COMMANDER, Server, VIEWER, context};
use crate::over_http::troubled::{FORGETS, GARBLES, NONE, Troubled};

const WITHIN: Duration = Duration::from_secs(5);

/// Creates a store with this many entries in its audit trail.
async fn long_audit(entries: i64) -> MemoryStore {
    let store = MemoryStore::default();
    let said = |n| AuditDraft {
        incident_id: None,
        at: Timestamp::from_micros(n).unwrap(),
        actor: Actor::person(PersonName::new("anna").unwrap()),
        action: "update".to_owned(),
        outcome: AuditOutcome::Allowed,
        detail: [("number".to_owned(), n.to_string())].into(),
    };
    let commit = Commit {
        audit: (1..=entries).map(said).collect(),
        ..Commit::default()
    };
    store.commit(commit, WITHIN).await.unwrap();
    store
}

/// S10: a verification follows an incident that is written meanwhile, but not forever: after a
/// number of commands its links are found intact, and its state is not compared.
#[tokio::test]
async fn a_check_follows_so_many_commands_and_no_more() {
    const FOLLOWED: u32 = 64;
    let inner = Arc::new(MemoryStore::default());
    let store = Troubled::over(inner.clone());
    let writer = Incidents::builder(inner).build().unwrap();
    let incidents = Incidents::builder(store.clone()).build().unwrap();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev2);
    let anna = context();
    let id = incidents.declare(&anna, &asked).await.unwrap().incident.id;
    // The state has been rewritten, which is detected when it is compared.
    store.tells("severity", json!("SEV4"));
    // One read before the entries checks that the incident exists.
    for (commands, compared) in [(0, true), (FOLLOWED, true), (FOLLOWED + 1, false)] {
        store.writes_before_reads(commands, writer.clone());
        let verdict = incidents.audit().verify_timeline(id).await.unwrap();
        let broken = matches!(verdict, Verdict::Broken { .. });
        assert_eq!(broken, compared, "{commands}: {verdict:?}");
    }
}

/// S18: the verification of a long audit trail yields to other tasks, on one thread and in memory,
/// where no call ever waits.
#[tokio::test]
async fn others_go_on_while_a_long_audit_is_checked() {
    const ENTRIES: u64 = 20_000;
    let store = long_audit(20_000).await;
    let incidents = Incidents::builder(Arc::new(store)).build().unwrap();
    let turns = Arc::new(AtomicU64::new(0));
    let counted = turns.clone();
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let verdict = incidents.audit().verify().await.unwrap();
    other.abort();
    assert!(
        matches!(
            verdict,
            AuditVerdict::Valid {
                entries: ENTRIES,
                ..
            }
        ),
        "{verdict:?}"
    );
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns > ENTRIES / 100, "{turns} turns for {ENTRIES} entries");
}

/// S18: `/healthz` responds meanwhile, with one thread for everything.
#[tokio::test]
async fn healthz_is_answered_while_a_long_audit_is_checked() {
    let server = Server::on_memory(long_audit(40_000).await).await;
    let incidents = server.incidents().clone();
    let verify = tokio::spawn(async move { incidents.audit().verify().await.unwrap() });
    for _ in 0..3 {
        let healthy = server.get("", "/healthz").await;
        assert_eq!(healthy.status, 200);
        assert!(!verify.is_finished(), "it was over first");
    }
    assert!(matches!(verify.await.unwrap(), AuditVerdict::Valid { .. }));
    server.stop().await;
}

/// Returns forged values of fields from which credits are computed, and the word with which
/// `verify` reports each.
fn forged(state: &Value) -> Vec<(&'static str, Value, &'static str)> {
    let tenants = &state["affected_tenants"];
    let mut shorter = tenants.clone();
    shorter[0]["until"] = json!("2026-11-20T23:00:01Z");
    let mut facts = state["facts"].clone();
    facts["scope"] = json!("segments");
    let earlier = json!([{"start": "2026-11-20T21:00:00Z", "end": "2026-11-20T22:00:00Z"}]);
    vec![
        ("severity", json!("SEV1"), "severity"),
        ("status", json!("investigating"), "status"),
        ("mode", json!("drill"), "mode"),
        ("environment", json!("staging"), "environment"),
        ("ending", json!({"cancelled": "external"}), "ending"),
        ("started_at", json!("2026-11-20T22:59:59.999999Z"), "times"),
        ("reopened_at", json!("2026-11-20T23:00:00Z"), "times"),
        ("impact_ended_at", json!("2026-11-20T23:00:01Z"), "times"),
        ("resolved_at", Value::Null, "times"),
        ("earlier", earlier, "times"),
        ("affected_tenants", json!("all"), "tenants"),
        ("affected_tenants", shorter, "tenants"),
        ("facts", facts, "scope"),
    ]
}

/// S20: a state that is rewritten behind the store's back is reported, whatever the store.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_rewritten_does_not_fit_its_chain() {
    let (server, troubled) = Server::troubled().await;
    // Without a page, whose outcome would become an entry at some moment of the test.
    let quiet = json!({"severity": "SEV4", "page": false});
    let path = server.declare(&quiet).await;
    server.clock.advance(Duration::from_secs(3_600));
    let over = json!({"message": "over", "status": "resolved"});
    server.update(COMMANDER, &path, &over).await;
    let verify = format!("{path}/timeline/verify");
    let sound = server.get(VIEWER, &verify).await.is(200);
    assert_eq!(sound["valid"], true);
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let stored = server.store.load(id, WITHIN).await.unwrap().unwrap();
    let state = serde_json::to_value(&*stored).unwrap();
    for (field, value, word) in forged(&state) {
        assert_ne!(state[field], value, "{field}");
        troubled.tells(field, value.clone());
        let found = server.get(VIEWER, &verify).await.is(200);
        let reason = found["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(word), "{field} = {value}: {found}");
        assert_eq!(found["seq"], sound["entries"]);
    }
    troubled.tells_the_truth();
    assert_eq!(server.get(VIEWER, &verify).await.is(200)["valid"], true);
    server.stop().await;
}

/// A state with another number of entries, a missing state and an unreadable one do not match the
/// chain; the background pass leaves unreadable ones to `verify`.
#[tokio::test]
async fn a_state_that_is_not_that_of_its_entries_is_named() {
    let troubled = Troubled::over(Arc::new(MemoryStore::default()));
    let incidents = Incidents::builder(troubled.clone())
        .anchor_record(Arc::new(MemoryAnchors::default()))
        .build()
        .unwrap();
    let context = context();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev4);
    let id = incidents
        .declare(&context, &asked)
        .await
        .unwrap()
        .incident
        .id;
    incidents.worker().anchor().await.unwrap();
    let reason = async || match incidents.audit().verify_timeline(id).await.unwrap() {
        Verdict::Valid { .. } => (0, "sound"),
        Verdict::Broken { seq, reason } => (seq, reason),
    };
    assert_eq!(reason().await, (0, "sound"));
    troubled.tells("last_seq", json!(2));
    assert_eq!(reason().await, (2, "the entry is missing"));
    troubled.tells("last_seq", json!(0));
    let fewer = "the incident's entry count is lower than the number of its timeline entries";
    assert_eq!(reason().await, (1, fewer));
    troubled.tells_the_truth();
    for (trouble, said, found) in [
        (FORGETS, "the record of the incident is missing", 1),
        (
            GARBLES,
            "the stored state of the incident could not be decoded",
            0,
        ),
    ] {
        let note = Command::Update(Box::new(Update::new("on it".parse().unwrap())));
        incidents.act(&context, id, &note).await.unwrap();
        troubled.is_in(trouble);
        let (seq, reason) = reason().await;
        assert_eq!(reason, said);
        assert!(seq > 1, "at its last entry: {seq}");
        assert_eq!(
            incidents.worker().anchor().await.unwrap().broken,
            found,
            "{said}"
        );
        troubled.is_in(NONE);
    }
}

/// S20: outcomes of pages, repeated alerts, computed credits and redactions write the incident
/// without a command on the inputs of credits: it still matches its chain.
#[tokio::test(flavor = "multi_thread")]
async fn writes_without_a_command_keep_the_state_bound_to_the_chain() {
    let server = Server::start().await;
    let more = json!({"severity": "SEV2", "alert_key": "cpu", "affected_tenants": "all"});
    let path = server.declare(&more).await;
    server.paged(&path, "accepted").await;
    let verify = format!("{path}/timeline/verify");
    let sound = async |what: &str| {
        let found = server.get(VIEWER, &verify).await.is(200);
        assert_eq!(found["valid"], true, "after {what}: {found}");
    };
    sound("a page").await;
    let again = json!({"title": "again", "severity": "SEV1", "alert_key": "cpu"});
    server
        .post(COMMANDER, "/sys/incidents", &again)
        .await
        .is(200);
    sound("a repeat that raised it").await;
    let again = json!({"title": "again", "severity": "SEV3", "alert_key": "cpu"});
    server
        .post(COMMANDER, "/sys/incidents", &again)
        .await
        .is(200);
    sound("a repeat without an entry").await;
    let other = server.declare(&json!({"severity": "SEV4"})).await;
    let merge = json!({"message": "part of it", "status": "merged", "reason": "same", "merged_into": path.rsplit('/').next().unwrap()});
    let updates = format!("{other}/updates");
    server.post(COMMANDER, &updates, &merge).await.is(201);
    sound("a merge").await;
    let over = json!({"message": "over", "status": "resolved"});
    server.update(COMMANDER, &path, &over).await;
    server.incidents().worker().drain().await.unwrap();
    sound("credits").await;
    let redact = json!({"reason": "a pasted password"});
    let first = format!("{path}/updates/1/redact");
    server
        .post(crate::over_http::harness::ADMIN, &first, &redact)
        .await
        .is(200);
    sound("a redaction").await;
    assert_eq!(
        server.incidents().worker().anchor().await.unwrap().broken,
        0
    );
    server.stop().await;
}

/// S20: the background pass compares all incidents in turn, finds a rewritten state of one that has
/// not moved for long, and raises an alarm.
#[tokio::test]
async fn a_background_pass_compares_every_incident_in_turn() {
    let troubled = Troubled::over(Arc::new(MemoryStore::default()));
    let clock = Arc::new(ManualClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
    let alarms = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = alarms.clone();
    let incidents = Incidents::builder(troubled.clone())
        .clock(clock.clone())
        .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()))
        .build()
        .unwrap();
    let context = context();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev4);
    for _ in 0..250 {
        incidents.declare(&context, &asked).await.unwrap();
    }
    incidents.worker().anchor().await.unwrap();
    clock.advance(Duration::from_secs(20 * 86_400));
    // The rest of a round that the first pass began.
    for _ in 0..3 {
        assert_eq!(incidents.worker().anchor().await.unwrap().broken, 0);
    }
    troubled.tells("environment", json!("staging"));
    let mut found = 0;
    for _ in 0..4 {
        found += incidents.worker().anchor().await.unwrap().broken;
    }
    assert!(found >= 250, "{found}");
    let alarms = alarms.lock().unwrap();
    let named = |alarm: &Alarm| matches!(alarm, Alarm::ChainBroken { reason, .. } if reason.contains("environment"));
    assert!(alarms.iter().all(named), "{:?}", alarms.first());
    let mut chains = BTreeSet::new();
    for alarm in alarms.iter() {
        if let Alarm::ChainBroken { chain, .. } = alarm {
            chains.insert(*chain);
        }
    }
    assert_eq!(chains.len(), 250, "each of them");
}

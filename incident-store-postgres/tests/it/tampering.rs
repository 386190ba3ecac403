//! Forgery by an owner of the database with every guard switched off, and its detection with
//! and without anchors.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use incident_core::IncidentId;
use incident_core::actor::Role;
use incident_core::anchor::{Anchor, AnchoredChain};
use incident_core::audit::Chain;
use incident_core::chain::{Head, Verdict};
use incident_core::engine::{Alarm, AuditVerdict, Incidents, RequestContext};
use incident_core::incident::{Declare, Incident, Severity, Status};
use incident_core::port::AnchorRecord;
use incident_core::testing::{caller, update_to};
use incident_store_memory::MemoryAnchors;
use incident_test_postgres::Database;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use crate::server;

type Alarms = Arc<Mutex<Vec<Alarm>>>;

/// An anchored incident with four entries, and a malicious owner of the database.
struct Scene {
    incidents: Incidents,
    /// An engine on the same database without anchors.
    blind: Incidents,
    anchors: MemoryAnchors,
    alarms: Alarms,
    id: IncidentId,
    /// The incident's state after each command.
    states: Vec<Arc<Incident>>,
    owner: PgConnection,
    _database: Database,
}

impl Scene {
    async fn new() -> Self {
        let database = server::database().await;
        let store = Arc::new(server::store(&database).await);
        let (anchors, alarms) = (MemoryAnchors::default(), Alarms::default());
        let heard = alarms.clone();
        let incidents = Incidents::builder(store.clone())
            .anchor_record(Arc::new(anchors.clone()))
            .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()))
            .build()
            .unwrap();
        let blind = Incidents::builder(store).build().unwrap();
        let asked = Declare::new("API down".parse().unwrap(), Severity::Sev3);
        let done = incidents.declare(&context(), &asked).await.unwrap();
        let id = done.incident.id;
        let mut states = vec![done.incident];
        for status in [Status::Investigating, Status::Identified, Status::Mitigated] {
            let command = update_to(status, "moved").unwrap();
            let done = incidents.act(&context(), id, &command).await.unwrap();
            states.push(done.incident);
        }
        assert_eq!(incidents.worker().anchor().await.unwrap().heads, 2);
        let mut owner = database.options().connect().await.unwrap();
        for sql in [
            "alter table incident.timeline disable trigger all",
            "alter table incident.timeline_texts disable trigger all",
            "alter table incident.incidents disable trigger all",
            "alter table incident.audit disable trigger all",
            "alter table incident.audit_heads disable trigger all",
        ] {
            owner.execute(sql).await.unwrap();
        }
        Self {
            incidents,
            blind,
            anchors,
            alarms,
            id,
            states,
            owner,
            _database: database,
        }
    }

    async fn run(&mut self, sql: &str) {
        let sql = sql.replace("$ID", &format!("'{}'", self.id));
        self.owner.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    /// Returns the sequence number of the first broken entry, with anchors and without.
    async fn broken(&self) -> (Option<u64>, Option<u64>) {
        let seq = |verdict| match verdict {
            Verdict::Broken { seq, .. } => Some(seq),
            Verdict::Valid { .. } => None,
        };
        (
            seq(self
                .incidents
                .audit()
                .verify_timeline(self.id)
                .await
                .unwrap()),
            seq(self.blind.audit().verify_timeline(self.id).await.unwrap()),
        )
    }

    /// Rewrites the chain from an entry on, with correct hashes.
    async fn rewrite_from(&mut self, seq: u64) {
        let sql = "do $$ declare e record; previous bytea := incident.zero_hash(); said text; begin \
             for e in select * from incident.timeline where incident_id = $ID order by seq loop \
                 said := case when e.seq < FROM then e.canonical else replace(e.canonical, 'anna', 'eve!') end; \
                 update incident.timeline set canonical = said, prev_hash = previous, \
                     hash = incident.timeline_link(e.incident_id, e.seq, previous, said) \
                     where incident_id = e.incident_id and seq = e.seq returning hash into previous; \
             end loop; \
             update incident.incidents set last_hash = previous where id = $ID; end $$";
        self.run(&sql.replace("FROM", &seq.to_string())).await;
    }

    async fn cut_to(&mut self, seq: u64) {
        for sql in [
            "delete from incident.timeline_texts where incident_id = $ID and seq > N",
            "delete from incident.timeline where incident_id = $ID and seq > N",
            "update incident.incidents set last_seq = N, \
             last_hash = coalesce((select hash from incident.timeline where incident_id = $ID and seq = N), incident.zero_hash()), \
             state = jsonb_set(state, '{last_seq}', to_jsonb(N)) where id = $ID",
        ] {
            self.run(&sql.replace('N', &seq.to_string())).await;
        }
    }
}

impl Scene {
    /// Restores the state that the incident had with an entry, in `state`, `status`, `revision`
    /// and `version`.
    async fn put_back(&mut self, seq: u64) {
        let state = self.states.iter().find(|state| state.last_seq == seq);
        let state = serde_json::to_string(&**state.unwrap()).unwrap();
        let sql = "update incident.incidents set state = s, status = s ->> 'status', \
             revision = (s ->> 'revision')::bigint, version = (s ->> 'version')::bigint \
             from (select 'STATE'::jsonb) as old (s) where id = $ID";
        self.run(&sql.replace("STATE", &state)).await;
    }
}

fn context() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

#[tokio::test]
async fn an_anchored_timeline_is_sound_and_says_how_far_it_is_known() {
    let scene = Scene::new().await;
    let head = scene
        .anchors
        .heads(
            AnchoredChain::Timeline(scene.id),
            std::time::Duration::from_secs(1),
        )
        .await
        .unwrap()[0];
    let known = scene
        .incidents
        .audit()
        .verify_timeline(scene.id)
        .await
        .unwrap();
    assert_eq!(
        known,
        Verdict::Valid {
            head,
            anchored: head.seq
        }
    );
    let unknown = scene.blind.audit().verify_timeline(scene.id).await.unwrap();
    assert_eq!(unknown, Verdict::Valid { head, anchored: 0 });
    // Nothing has changed since, so there is nothing to anchor.
    assert_eq!(scene.incidents.worker().anchor().await.unwrap().heads, 0);
}

/// S20: a cut tail is detected by the state, whose marks the last entry lacks. If the forger
/// restores the state as well, only the anchor detects it.
#[tokio::test]
async fn a_cut_tail_shows_by_the_state_and_through_the_anchor() {
    let mut scene = Scene::new().await;
    let entries = scene
        .incidents
        .audit()
        .timeline(scene.id, 0, 99)
        .await
        .unwrap()
        .len() as u64;
    for left in (0..entries).rev() {
        scene.cut_to(left).await;
        let found = scene.broken().await;
        assert_eq!(found, (Some(left + 1), Some(left)), "{left} left");
        if left > 0 {
            scene.put_back(left).await;
            let found = scene.broken().await;
            assert_eq!(found, (Some(left + 1), None), "{left} left");
        }
    }
}

#[tokio::test]
async fn a_chain_written_anew_shows_through_the_anchor_alone() {
    for from in [4, 1] {
        let mut scene = Scene::new().await;
        let head = scene.incidents.get(scene.id).await.unwrap().last_seq;
        scene.rewrite_from(from).await;
        let expected = (Some(head), None);
        assert_eq!(scene.broken().await, expected, "rewritten from {from}");
        // A process without anchors then anchors the forged end as well.
        let command = update_to(Status::Resolved, "all well").unwrap();
        let done = scene
            .blind
            .act(&context(), scene.id, &command)
            .await
            .unwrap();
        let last = done.entries.last().unwrap();
        let forged = Head {
            seq: last.seq,
            hash: last.hash,
        };
        let heads = BTreeMap::from([(AnchoredChain::Timeline(scene.id), forged)]);
        scene
            .anchors
            .note(&Anchor::new(scene.blind.reports().now(), heads));
        assert_eq!(scene.broken().await, expected, "rewritten from {from}");
    }
}

#[tokio::test]
async fn the_next_anchor_raises_the_alarm_and_the_old_one_stays() {
    let mut scene = Scene::new().await;
    scene.rewrite_from(2).await;
    // The forger takes care that the incident continues as usual.
    let command = update_to(Status::Resolved, "all well").unwrap();
    scene
        .blind
        .act(&context(), scene.id, &command)
        .await
        .unwrap();
    let done = scene.incidents.worker().anchor().await.unwrap();
    assert_eq!((done.heads, done.broken), (1, 1));
    let alarms = scene.alarms.lock().unwrap().clone();
    assert!(
        matches!(alarms.as_slice(), [Alarm::ChainBroken { chain: AnchoredChain::Timeline(id), .. }] if *id == scene.id),
        "{alarms:?}"
    );
    let (seen, unseen) = scene.broken().await;
    assert!(seen.is_some() && unseen.is_none());
}

#[tokio::test]
async fn bytes_that_nobody_can_read_are_a_broken_entry_and_not_an_outage() {
    let mut scene = Scene::new().await;
    scene
        .run("alter table incident.timeline drop constraint timeline_hash")
        .await;
    scene
        .run("update incident.timeline set canonical = '{\"v\":9}' where incident_id = $ID and seq = 3")
        .await;
    assert_eq!(scene.broken().await, (Some(3), Some(3)));
    scene
        .run("alter table incident.audit drop constraint audit_hash")
        .await;
    scene
        .run("update incident.audit set canonical = '{\"at\":1,\"actor\":\"x\"}' where seq = 2")
        .await;
    let found = scene.blind.audit().verify().await.unwrap();
    assert!(
        matches!(found, AuditVerdict::Broken { chain: Chain::Incident(id), seq: 2, .. } if id == scene.id),
        "{found:?}"
    );
}

#[tokio::test]
async fn what_is_gone_altogether_is_missed() {
    let mut scene = Scene::new().await;
    for sql in [
        "delete from incident.timeline_texts where incident_id = $ID",
        "delete from incident.timeline where incident_id = $ID",
        "delete from incident.incidents where id = $ID",
        "delete from incident.audit where chain = $ID",
        "delete from incident.audit_heads where chain = $ID",
    ] {
        scene.run(sql).await;
    }
    assert!(scene.blind.audit().verify_timeline(scene.id).await.is_err());
    let found = scene
        .incidents
        .audit()
        .verify_timeline(scene.id)
        .await
        .unwrap();
    assert!(matches!(found, Verdict::Broken { seq: 1, .. }), "{found:?}");
    let found = scene.incidents.audit().verify().await.unwrap();
    assert!(
        matches!(found, AuditVerdict::Broken { chain: Chain::Incident(id), seq: 1, .. } if id == scene.id),
        "{found:?}"
    );
    let found = scene.blind.audit().verify().await.unwrap();
    assert!(matches!(found, AuditVerdict::Valid { .. }), "{found:?}");
}

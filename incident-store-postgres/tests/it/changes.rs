//! The log of changes: every write of an incident gets one number, the same at every replica.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use incident_core::IncidentId;
use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Command, Declare, Severity, Update};
use incident_core::port::{ChangeLog, ChangePosition, ChangeRange};
use incident_core::testing::caller;
use incident_store_postgres::{PgChangeLog, PgStore};
use incident_test_postgres::Database;
use sqlx::{ConnectOptions, Connection, Executor, Row};

use crate::server;

const WITHIN: Duration = Duration::from_secs(5);

fn context() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

/// A replica: an engine with a pool of its own, and a log.
struct Replica {
    incidents: Incidents,
    log: PgChangeLog,
}

impl Replica {
    async fn on(database: &Database) -> Self {
        let store = PgStore::new(server::pool(database).await);
        let log = store.change_log();
        let incidents = Incidents::builder(Arc::new(store)).build().unwrap();
        Self { incidents, log }
    }

    async fn declare(&self) -> IncidentId {
        let mut asked = Declare::new("API down".parse().unwrap(), Severity::Sev4);
        asked.page = Some(false);
        let declared = self.incidents.declare(&context(), &asked).await.unwrap();
        declared.incident.id
    }

    async fn note(&self, id: IncidentId) {
        let command: Command = Update::new("looking".parse().unwrap()).into();
        self.incidents.act(&context(), id, &command).await.unwrap();
    }

    async fn after(&self, position: Option<ChangePosition>) -> ChangeRange {
        self.log.after(position, 1_000, WITHIN).await.unwrap()
    }

    /// Returns the newest position.
    async fn newest(&self) -> ChangePosition {
        end(&self.after(None).await)
    }
}

fn end(range: &ChangeRange) -> ChangePosition {
    let seq = range.after.seq + range.changes.len() as u64;
    ChangePosition { seq, ..range.after }
}

fn ids(range: &ChangeRange) -> Vec<IncidentId> {
    let ids = range.changes.iter().flat_map(|change| &change.incidents);
    ids.copied().collect()
}

#[tokio::test]
async fn all_replicas_number_the_same_changes_alike() {
    let database = server::database().await;
    let (one, other) = (Replica::on(&database).await, Replica::on(&database).await);
    let before = one.declare().await;
    // The first read begins the numbers: what was there before has none.
    let start = one.newest().await;
    assert_eq!(start.seq, 0);
    assert_eq!(other.newest().await, start);
    let declared = other.declare().await;
    let first = one.after(Some(start)).await;
    assert_eq!((first.after, ids(&first)), (start, vec![declared]));
    one.note(before).await;
    one.note(declared).await;
    one.note(declared).await;
    let rest = other.after(Some(end(&first))).await;
    assert_eq!(rest.after, end(&first));
    // Two writes between two reads are one change.
    let rest_ids: BTreeSet<IncidentId> = ids(&rest).into_iter().collect();
    assert_eq!(rest_ids, BTreeSet::from([before, declared]));
    for replica in [&one, &other] {
        let all = replica.after(Some(start)).await;
        assert_eq!(ids(&all).len(), 3);
        let part = replica.log.after(Some(start), 2, WITHIN).await.unwrap();
        assert_eq!(part.changes[..], all.changes[..2]);
        assert_eq!(
            replica.after(Some(end(&part))).await.changes[..],
            all.changes[2..]
        );
        let none = replica.after(Some(end(&rest))).await;
        assert_eq!((none.after, none.changes.len()), (end(&rest), 0));
    }
}

/// Writers and readers at the same time: no number is missing, none is given twice, and every
/// write is seen.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_and_readers_leave_no_gap() {
    let database = server::database().await;
    let replicas = [Replica::on(&database).await, Replica::on(&database).await];
    let replicas = replicas.map(Arc::new);
    let start = replicas[0].newest().await;
    let writers: Vec<_> = (0..6)
        .map(|number| {
            let replica = Arc::clone(&replicas[number % 2]);
            tokio::spawn(async move {
                let id = replica.declare().await;
                for _ in 0..15 {
                    replica.note(id).await;
                }
                id
            })
        })
        .collect();
    let readers = replicas.each_ref().map(|replica| {
        let replica = Arc::clone(replica);
        tokio::spawn(async move {
            let (mut position, mut all) = (start, Vec::new());
            for _ in 0..60 {
                let range = replica.after(Some(position)).await;
                assert_eq!(range.after, position);
                position = end(&range);
                all.extend(range.changes);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            (position, all)
        })
    });
    let mut written = BTreeSet::new();
    for writer in writers {
        written.insert(writer.await.unwrap());
    }
    let whole = replicas[0].after(Some(start)).await;
    for reader in readers {
        let (position, all) = reader.await.unwrap();
        let seen = usize::try_from(position.seq).unwrap();
        assert_eq!(all[..], whole.changes[..seen.min(whole.changes.len())]);
    }
    assert_eq!(ids(&whole).into_iter().collect::<BTreeSet<_>>(), written);
    for id in written {
        let last = whole
            .changes
            .iter()
            .rposition(|change| change.incidents == [id]);
        assert!(last.is_some());
    }
}

/// A commit whose entries are dated before commits that were numbered already still gets a number.
#[tokio::test]
async fn a_late_commit_gets_a_number() {
    let database = server::database().await;
    let replica = Replica::on(&database).await;
    let (late, soon) = (replica.declare().await, replica.declare().await);
    let start = replica.newest().await;
    let mut owner = database.options().connect().await.unwrap();
    let mut open = owner.begin().await.unwrap();
    let raise = "update incident.incidents set revision = revision + 1 where id = $1";
    sqlx::query(raise)
        .bind(late.uuid())
        .execute(&mut *open)
        .await
        .unwrap();
    replica.note(soon).await;
    let first = replica.after(Some(start)).await;
    assert_eq!(ids(&first), [soon]);
    open.commit().await.unwrap();
    let second = replica.after(Some(end(&first))).await;
    assert_eq!((second.after, ids(&second)), (end(&first), vec![late]));
}

/// A replica that dies between its numbers and its commit leaves nothing behind, and the next one
/// gives the same numbers.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_were_not_committed_are_given_again() {
    let database = server::database().await;
    let replica = Replica::on(&database).await;
    let start = replica.newest().await;
    let id = replica.declare().await;
    let mut dying = database.options().connect().await.unwrap();
    let begun = "begin; select incident.number_changes(null, null)";
    dying.execute(begun).await.unwrap();
    let log = replica.log.clone();
    let waiting = tokio::spawn(async move { log.after(Some(start), 10, WITHIN).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    dying.close_hard().await.unwrap();
    let range = waiting.await.unwrap().unwrap();
    assert_eq!((range.after, ids(&range)), (start, vec![id]));
}

/// A quiet read writes nothing.
#[tokio::test]
async fn a_read_without_a_change_writes_nothing() {
    let database = server::database().await;
    let replica = Replica::on(&database).await;
    replica.declare().await;
    let position = replica.newest().await;
    let written = "select pg_current_wal_insert_lsn()::text as at, \
                   (select xmin::text from incident.change_feed) as version";
    let mut owner = database.options().connect().await.unwrap();
    let before: String = owner.fetch_one(written).await.unwrap().get("version");
    for _ in 0..20 {
        assert_eq!(replica.after(Some(position)).await.changes, []);
    }
    let after: String = owner.fetch_one(written).await.unwrap().get("version");
    assert_eq!(before, after);
}

/// Writes without an audit entry, on incidents that are over, are found: outcomes of pages, for
/// which a message was there, and credits.
#[tokio::test]
async fn writes_without_an_audit_entry_are_found() {
    let database = server::database().await;
    let replica = Replica::on(&database).await;
    let id = replica.declare().await;
    let resolve: Command = Update::to_status(
        "fixed".parse().unwrap(),
        incident_core::incident::Status::Resolved,
    )
    .into();
    replica
        .incidents
        .act(&context(), id, &resolve)
        .await
        .unwrap();
    let mut owner = database.options().connect().await.unwrap();
    // Over for a long time, and nothing is known of it.
    let forget = "delete from incident.numbered_revisions; \
                  update incident.change_feed set polled_at = clock_timestamp() - interval '31 s'; \
                  alter table incident.audit disable trigger all; delete from incident.audit; \
                  delete from incident.outbox";
    let raise = "update incident.incidents set revision = revision + 1";
    let message = "insert into incident.outbox (id, incident_id, priority, kind, opens, body, log, committed_at, due_at) \
                   select gen_random_uuid(), id, 3, 'page', true, '{}', '{}', now(), now() + interval '1 day' from incident.incidents";
    let credit = "insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, \
                  terms_version, state, author, inputs) \
                  select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '70008000000000000001')::uuid, \
                  id, 't', 9, '2026-11', 0, 0, '1', 'estimated', 'anna', '[]' from incident.incidents";
    let tick = "update incident.change_feed set polled_at = clock_timestamp() - interval '31 s'";
    let mut position = replica.newest().await;
    owner.execute(forget).await.unwrap();
    assert_eq!(ids(&replica.after(Some(position)).await), []);
    // While there is a message its incident is watched, and after it for ten minutes.
    owner.execute(message).await.unwrap();
    owner.execute(tick).await.unwrap();
    let watched = replica.after(Some(position)).await;
    position = end(&watched);
    owner.execute("delete from incident.outbox").await.unwrap();
    owner.execute(raise).await.unwrap();
    let found = replica.after(Some(position)).await;
    assert_eq!(ids(&found), [id]);
    position = end(&found);
    // Credits are found at the next turn of half a minute.
    owner.execute(forget).await.unwrap();
    replica.after(Some(position)).await;
    owner.execute(raise).await.unwrap();
    owner.execute(credit).await.unwrap();
    owner.execute(tick).await.unwrap();
    assert_eq!(ids(&replica.after(Some(position)).await), [id]);
}

/// Positions that are too old, of another epoch or of no change are answered from the oldest one on.
#[tokio::test]
async fn a_position_that_cannot_be_continued_is_seen_by_the_caller() {
    let database = server::database().await;
    let replica = Replica::on(&database).await;
    let start = replica.newest().await;
    let mut owner = database.options().connect().await.unwrap();
    for _ in 0..3 {
        replica.declare().await;
        replica.after(Some(start)).await;
    }
    owner
        .execute("update incident.changes set at = at - interval '6 minutes' where seq <= 2")
        .await
        .unwrap();
    replica.declare().await;
    let range = replica.after(Some(start)).await;
    assert_eq!((range.after.seq, range.changes.len()), (2, 2));
    let foreign = ChangePosition {
        epoch: start.epoch ^ 1,
        seq: 3,
    };
    assert_eq!(replica.after(Some(foreign)).await, range);
    assert_eq!(replica.after(None).await, range);
}

/// A database that lost numbers it had given begins others: after a restored backup, after a failover,
/// and where nobody read the log for so long that changes may be unknown.
#[tokio::test]
async fn an_epoch_ends_where_numbers_may_have_been_lost() {
    let database = server::database().await;
    let replica = Replica::on(&database).await;
    let mut owner = database.options().connect().await.unwrap();
    let mut epochs = BTreeSet::new();
    let mut position = replica.newest().await;
    for lost in [
        "update incident.change_feed set last_seq = 0; delete from incident.changes",
        "update incident.change_feed set origin = origin + 1",
        "update incident.change_feed set polled_at = polled_at - interval '11 minutes'",
    ] {
        epochs.insert(position.epoch);
        let id = replica.declare().await;
        position = end(&replica.after(Some(position)).await);
        owner.execute(lost).await.unwrap();
        let range = replica.after(Some(position)).await;
        assert!(!epochs.contains(&range.after.epoch), "{lost}");
        assert_eq!((range.after.seq, range.changes.len()), (0, 0), "{lost}");
        replica.note(id).await;
        let next = replica.after(Some(range.after)).await;
        assert_eq!((next.after, ids(&next)), (range.after, vec![id]), "{lost}");
        position = end(&next);
    }
}

#[tokio::test]
async fn a_change_says_whether_the_public_page_may_differ() {
    let database = server::database().await;
    let replica = Replica::on(&database).await;
    let mut position = replica.newest().await;
    let id = replica.declare().await;
    let publics = async |position: &mut ChangePosition| {
        let range = replica.after(Some(*position)).await;
        *position = end(&range);
        range
            .changes
            .iter()
            .map(|change| change.public)
            .collect::<Vec<_>>()
    };
    assert_eq!(publics(&mut position).await, [false]);
    for (public, expected) in [(true, true), (false, true)] {
        let publish = incident_core::incident::Publish {
            public,
            title: None,
            message: None,
        };
        let command = Command::Publish(publish);
        replica
            .incidents
            .act(&context(), id, &command)
            .await
            .unwrap();
        assert_eq!(publics(&mut position).await, [expected]);
    }
    replica.note(id).await;
    assert_eq!(publics(&mut position).await, [false]);
}

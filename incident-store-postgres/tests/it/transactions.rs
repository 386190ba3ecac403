//! Commands inside of the host's own transaction: committed with it, or not at all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use incident_core::actor::Role;
use incident_core::engine::{Incidents, PreparedCommand, RequestContext};
use incident_core::incident::{Command, Declare, Severity, Status, Update};
use incident_core::port::StoreError;
use incident_core::testing::{RecordingPager, caller, update_to};
use incident_core::{IncidentId, Statement};
use incident_store_postgres::PgStore;
use sqlx::postgres::PgPool;

use crate::server;

struct Host {
    incidents: Incidents,
    pool: PgPool,
    woken: Arc<AtomicUsize>,
    changed: Arc<Mutex<Vec<IncidentId>>>,
    pager: Arc<RecordingPager>,
    _database: incident_test_postgres::Database,
}

fn anna() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

async fn host() -> Host {
    let database = server::database().await;
    let pool = server::pool(&database).await;
    let (woken, changed) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::default()));
    let (wakes, changes): (_, Arc<Mutex<Vec<IncidentId>>>) = (woken.clone(), Arc::clone(&changed));
    let pager = Arc::new(RecordingPager::named("pager").unwrap());
    let incidents = Incidents::builder(Arc::new(PgStore::new(pool.clone())))
        .pager(pager.clone())
        .on_event(move |event| {
            wakes.fetch_add(usize::from(event.outbox), Ordering::SeqCst);
            changes.lock().unwrap().extend(&event.incidents);
        })
        .build()
        .unwrap();
    Host {
        incidents,
        pool,
        woken,
        changed,
        pager,
        _database: database,
    }
}

impl Host {
    async fn declare(&self, severity: Severity) -> IncidentId {
        let asked = Declare::new("API down".parse().unwrap(), severity);
        let outcome = self.incidents.declare(&anna(), &asked).await.unwrap();
        outcome.incident.id
    }

    async fn prepare(&self, id: IncidentId, command: &Command) -> PreparedCommand {
        PreparedCommand::act(&self.incidents, &anna(), id, command)
            .await
            .unwrap()
    }

    /// Commits a command with the host's transaction, or rolls both back.
    async fn in_transaction(
        &self,
        prepared: &PreparedCommand,
        commits: bool,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await.unwrap();
        PgStore::commit_in(&mut transaction, prepared).await?;
        if commits {
            transaction.commit().await.unwrap();
            prepared.committed();
        } else {
            transaction.rollback().await.unwrap();
        }
        Ok(())
    }

    /// Lists version, status, length of the timeline and validity of each incident.
    async fn stored(&self, ids: &[IncidentId]) -> Vec<(u64, Status, usize, bool)> {
        let mut found = Vec::new();
        for id in ids {
            let incident = self.incidents.get(*id).await.unwrap();
            let entries = self.incidents.audit().timeline(*id, 0, 100).await.unwrap();
            let verdict = self.incidents.audit().verify_timeline(*id).await.unwrap();
            let valid = matches!(verdict, incident_core::chain::Verdict::Valid { .. });
            found.push((
                incident.version.into(),
                incident.status,
                entries.len(),
                valid,
            ));
        }
        found
    }
}

/// E3: commands of every kind, about one incident or two.
#[tokio::test]
async fn every_command_is_committed_with_the_hosts_transaction_or_not_at_all() {
    let host = host().await;
    let (one, other) = (
        host.declare(Severity::Sev1).await,
        host.declare(Severity::Sev2).await,
    );
    host.incidents.worker().drain().await.unwrap();
    let ids = [one, other];
    let merge = Update {
        merged_into: Some(one),
        reason: Some("the same".parse().unwrap()),
        ..Update::to_status("the same".parse().unwrap(), Status::Merged)
    };
    let reason = Statement::new("a pasted password").unwrap();
    let commands = [
        (one, Command::Acknowledge { at: None }),
        (one, update_to(Status::Investigating, "looking").unwrap()),
        (one, Command::Redact { seq: 1, reason }),
        (other, Command::Update(Box::new(merge))),
        (one, update_to(Status::Resolved, "rolled back").unwrap()),
    ];
    for (id, command) in commands {
        let before = host.stored(&ids).await;
        let prepared = host.prepare(id, &command).await;
        host.in_transaction(&prepared, false).await.unwrap();
        assert_eq!(
            host.stored(&ids).await,
            before,
            "{command:?} was rolled back"
        );
        let heard = host.changed.lock().unwrap().len();
        let prepared = host.prepare(id, &command).await;
        host.in_transaction(&prepared, true).await.unwrap();
        let after = host.stored(&ids).await;
        assert_ne!(after, before, "{command:?} was committed");
        assert!(after.iter().all(|(.., valid)| *valid), "{command:?}");
        assert!(host.changed.lock().unwrap().len() > heard, "{command:?}");
        let shown = host.incidents.get(id).await.unwrap();
        assert_eq!(shown.version, prepared.incident().version, "{command:?}");
    }
    let resolved = host.incidents.get(one).await.unwrap();
    assert_eq!(resolved.status, Status::Resolved);
}

/// A command that was decided on an older state is refused, and the page of a declaration goes
/// out once the host reports the commit of its transaction.
#[tokio::test]
async fn stale_commands_are_refused_and_pages_go_out_when_they_are_committed() {
    let host = host().await;
    let id = host.declare(Severity::Sev3).await;
    let looking = update_to(Status::Investigating, "looking").unwrap();
    let first = host.prepare(id, &looking).await;
    let late = host.prepare(id, &looking).await;
    host.in_transaction(&first, true).await.unwrap();
    let refused = host.in_transaction(&late, true).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");

    host.incidents.worker().drain().await.unwrap();
    let (wakes, woken) = (host.pager.wakes(), host.woken.load(Ordering::SeqCst));
    let asked = Declare::new("database down".parse().unwrap(), Severity::Sev1);
    let prepared = PreparedCommand::declare(&host.incidents, &anna(), &asked)
        .await
        .unwrap();
    host.incidents.worker().drain().await.unwrap();
    assert_eq!(host.pager.wakes(), wakes, "nothing is committed yet");
    host.in_transaction(&prepared, true).await.unwrap();
    assert_eq!(host.woken.load(Ordering::SeqCst), woken + 1);
    host.incidents.worker().drain().await.unwrap();
    assert_eq!(host.pager.wakes(), wakes + 1);
}

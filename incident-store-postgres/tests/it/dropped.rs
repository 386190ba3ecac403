//! Calls whose future is dropped before they end.

use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::chain::Verdict;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Command, Declare, Severity, Update};
use incident_core::port::IncidentStore;
use incident_core::testing::caller;
use incident_store_postgres::PgStore;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, Connection, Executor, Row};

use crate::server;

const WITHIN: Duration = Duration::from_secs(5);

fn update(message: &str) -> Command {
    Update::new(message.parse().unwrap()).into()
}

/// A commit that was sent is executed completely, and its connection serves no other call
/// before it has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_dropped_while_it_waits_for_a_lock_is_whole() {
    let database = server::database().await;
    let one = PgPoolOptions::new().max_connections(1);
    let pool = one.connect_with(database.options()).await.unwrap();
    let store = PgStore::new(pool);
    let incidents = Incidents::builder(Arc::new(store.clone())).build().unwrap();
    let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev3);
    let id = incidents.declare(&context, &asked).await.unwrap();
    let id = id.incident.id;

    let mut other = database.options().connect().await.unwrap();
    let mut held = other.begin().await.unwrap();
    held.execute("lock table incident.incidents in exclusive mode")
        .await
        .unwrap();
    let (engine, by) = (incidents.clone(), context.clone());
    let waits = tokio::spawn(async move { engine.act(&by, id, &update("looking")).await });
    let blocked = "select count(*) from pg_locks where not granted";
    while held.fetch_one(blocked).await.unwrap().get::<i64, _>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    waits.abort();
    assert!(waits.await.unwrap_err().is_cancelled());

    let next = {
        let store = store.clone();
        tokio::spawn(async move { store.load(id, WITHIN).await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!next.is_finished());
    held.rollback().await.unwrap();
    let stored = next.await.unwrap().unwrap().unwrap();
    assert_eq!(stored.last_seq, 2);

    incidents.act(&context, id, &update("found")).await.unwrap();
    let verdict = incidents.audit().verify_timeline(id).await.unwrap();
    assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
    let entries = store.timeline(id, 0, 9, WITHIN).await.unwrap();
    let said: Vec<String> = entries
        .iter()
        .skip(1)
        .map(|one| {
            one.text(incident_core::timeline::TextName::Message)
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(said, ["looking", "found"]);
}

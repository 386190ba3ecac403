//! Round trips to the server per call, counted on the wire.

use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Command, Declare, Severity, Update};
use incident_core::port::{ClaimRequest, IncidentStore, Outbox};
use incident_core::testing::caller;
use incident_store_postgres::PgStore;
use incident_test_postgres::{Proxy, RecordedTraffic};

use crate::{Setup, recorder};

fn context() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

/// L12: a write took two round trips and a roll-back before each, and an idle second as many.
/// The pool's ping of a returned connection is counted separately: the reply does not wait for
/// it.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_one_round_trip_and_so_is_a_claim_of_nothing() {
    let it = Setup::new().await;
    let proxy = Proxy::before(it.cluster.folder().unwrap()).unwrap();
    let pool = it.pool(proxy.folder(), 1);
    let store = PgStore::new(pool.clone());
    let incidents = Incidents::builder(Arc::new(store.clone()))
        .pager(recorder())
        .build()
        .unwrap();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev4);
    let id = incidents
        .declare(&context(), &asked)
        .await
        .unwrap()
        .incident
        .id;
    let update = || Command::Update(Box::new(Update::new("seen".parse().unwrap())));
    let claim = || ClaimRequest {
        owner: uuid::Uuid::nil(),
        now: incidents.reports().now(),
        lease_for: Duration::from_secs(30),
        limit: 32,
        except: Vec::new(),
    };
    let timeout = Duration::from_secs(5);
    let one = RecordedTraffic {
        statements: 1,
        round_trips: 1,
        pings: 0,
    };
    let two = RecordedTraffic {
        statements: 2,
        round_trips: 2,
        pings: 0,
    };
    // The first call of each kind also prepares its statement.
    for round in 0..3 {
        for (what, expected) in [
            ("create", two),
            ("update", two),
            ("show", one),
            ("claim", one),
            ("claim after a second", one),
            ("next due", one),
        ] {
            // A pool that was silent pings before it writes.
            store.load(id, timeout).await.unwrap();
            if what == "claim after a second" {
                tokio::time::sleep(Duration::from_millis(1_050)).await;
            }
            settled(&proxy).await;
            let before = proxy.seen();
            match what {
                "create" => drop(incidents.declare(&context(), &asked).await.unwrap()),
                "update" => drop(incidents.act(&context(), id, &update()).await.unwrap()),
                "show" => drop(incidents.get(id).await.unwrap()),
                "next due" => drop(store.next_due(timeout).await.unwrap()),
                _ => drop(store.claim(claim(), timeout).await.unwrap()),
            }
            let answered = proxy.seen().since(before);
            settled(&proxy).await;
            let all = proxy.seen().since(before);
            println!("{what}: {answered:?}; when the connection is back: {all:?}");
            if round > 0 {
                let asked = RecordedTraffic { pings: 0, ..all };
                assert_eq!(asked, expected, "{what}");
            }
        }
    }
}

/// Waits until the connection is back in the pool and no more messages pass.
async fn settled(proxy: &Proxy) {
    let mut before = proxy.seen();
    loop {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let now = proxy.seen();
        if now == before {
            return;
        }
        before = now;
    }
}

//! A row that cannot be read does not hold up the others.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use incident_core::actor::Role;
use incident_core::engine::{Alarm, Incidents, RequestContext};
use incident_core::incident::{Command, Declare, Severity, Status};
use incident_core::outbox::DeadLetterFilter;
use incident_core::paging::{AlertStatus, Confirmation, PageAction, PageEvent, Receipt, TargetId};
use incident_core::port::{
    AuditLog, AuditQuery, ClaimRequest, CreditQuery, IncidentFilter, IncidentStore, Ledger, Outbox,
    PageCheck, StoreError,
};
use incident_core::testing::{ManualClock, RecordingPager, caller, update_to};
use incident_core::{IncidentId, Timestamp};
use incident_store_postgres::PgStore;
use incident_test_postgres::Database;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use crate::server;

const WITHIN: Duration = Duration::from_secs(5);

struct Setup {
    incidents: Incidents,
    store: PgStore,
    pager: Arc<RecordingPager>,
    clock: Arc<ManualClock>,
    alarms: Arc<Mutex<Vec<Alarm>>>,
    database: Database,
}

/// A check that reports every alert as open, and records the requests.
#[derive(Debug, Default)]
struct Checks(Mutex<Vec<String>>);

#[async_trait::async_trait]
impl PageCheck for Checks {
    fn target_id(&self) -> TargetId {
        TargetId::new("pager").unwrap()
    }

    async fn check(&self, page: &PageEvent, _: &Receipt, _: Duration) -> Confirmation {
        self.0.lock().unwrap().push(page.dedup_key.clone());
        Confirmation::Opened
    }

    async fn status(&self, key: &str, _: Duration) -> AlertStatus {
        self.0.lock().unwrap().push(key.to_owned());
        AlertStatus::Open
    }
}

async fn setup() -> Setup {
    let database = server::database().await;
    let store = server::store(&database).await;
    let pager = Arc::new(RecordingPager::named("pager").unwrap());
    let clock = Arc::new(ManualClock::at("2026-11-20T23:00:00Z".parse().unwrap()));
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&alarms);
    let incidents = Incidents::builder(Arc::new(store.clone()))
        .pager(pager.clone())
        .clock(clock.clone())
        .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()))
        .build()
        .unwrap();
    Setup {
        incidents,
        store,
        pager,
        clock,
        alarms,
        database,
    }
}

fn context() -> RequestContext {
    RequestContext::new(caller("anna", Role::Admin).unwrap())
}

impl Setup {
    async fn declare(&self, severity: Severity) -> IncidentId {
        let asked = Declare::new("API down".parse().unwrap(), severity);
        let done = self.incidents.declare(&context(), &asked).await.unwrap();
        done.incident.id
    }

    async fn run(&self, sql: &str) -> u64 {
        let mut owner = self.database.options().connect().await.unwrap();
        let done = owner.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
        done.rows_affected()
    }

    async fn row(&self, id: IncidentId) -> String {
        let mut owner = self.database.options().connect().await.unwrap();
        let sql = format!(
            "select concat_ws(' ', state, lease_token, body, log, due_at, superseded) as row \
             from incident.outbox where incident_id = '{id}' order by ordinal limit 1"
        );
        owner
            .fetch_one(AssertSqlSafe(sql))
            .await
            .unwrap()
            .get("row")
    }

    /// Counts the pages that were sent for an incident.
    fn sent(&self, id: IncidentId) -> usize {
        let sent = self.pager.sent();
        sent.iter().filter(|page| page.incident_id == id).count()
    }
}

const ODD: [&str; 5] = [
    // Values that a newer version may write: an action, a reason, a message.
    "body = replace(body, '\"trigger\"', '\"nudge\"')",
    "log = '[{\"target\": {\"name\": \"pager\"}, \"reason\": \"on_holiday\"}]'",
    "body = '{\"page\": {\"later\": 1}}'",
    // Damaged values.
    "log = substr(log, 2)",
    "body = substr(body, 1, length(body) - 9)",
];

/// A1: an unreadable message is released unchanged, with an alarm; the messages after it wait,
/// and a SEV1 page that is due at the same time is sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_odd_message_stops_no_page_and_is_left_to_others() {
    for odd in ODD {
        let it = setup().await;
        let wrong = it.declare(Severity::Sev1).await;
        let resolve = update_to(Status::Resolved, "fixed").unwrap();
        it.run("update incident.outbox set supersedable = false")
            .await;
        it.incidents.act(&context(), wrong, &resolve).await.unwrap();
        let sql = format!("update incident.outbox set {odd} where opens");
        assert_eq!(it.run(&sql).await, 1, "{odd}");
        let before = it.row(wrong).await;
        let right = it.declare(Severity::Sev1).await;

        let started = Instant::now();
        it.incidents.worker().drain().await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(2), "{odd}");
        assert_eq!((it.sent(right), it.sent(wrong)), (1, 0), "{odd}");
        let expected = |message| Alarm::MessageUnreadable {
            message,
            incident_id: Some(wrong),
        };
        let alarms = it.alarms.lock().unwrap().clone();
        let [Alarm::MessageUnreadable { message, .. }] = alarms.as_slice() else {
            panic!("{odd}: {alarms:?}")
        };
        assert_eq!(alarms, [expected(*message)]);
        let leased = before.replace("pending 0 ", "pending 1 ");
        assert_eq!(it.row(wrong).await, leased, "{odd}");

        // This process does not claim it again for five minutes; another one gets it at once.
        for _ in 0..4 {
            it.clock.advance(Duration::from_secs(70));
            let drained = it.incidents.worker().drain().await.unwrap();
            assert!(
                drained
                    .next_due
                    .is_some_and(|due| it.incidents.reports().now() < due)
            );
        }
        assert_eq!(it.row(wrong).await, leased);
        let request = ClaimRequest {
            owner: uuid::Uuid::from_u128(7),
            now: it.incidents.reports().now(),
            lease_for: Duration::from_secs(30),
            limit: 9,
            except: Vec::new(),
        };
        let claims = it.store.claim(request, WITHIN).await.unwrap();
        assert_eq!(claims.len(), 1, "what follows {odd} waits");
        let unreadable = claims[0].as_ref().unwrap_err();
        assert_eq!(unreadable.incident_id, Some(wrong));
        // The other owner's lease expires, and five minutes have passed.
        it.clock.advance(Duration::from_secs(70));
        it.incidents.worker().drain().await.unwrap();
        assert_eq!(it.alarms.lock().unwrap().len(), 2);
    }
}

/// A1: a message whose incident is unreadable is treated as unreadable.
#[tokio::test(flavor = "multi_thread")]
async fn an_odd_incident_stops_no_page_and_no_sweep() {
    let it = setup().await;
    let wrong = it.declare(Severity::Sev1).await;
    let odd = format!(
        "update incident.incidents set state = state || '{{\"severity\": \"SEV9\"}}' where id = '{wrong}'"
    );
    assert_eq!(it.run(&odd).await, 1);
    let right = it.declare(Severity::Sev1).await;
    it.incidents.worker().drain().await.unwrap();
    assert_eq!(it.sent(right), 1);
    let alarms = it.alarms.lock().unwrap().clone();
    assert!(
        matches!(alarms.as_slice(), [Alarm::MessageUnreadable { incident_id, .. }] if *incident_id == Some(wrong)),
        "{alarms:?}"
    );

    // A8: passes that handle each incident by itself get the others, on every page of a list.
    let checks = Arc::new(Checks::default());
    let next = Incidents::builder(Arc::new(it.store.clone()))
        .pager(it.pager.clone())
        .page_check(checks.clone())
        .clock(it.clock.clone())
        .build()
        .unwrap();
    it.clock.advance(Duration::from_secs(90));
    next.worker().confirm().await.unwrap();
    next.worker().reconcile().await.unwrap();
    let key = format!("sys-incident:{right}");
    assert_eq!(*checks.0.lock().unwrap(), [key.clone(), key]);
    let third = it.declare(Severity::Sev2).await;
    let filter = |skip_unreadable, limit| IncidentFilter {
        limit,
        skip_unreadable,
        ..IncidentFilter::default()
    };
    // The oldest one is unreadable. A page is filled up nevertheless, and a short page is the
    // last.
    for (limit, expected) in [
        (1, vec![third]),
        (2, vec![third, right]),
        (3, vec![third, right]),
    ] {
        let found = it.store.list(&filter(true, limit), WITHIN).await.unwrap();
        let ids: Vec<_> = found.iter().map(|one| one.id).collect();
        assert_eq!(ids, expected);
    }
    // So is a page of those that are due, the longest first. The unreadable one stays due.
    let day = Duration::from_secs(24 * 60 * 60);
    it.run("update incident.incidents set due_at = declared_at + interval '1 day'")
        .await;
    let due = |limit, after| IncidentFilter {
        due_by: Some(Timestamp::MAX),
        after,
        ..filter(true, limit)
    };
    for (limit, expected) in [
        (1, vec![right]),
        (2, vec![right, third]),
        (9, vec![right, third]),
    ] {
        let found = it.store.list(&due(limit, None), WITHIN).await.unwrap();
        let ids: Vec<_> = found.iter().map(|one| one.id).collect();
        assert_eq!(ids, expected);
    }
    let first = it.store.list(&due(1, None), WITHIN).await.unwrap();
    let place = (first[0].declared_at.saturating_add(day), right);
    let rest = it.store.list(&due(9, Some(place)), WITHIN).await.unwrap();
    assert_eq!(rest.iter().map(|one| one.id).collect::<Vec<_>>(), [third]);
    let odd = odd.replace(&wrong.to_string(), &third.to_string());
    assert_eq!(it.run(&odd).await, 1);
    let found = it.store.list(&filter(true, 1), WITHIN).await.unwrap();
    assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [right]);
    let all = it.store.list(&filter(false, 9), WITHIN).await;
    assert!(matches!(all, Err(StoreError::Corrupt(_))));
}

/// A1: an unreadable row spoils neither the dead letters nor the backlog.
#[tokio::test(flavor = "multi_thread")]
async fn an_odd_row_spoils_no_list_of_the_relay() {
    let it = setup().await;
    let id = it.declare(Severity::Sev1).await;
    for rule in ["security", "legal"] {
        let sql = format!(
            "insert into incident.outbox (id, incident_id, ordering_key, priority, kind, opens, body, log, committed_at, due_at, state) \
             select gen_random_uuid(), incident_id, '{rule}', priority, kind, opens, body, log, committed_at, due_at, 'given_up' \
             from incident.outbox where state = 'pending'"
        );
        it.run(&sql).await;
    }
    it.run("update incident.outbox set body = '{}' where ordering_key = 'legal'")
        .await;
    let given_up = it
        .incidents
        .paging()
        .dead_letters(DeadLetterFilter::Incident(id))
        .await
        .unwrap();
    assert_eq!(given_up.len(), 1);
    let backlog = it.store.backlog(WITHIN).await.unwrap();
    assert_eq!((backlog.unfinished, backlog.given_up), (1, 2));
    let page = Command::Page {
        reason: "again".parse().unwrap(),
    };
    it.incidents.act(&context(), id, &page).await.unwrap();
    it.incidents.worker().drain().await.unwrap();
    assert!(
        it.pager
            .sent()
            .iter()
            .any(|page| page.action == PageAction::Trigger)
    );

    // Lists of the audit trail and of credits leave out unreadable rows on request.
    let insert = format!(
        "insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version, state, author, inputs) \
         select gen_random_uuid(), '{id}', t, 1, '2026-11', 0, 0, 'v', 'estimated', 'anna', i \
         from (values ('a', '[]'), ('b', '[7]')) as v (t, i)"
    );
    it.run(&insert.replace(", i from", ", i::jsonb from")).await;
    let credits = |skip_unreadable| CreditQuery {
        skip_unreadable,
        ..CreditQuery::default()
    };
    let found = it.store.credits(&credits(true), WITHIN).await.unwrap();
    assert_eq!(found.len(), 1);
    let all = it.store.credits(&credits(false), WITHIN).await;
    assert!(matches!(all, Err(StoreError::Corrupt(_))));
    let audit = AuditQuery {
        limit: 1,
        skip_unreadable: true,
        ..AuditQuery::default()
    };
    assert_eq!(it.store.audit(&audit, WITHIN).await.unwrap().len(), 1);
}

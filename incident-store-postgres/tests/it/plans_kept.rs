//! Plans that a connection made while there was nothing stay good when there is much.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Role;
use incident_core::engine::{IdempotencyKey, Incidents, RequestContext};
use incident_core::incident::{Affected, AffectedTenant, Command, Declare, Severity, Status};
use incident_core::suggestion::Suggest;
use incident_core::testing::{RecordingPager, caller, update_to};
use incident_core::{IncidentId, Name};
use incident_store_postgres::PgStore;
use incident_test_postgres::Database;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use crate::server;

/// How many rows of each kind there are in the end.
const MANY: i64 = 5_000;

/// More than one call needs to look at, and far less than all.
const FEW: i64 = 400;

/// A store on one connection, which so keeps its plans.
struct Setup {
    database: Database,
    pool: PgPool,
    incidents: Incidents,
    round: u32,
}

/// Nothing may heal the plans meanwhile.
const NO_VACUUM: &str = "do $$ declare t text; begin \
    for t in select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
        where n.nspname = 'incident' and c.relkind = 'r' \
    loop execute 'alter table ' || t || ' set (autovacuum_enabled = false)'; end loop; end $$";

/// What waits in a storm, and what a long life leaves behind.
const FILL: &str = "
    insert into incident.incidents (id, number, revision, version, last_seq, last_hash, status, live, severity, public,
        declared_at, started_at, alert_key, services, tenants, title_lower, summary_lower, state)
    select gen_random_uuid(), 1000000 + n, 1, 1, 0, incident.zero_hash(), 'triage', true, 1 + n % 4, false,
        now(), now(), 'other ' || n, '{api}', null, 'x', 'x', state
    from generate_series(1, $N) n, (select state from incident.incidents limit 1) s;
    insert into incident.alert_holders (environment, alert_key, incident_id)
    select 'production', alert_key, id from incident.incidents where alert_key like 'other %';
    insert into incident.outbox (id, incident_id, priority, kind, opens, body, log, committed_at, due_at)
    select gen_random_uuid(), id, severity, 'page', true, '{}', '[]', now(), now() + interval '1 day'
    from incident.incidents where alert_key like 'other %';
    insert into incident.outbox (id, incident_id, ordering_key, priority, kind, opens, body, log, committed_at, due_at, state,
        lease_owner, lease_token, lease_until)
    select gen_random_uuid(), id, 'x', severity, 'page', true, '{}', '[]', now(), now(), 'leased', gen_random_uuid(), 1,
        now() + interval '20 s' from incident.incidents where alert_key like 'other %';
    insert into incident.outbox (id, incident_id, ordering_key, priority, kind, opens, body, log, committed_at, due_at, state)
    select gen_random_uuid(), id, 'y', severity, 'page', true, '{}', '[]', now(), now(), 'given_up'
    from incident.incidents where alert_key like 'other %';
    insert into incident.credits (id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version,
        state, author, inputs)
    select gen_random_uuid(), id, 't' || number, 1, '2026-11', 1, 1, 'v', 'estimated', 'x', '[]'
    from incident.incidents where alert_key like 'other %';
    insert into incident.idempotency_keys (actor, key, fingerprint, made_at, expires_at, incident_id, reply)
    select 'x', number::text, incident.zero_hash(), now(), now() + interval '1 day', id, '{}'
    from incident.incidents where alert_key like 'other %';
    insert into incident.audit_heads (chain, seq, hash)
    select id, 1, incident.zero_hash() from incident.incidents where alert_key like 'other %';
    insert into incident.suggestions (id, received_at, said)
    select gen_random_uuid(), now(), '{}' from generate_series(1, $N);
    insert into incident.open_suggestions (service, tenant, suggestion_id, expires_at)
    select 'x', row_number() over (), id, now() + interval '1 day' from incident.suggestions where said = '{}'";

impl Setup {
    async fn new(vacuumed: bool) -> Self {
        let database = server::database().await;
        let mut owner = database.options().connect().await.unwrap();
        owner.execute(NO_VACUUM).await.unwrap();
        if vacuumed {
            owner.execute("vacuum analyze").await.unwrap();
        }
        let one = PgPoolOptions::new().max_connections(1);
        let pool = one.connect_with(database.options()).await.unwrap();
        let pager = Arc::new(RecordingPager::named("pager").unwrap());
        let incidents = Incidents::builder(Arc::new(PgStore::new(pool.clone())))
            .pager(pager)
            .build()
            .unwrap();
        Self {
            database,
            pool,
            incidents,
            round: 0,
        }
    }

    async fn fill(&self) {
        let mut owner = self.database.options().connect().await.unwrap();
        let fill = FILL.replace("$N", &MANY.to_string());
        for step in fill.split(';') {
            owner.execute(AssertSqlSafe(step.to_owned())).await.unwrap();
        }
    }

    fn context(&self) -> RequestContext {
        RequestContext::new(caller("anna", Role::Admin).unwrap()).with_key(IdempotencyKey {
            actor: "anna".parse().unwrap(),
            key: format!("key {}", self.round),
            fingerprint: [7; 32],
        })
    }

    async fn declare(&self) -> IncidentId {
        let mut asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        asked.alert_key = Some(Name::new(&format!("alert {}", self.round)).unwrap());
        let tenant = format!("tenant {}", self.round).parse().unwrap();
        asked.affected_tenants = Affected::these(vec![AffectedTenant::whole(tenant)]).unwrap();
        asked.affected_services = vec!["api".parse().unwrap()];
        let done = self
            .incidents
            .declare(&self.context(), &asked)
            .await
            .unwrap();
        done.incident.id
    }

    async fn act(&self, id: IncidentId, what: &str, command: &Command) {
        let context =
            RequestContext::new(caller("anna", Role::Admin).unwrap()).with_key(IdempotencyKey {
                actor: "anna".parse().unwrap(),
                key: format!("{what} {}", self.round),
                fingerprint: [7; 32],
            });
        self.incidents.act(&context, id, command).await.unwrap();
    }

    async fn suggest(&self) {
        let suggest = Suggest {
            service: "api".parse().unwrap(),
            tenant: format!("tenant {}", self.round).parse().unwrap(),
            signal: "latency".parse().unwrap(),
            observed_at: self.incidents.reports().now(),
            evidence: None,
        };
        let context = RequestContext::new(caller("anna", Role::Admin).unwrap());
        self.incidents
            .signals()
            .suggest(&context, &suggest)
            .await
            .unwrap();
    }

    /// The rows that were looked at so far, by table.
    async fn looked_at(&self) -> BTreeMap<String, i64> {
        // A connection tells what it did when a second has passed since it last told.
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(1_050)).await;
            self.pool.execute("select 1").await.unwrap();
        }
        let mut owner = self.database.options().connect().await.unwrap();
        let sql = "select relname::text as name, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as rows \
                   from pg_stat_user_tables where schemaname = 'incident'";
        let rows = owner.fetch_all(sql).await.unwrap();
        let rows = rows.iter().map(|row| (row.get("name"), row.get("rows")));
        rows.collect()
    }

    /// Everything once; the step after each call.
    async fn everything(&mut self, each: &mut impl AsyncFnMut(&Self, &'static str)) {
        self.round += 1;
        let id = self.declare().await;
        each(self, "declare").await;
        let update = update_to(Status::Investigating, "looking").unwrap();
        self.act(id, "update", &update).await;
        each(self, "update").await;
        self.incidents.worker().drain().await.unwrap();
        each(self, "drain a page").await;
        let resolve = update_to(Status::Resolved, "fixed").unwrap();
        self.act(id, "resolve", &resolve).await;
        each(self, "resolve").await;
        self.incidents.worker().drain().await.unwrap();
        each(self, "drain a resolution").await;
        self.suggest().await;
        each(self, "suggest").await;
    }
}

/// Looks at everything once, on tables that filled up since the plans were made; what read
/// too many rows of a table that counts.
async fn read_too_much(
    vacuumed: bool,
    counts: impl Fn(&str, &str) -> bool + Send + Sync,
) -> Vec<String> {
    let mut it = Setup::new(vacuumed).await;
    for _ in 0..8 {
        it.everything(&mut async |_: &Setup, _| ()).await;
    }
    it.fill().await;
    let mut before = it.looked_at().await;
    let mut wrong = Vec::new();
    it.everything(&mut async |it: &Setup, what| {
        let after = it.looked_at().await;
        for (table, rows) in &after {
            let rows = rows - before.get(table).copied().unwrap_or(0);
            if rows > FEW && counts(what, table) {
                wrong.push(format!("{what}: {rows} rows of {table}"));
            }
        }
        before = after;
    })
    .await;
    wrong
}

/// X1: on one connection creates fell to a third of what they were at first. The first plan
/// of "what of this ordering key is pending" was a scan of the index of all that is pending,
/// which cost as little as any other on the empty table, and stayed.
#[tokio::test]
async fn plans_made_on_new_tables_stay_good() {
    // A suggestion looks for a live incident of its pair among all that are live, and counts
    // those that are open, of which there are at most 10,000.
    let counts = |what: &str, table: &str| {
        !(what == "suggest" && matches!(table, "incidents" | "open_suggestions"))
    };
    let wrong = read_too_much(false, counts).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// X1, on tables that are known to be empty, as those of what waits and of live alerts are
/// most of the time. The others only grow: whoever scans those while they are small is
/// told by the first vacuum.
#[tokio::test]
async fn plans_made_on_vacuumed_tables_stay_good_where_they_fill_up_at_once() {
    let counts = |what: &str, table: &str| match table {
        "outbox" => true,
        // The list by alert, which a declaration begins with, may scan it.
        "alert_holders" => what != "declare",
        _ => false,
    };
    let wrong = read_too_much(true, counts).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

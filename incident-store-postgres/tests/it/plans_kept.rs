//! Plans that a connection made on empty tables stay good when the tables are full.

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

/// Number of rows of each kind in the end.
const MANY: i64 = 5_000;

/// Maximum number of rows that a call may read: more than it needs, and far fewer than all.
const FEW: i64 = 400;

/// A store on one connection, which therefore reuses its plans.
struct Setup {
    database: Database,
    pool: PgPool,
    incidents: Incidents,
    round: u32,
}

/// Switches autovacuum off, which would renew the plans.
const NO_VACUUM: &str = "do $$ declare t text; begin \
    for t in select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
        where n.nspname = 'incident' and c.relkind = 'r' \
    loop execute 'alter table ' || t || ' set (autovacuum_enabled = false)'; end loop; end $$";

/// Rows of an alert storm and of long use.
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

    /// Returns the number of rows that were read so far, by table.
    async fn looked_at(&self) -> BTreeMap<String, i64> {
        // A connection reports its statistics at most once a second, with its next statement.
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

    /// Runs every kind of call once, and `each` after every call.
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

/// Runs every kind of call on tables that filled up after the plans were made. Lists the calls
/// that read too many rows of a table for which `counts` returns `true`.
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

/// X1: on one connection, declarations slowed down to a third of their first rate. The first
/// plan of "pending messages of this ordering key" was a scan of the index of all pending ones,
/// which cost no more than others on the empty table, and was reused.
#[tokio::test]
async fn plans_made_on_new_tables_stay_good() {
    // A suggestion searches all live incidents for one of its pair, and counts the open
    // suggestions, of which there are at most 10,000.
    let counts = |what: &str, table: &str| {
        !(what == "suggest" && matches!(table, "incidents" | "open_suggestions"))
    };
    let wrong = read_too_much(false, counts).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// X1, on tables that are known to be empty, as the outbox and the live alerts are most of the
/// time. The other tables only grow: plans that scan them while they are small are renewed
/// after the first vacuum.
#[tokio::test]
async fn plans_made_on_vacuumed_tables_stay_good_where_they_fill_up_at_once() {
    let counts = |what: &str, table: &str| match table {
        "outbox" => true,
        // The list by alert, with which a declaration begins, may scan it.
        "alert_holders" => what != "declare",
        _ => false,
    };
    let wrong = read_too_much(true, counts).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

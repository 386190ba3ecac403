//! Frequent lists use their indexes, whatever the number of rows.

use std::collections::BTreeSet;

use incident_core::incident::Status;
use incident_core::port::IncidentFilter;
use incident_store_postgres::list_sql;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use crate::server;

/// Returns the generic plan of a statement, which serves any parameters.
async fn plan(connection: &mut PgConnection, sql: &str, types: &str, values: &str) -> String {
    for step in [
        "set plan_cache_mode = force_generic_plan".to_owned(),
        "deallocate all".to_owned(),
        format!("prepare looked_at ({types}) as {sql}"),
    ] {
        connection.execute(AssertSqlSafe(step)).await.unwrap();
    }
    let explain = format!("explain execute looked_at ({values})");
    let rows = connection.fetch_all(AssertSqlSafe(explain)).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}

/// Many closed incidents, of which every hundredth is public, 50 live ones, and a full outbox.
const FILL: &str = "
    insert into incident.incidents (id, number, revision, version, last_seq, last_hash, status, live, severity, public,
        declared_at, resolved_at, started_at, ended_at, due_at, services, tenants, title_lower, summary_lower, state)
    select gen_random_uuid(), n, 1, 1, 0, incident.zero_hash(), case when n % 400 = 0 then 'triage' else 'closed' end,
        n % 400 = 0, 1 + n % 4, n % 100 = 1, '2020-01-01'::timestamptz + n * interval '1 hour',
        case when n % 400 = 0 then null else now() end, '2020-01-01'::timestamptz + n * interval '1 hour',
        case when n % 400 = 0 then null else '2020-01-01'::timestamptz + (n + 1) * interval '1 hour' end,
        case when n % 400 = 0 then now() + interval '1 hour' end, '{api}', '{t}', 'x', 'x', '{}'
    from generate_series(1, 20000) n;
    insert into incident.outbox (id, incident_id, priority, kind, opens, body, log, committed_at, due_at)
    select gen_random_uuid(), id, severity, 'page', true, '{}', '[]', declared_at, declared_at
    from incident.incidents;
    analyze incident.incidents, incident.outbox;";

#[tokio::test]
async fn lists_use_their_indexes() {
    let database = server::database().await;
    let mut owner = database.options().connect().await.unwrap();
    for step in FILL.split(';').filter(|step| !step.trim().is_empty()) {
        owner.execute(AssertSqlSafe(step.to_owned())).await.unwrap();
    }
    let live: BTreeSet<Status> = Status::ALL
        .into_iter()
        .filter(|one| one.is_live())
        .collect();
    let active = list_sql(&IncidentFilter {
        statuses: live,
        limit: 50,
        ..IncidentFilter::default()
    });
    let found = plan(&mut owner, &active, "text[], bigint", "'{triage}', 50").await;
    assert!(
        found.contains("incidents_live") && !found.contains("Sort"),
        "{found}"
    );

    let page = list_sql(&IncidentFilter {
        after: Some((
            "2021-01-01T00:00:00Z".parse().unwrap(),
            "0190a000-0000-7000-8000-000000000000".parse().unwrap(),
        )),
        limit: 50,
        ..IncidentFilter::default()
    });
    let found = plan(
        &mut owner,
        &page,
        "timestamptz, uuid, bigint",
        "now(), gen_random_uuid(), 50",
    )
    .await;
    assert!(
        found.contains("incidents_age") && found.contains("Index Cond") && !found.contains("Sort"),
        "{found}"
    );

    let by_public_id = list_sql(&IncidentFilter {
        public_id: Some("0190a000-0000-4000-8000-000000000000".parse().unwrap()),
        public_only: true,
        limit: 1,
        ..IncidentFilter::default()
    });
    let found = plan(&mut owner, &by_public_id, "text, bigint", "'x', 1").await;
    assert!(
        found.contains("incidents_public_id") && found.contains("Index Cond"),
        "{found}"
    );

    let public = list_sql(&IncidentFilter {
        public_only: true,
        unresolved_at: Some("2021-01-01T00:00:00Z".parse().unwrap()),
        limit: 25,
        ..IncidentFilter::default()
    });
    let found = plan(&mut owner, &public, "timestamptz, bigint", "now(), 25").await;
    assert!(found.contains("incidents_public "), "{found}");

    let after = Some((
        "2021-01-01T00:00:00Z".parse().unwrap(),
        "0190a000-0000-7000-8000-000000000000".parse().unwrap(),
    ));
    for (after, types, values) in [
        (None, "timestamptz, bigint", "now(), 25"),
        (
            after,
            "timestamptz, timestamptz, uuid, bigint",
            "now(), now(), gen_random_uuid(), 25",
        ),
    ] {
        let due = list_sql(&IncidentFilter {
            due_by: Some("2021-01-01T00:00:00Z".parse().unwrap()),
            limit: 25,
            after,
            ..IncidentFilter::default()
        });
        let found = plan(&mut owner, &due, types, values).await;
        let reads_few = found.contains("incidents_due ") && found.contains("Index Cond");
        assert!(reads_few && !found.contains("Sort"), "{found}");
    }

    let with_clocks = list_sql(&IncidentFilter {
        with_clocks: true,
        limit: 25,
        ..IncidentFilter::default()
    });
    let found = plan(&mut owner, &with_clocks, "bigint", "25").await;
    assert!(
        found.contains("incidents_with_clocks ") && !found.contains("Sort"),
        "{found}"
    );
}

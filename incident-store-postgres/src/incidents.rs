//! Reads of incidents and of stored responses.

use std::sync::Arc;

use incident_core::idempotency::{IdempotencyKey, IdempotencyRecord};
use incident_core::incident::{Incident, OUTLINE_TENANTS, Outline, Status};
use incident_core::port::IncidentFilter;
use incident_core::{IncidentId, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::document::{priority, time};
use crate::row;

pub(crate) async fn load(
    connection: &mut PgConnection,
    id: IncidentId,
) -> sqlx::Result<Option<Arc<Incident>>> {
    let found = sqlx::query("select state::text as state from incident.incidents where id = $1")
        .bind(id.uuid())
        .fetch_optional(connection)
        .await?;
    found.map(|row| incident(&row)).transpose()
}

fn incident(row: &PgRow) -> sqlx::Result<Arc<Incident>> {
    row::json(row, "state").map(Arc::new)
}

pub(crate) async fn list(
    connection: &mut PgConnection,
    filter: &IncidentFilter,
) -> sqlx::Result<Vec<Arc<Incident>>> {
    read(connection, filter, query, incident).await
}

pub(crate) async fn outlines(
    connection: &mut PgConnection,
    filter: &IncidentFilter,
) -> sqlx::Result<Vec<Outline>> {
    read(connection, filter, outline_query, outline).await
}

fn outline(row: &PgRow) -> sqlx::Result<Outline> {
    row::json(row, "outline")
}

async fn read<T>(
    connection: &mut PgConnection,
    filter: &IncidentFilter,
    query: impl Fn(&IncidentFilter) -> QueryBuilder<Postgres>,
    one: impl Fn(&PgRow) -> sqlx::Result<T>,
) -> sqlx::Result<Vec<T>> {
    let (wanted, mut filter) = (filter.limit, filter.clone());
    let mut found = Vec::new();
    loop {
        let rows = query(&filter).build().fetch_all(&mut *connection).await?;
        let read = rows.iter().map(&one);
        if !filter.skip_unreadable {
            return read.collect();
        }
        found.extend(read.filter_map(Result::ok));
        // Callers take a list below its limit for the last one: replace the rows that were
        // skipped.
        let missing = wanted.saturating_sub(found.len());
        match rows.last() {
            Some(last) if missing > 0 && rows.len() >= filter.limit => {
                let id = IncidentId::from_uuid(row::get(last, "id")?);
                filter.after = Some((row::time(last, "place")?, id));
                filter.limit = missing;
            }
            _ => return Ok(found),
        }
    }
}

/// Returns the statement of a filter, for tests that check its plan.
#[must_use]
pub fn list_sql(filter: &IncidentFilter) -> String {
    query(filter).sql().as_str().to_owned()
}

/// The fields of an outline that have the same name in the state.
const OUTLINE: [&str; 17] = [
    "id",
    "number",
    "revision",
    "title",
    "severity",
    "status",
    "affected_services",
    "responder",
    "started_at",
    "impact_ended_at",
    "resolved_at",
    "cancelled_at",
    "declared_at",
    "acknowledged_at",
    "eta",
    "next_update_due_at",
    "paging",
];

/// Builds the query of outlines. `|| '{}'` unpacks a state with ten thousand tenants once;
/// otherwise each access to a field would unpack it again.
fn outline_query(filter: &IncidentFilter) -> QueryBuilder<Postgres> {
    let fields: Vec<String> = OUTLINE
        .iter()
        .map(|field| format!("'{field}', s -> '{field}'"))
        .collect();
    let mut sql = QueryBuilder::new(format!(
        "select id, place, jsonb_build_object({}, 'public', public, 'deadline', s #> '{{clocks,deadline}}', 'affected_tenants', \
         case when tenants is null then to_jsonb('all'::text) \
         else jsonb_path_query_array(s, '$.affected_tenants[0 to {}]') end, 'affected_tenants_total', \
         case when tenants is not null then jsonb_path_query_first(s, '$.affected_tenants.size()') end)::text as outline \
         from (select id, {} as place, public, tenants, state || '{{}}'::jsonb as s",
        fields.join(", "),
        OUTLINE_TENANTS - 1,
        place(filter)
    ));
    filtered(&mut sql, filter);
    sql.push(") as found order by ")
        .push(order(filter, "place"));
    sql
}

fn query(filter: &IncidentFilter) -> QueryBuilder<Postgres> {
    let place = place(filter);
    let mut sql = QueryBuilder::new(format!("select id, {place} as place, state::text as state"));
    filtered(&mut sql, filter);
    sql
}

/// Returns the column by which a list is ordered ([`IncidentFilter::place`]).
const fn place(filter: &IncidentFilter) -> &'static str {
    match filter.due_by {
        Some(_) => "due_at",
        None => "declared_at",
    }
}

/// Returns the order of a list by the place in a column ([`IncidentFilter::compare`]).
fn order(filter: &IncidentFilter, column: &str) -> String {
    match filter.due_by {
        Some(_) => format!("{column}, id"),
        None => format!("{column} desc, id desc"),
    }
}

/// Appends the source, conditions and order of a filter. Conditions that the filter leaves open
/// are omitted, so that the plan can use the index that fits.
fn filtered(sql: &mut QueryBuilder<Postgres>, filter: &IncidentFilter) {
    let IncidentFilter {
        statuses,
        severity,
        tenant,
        service,
        text,
        alert,
        from,
        to,
        public_only,
        public_id,
        unresolved_at,
        touching,
        due_by,
        with_clocks,
        after,
        limit,
        skip_unreadable: _,
    } = filter;
    let live = !statuses.is_empty() && statuses.iter().all(|status| status.is_live());
    sql.push(" from ");
    match alert {
        Some(alert) => of_alert(sql, alert.as_str(), live),
        None => {
            sql.push("incident.incidents");
        }
    }
    sql.push(" where true");
    if !statuses.is_empty() {
        if live {
            // Implied by the statuses; stated because the index is on it.
            sql.push(" and live");
        }
        let names: Vec<String> = statuses.iter().map(status_name).collect();
        sql.push(" and status = any(").push_bind(names).push(")");
    }
    if let Some(severity) = severity {
        sql.push(" and severity = ").push_bind(priority(*severity));
    }
    if let Some(tenant) = tenant {
        sql.push(" and (tenants is null or ")
            .push_bind(tenant.clone())
            .push(" = any(tenants))");
    }
    if let Some(service) = service {
        sql.push(" and ")
            .push_bind(service.clone())
            .push(" = any(services)");
    }
    if let Some(text) = text {
        of_text(sql, &text.to_lowercase());
    }
    if let Some(from) = from {
        sql.push(" and declared_at >= ").push_bind(time(*from));
    }
    if let Some(to) = to {
        sql.push(" and declared_at < ").push_bind(time(*to));
    }
    if *public_only {
        sql.push(" and public");
    }
    if let Some(id) = public_id {
        sql.push(" and public_id = ").push_bind(id.to_string());
    }
    if let Some(at) = unresolved_at {
        sql.push(" and (resolved_at is null or resolved_at > ")
            .push_bind(time(*at))
            .push(")");
    }
    if let Some(window) = touching {
        sql.push(" and started_at < ")
            .push_bind(time(window.end()))
            .push(" and (ended_at is null or ended_at > ")
            .push_bind(time(window.start()))
            .push(")");
    }
    if *with_clocks {
        sql.push(" and (live or due_at is not null)");
    }
    if let Some(by) = due_by {
        sql.push(" and due_at <= ").push_bind(time(*by));
    }
    let place = place(filter);
    if let Some((at, id)) = after {
        let than = if due_by.is_some() { ">" } else { "<" };
        sql.push(format!(" and ({place}, id) {than} ("))
            .push_bind(time(*at));
        sql.push(", ").push_bind(id.uuid()).push(")");
    }
    sql.push(" order by ")
        .push(order(filter, place))
        .push(" limit ");
    sql.push_bind(i64::try_from(*limit).unwrap_or(i64::MAX));
}

fn of_text(sql: &mut QueryBuilder<Postgres>, wanted: &str) {
    sql.push(" and (strpos(title_lower, ")
        .push_bind(wanted.to_owned())
        .push(") > 0 or strpos(summary_lower, ")
        .push_bind(wanted.to_owned())
        .push(") > 0)");
}

/// Appends the incidents of an alert, each looked up by its id: as one condition among others,
/// it could read every live incident. The offset keeps the planner from flattening the lookup
/// into a plain join.
fn of_alert(sql: &mut QueryBuilder<Postgres>, alert: &str, live: bool) {
    sql.push("(select i.id from incident.incidents i where i.alert_key = ")
        .push_bind(alert.to_owned())
        .push(if live { " and i.live" } else { "" })
        .push(" union select h.incident_id from incident.alert_holders h where h.alert_key = ")
        .push_bind(alert.to_owned())
        .push(") as of_alert (found) cross join lateral ")
        .push("(select * from incident.incidents i where i.id = of_alert.found offset 0) as incidents");
}

fn status_name(status: &Status) -> String {
    status.to_string()
}

pub(crate) async fn find_response(
    connection: &mut PgConnection,
    key: &IdempotencyKey,
    now: Timestamp,
) -> sqlx::Result<Option<IdempotencyRecord>> {
    let sql = "select fingerprint, made_at, expires_at, reply::text as reply from incident.idempotency_keys \
               where actor = $1 and key = $2 and expires_at > $3";
    let found = sqlx::query(sql)
        .bind(key.actor.as_str())
        .bind(&key.key)
        .bind(time(now))
        .fetch_optional(connection)
        .await?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some(IdempotencyRecord {
        key: IdempotencyKey {
            fingerprint: row::hash(&found, "fingerprint")?.0,
            ..key.clone()
        },
        made_at: row::time(&found, "made_at")?,
        expires_at: row::time(&found, "expires_at")?,
        reply: row::json(&found, "reply")?,
    }))
}

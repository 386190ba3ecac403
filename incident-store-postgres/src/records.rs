//! Reads of suggestions and of the ledger.

use std::time::Duration;

use async_trait::async_trait;
use incident_core::billing::{CreditState, LedgerRow};
use incident_core::port::{CreditQuery, Ledger, StoreError, SuggestionQuery, Suggestions};
use incident_core::suggestion::Suggestion;
use incident_core::{CreditId, IncidentId, Percent, SuggestionId, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::access::read;
use crate::document::time;
use crate::row::{self, unreadable};
use crate::store::PgStore;

const SUGGESTION: &str = "select id, received_at, used and dismissed_at is null as used, dismissed_at, \
     said::text as said from incident.suggestions where ";

#[async_trait]
impl Suggestions for PgStore {
    async fn suggestion(
        &self,
        id: SuggestionId,
        timeout: Duration,
    ) -> Result<Option<Suggestion>, StoreError> {
        read!(&self.pool, timeout, |connection| one(connection, id))
    }

    async fn suggestions(
        &self,
        query: &SuggestionQuery,
        timeout: Duration,
    ) -> Result<Vec<Suggestion>, StoreError> {
        read!(&self.pool, timeout, |connection| several(connection, query))
    }

    async fn open_suggestions(&self, now: Timestamp, timeout: Duration) -> Result<u64, StoreError> {
        read!(&self.pool, timeout, |connection| open(connection, now))
    }
}

async fn open(connection: &mut PgConnection, now: Timestamp) -> sqlx::Result<u64> {
    let sql = "select count(*) as open from incident.open_suggestions where expires_at > $1 and not dismissed";
    let row = sqlx::query(sql)
        .bind(time(now))
        .fetch_one(connection)
        .await?;
    row::count(&row, "open")
}

async fn one(connection: &mut PgConnection, id: SuggestionId) -> sqlx::Result<Option<Suggestion>> {
    let mut sql = QueryBuilder::<Postgres>::new(SUGGESTION);
    sql.push("id = ").push_bind(id.uuid());
    let found = sql.build().fetch_optional(connection).await?;
    found.map(|row| suggestion(&row)).transpose()
}

async fn several(
    connection: &mut PgConnection,
    query: &SuggestionQuery,
) -> sqlx::Result<Vec<Suggestion>> {
    let mut sql = QueryBuilder::<Postgres>::new(SUGGESTION);
    match query.before {
        Some((at, id)) => {
            sql.push("(received_at, id) < (").push_bind(time(at));
            sql.push(", ").push_bind(id.uuid()).push(")");
        }
        None => {
            sql.push("true");
        }
    }
    sql.push(" order by received_at desc, id desc limit ");
    sql.push_bind(i64::try_from(query.limit).unwrap_or(i64::MAX));
    let rows = sql.build().fetch_all(connection).await?;
    rows.iter().map(suggestion).collect()
}

fn suggestion(row: &PgRow) -> sqlx::Result<Suggestion> {
    Ok(Suggestion {
        id: SuggestionId::from_uuid(row::get(row, "id")?),
        request: row::json(row, "said")?,
        received_at: row::time(row, "received_at")?,
        used: row::get(row, "used")?,
        dismissed_at: row::optional_time(row, "dismissed_at")?,
    })
}

#[async_trait]
impl Ledger for PgStore {
    async fn credits(
        &self,
        query: &CreditQuery,
        timeout: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        read!(&self.pool, timeout, |connection| rows(connection, query))
    }
}

async fn rows(connection: &mut PgConnection, query: &CreditQuery) -> sqlx::Result<Vec<LedgerRow>> {
    let rows = credits(query)?.build().fetch_all(connection).await?;
    let read = rows.iter().map(credit);
    if query.skip_unreadable {
        return Ok(read.filter_map(Result::ok).collect());
    }
    read.collect()
}

fn credits(query: &CreditQuery) -> sqlx::Result<QueryBuilder<Postgres>> {
    let CreditQuery {
        id,
        incident,
        tenant,
        period,
        state,
        batch,
        skip_unreadable: _,
    } = query;
    let mut sql = QueryBuilder::new(
        "select id, incident_id, tenant_id, revision, period, outage_us, credit_ppm, terms_version, state, author, \
         granted::text as granted, issued::text as issued, reverses, inputs::text as inputs \
         from incident.credits where true",
    );
    if let Some(id) = id {
        sql.push(" and id = ").push_bind(id.uuid());
    }
    if let Some(incident) = incident {
        sql.push(" and incident_id = ").push_bind(incident.uuid());
    }
    if let Some(tenant) = tenant {
        sql.push(" and tenant_id = ")
            .push_bind(tenant.as_str().to_owned());
    }
    if let Some(period) = period {
        sql.push(" and period = ").push_bind(period.to_string());
    }
    if let Some(state) = state {
        sql.push(" and state = ").push_bind(state.name());
    }
    if let Some(batch) = batch {
        sql.push(" and issued ->> 'batch' = ")
            .push_bind(batch.to_string());
    }
    sql.push(" order by written");
    Ok(sql)
}

fn state(name: &str) -> sqlx::Result<CreditState> {
    let found = CreditState::ALL
        .into_iter()
        .find(|state| state.name() == name);
    found.ok_or_else(|| unreadable("unknown credit state"))
}

fn credit(row: &PgRow) -> sqlx::Result<LedgerRow> {
    let number = |column| u32::try_from(row::get::<i32>(row, column)?).map_err(unreadable);
    Ok(LedgerRow {
        id: CreditId::from_uuid(row::get(row, "id")?),
        incident_id: row::get::<Option<Uuid>>(row, "incident_id")?.map(IncidentId::from_uuid),
        tenant_id: row::stored(row, "tenant_id")?,
        revision: number("revision")?,
        period: row::parsed(row, "period")?,
        outage_us: row::count(row, "outage_us")?,
        credit_percent: Percent::from_ppm(number("credit_ppm")?).map_err(unreadable)?,
        terms_version: row::stored(row, "terms_version")?,
        state: state(row::get(row, "state")?)?,
        author: row::stored(row, "author")?,
        granted: row::optional_json(row, "granted")?,
        issued: row::optional_json(row, "issued")?,
        reverses: row::get::<Option<Uuid>>(row, "reverses")?.map(CreditId::from_uuid),
        inputs: row::json(row, "inputs")?,
    })
}

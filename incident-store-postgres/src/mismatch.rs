//! Comparison of an incident's indexed columns with the state that they derive from.

use incident_core::chain::Hash;
use incident_core::incident::{Affected, Incident};
use incident_core::{IncidentId, Timestamp};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::document::priority;
use crate::row;

/// Returns a sentence about the first column of an incident that does not fit its state; `None`
/// if all fit or there is no such incident.
pub(crate) async fn mismatch(
    connection: &mut PgConnection,
    id: IncidentId,
) -> sqlx::Result<Option<&'static str>> {
    let sql = "select i.id, i.number, i.revision, i.version, i.last_seq, i.last_hash, i.status, i.live, i.severity, \
                   i.public, i.declared_at, i.resolved_at, i.started_at, i.ended_at, i.due_at, i.alert_key, i.services, \
                   i.tenants, i.title_lower, i.summary_lower, i.state::text as state, t.hash as head \
               from incident.incidents i \
               left join incident.timeline t on t.incident_id = i.id and t.seq = i.last_seq \
               where i.id = $1";
    let found = sqlx::query(sql)
        .bind(id.uuid())
        .fetch_optional(connection)
        .await?;
    found.map_or(Ok(None), |row| first_mismatch(&row))
}

/// Pairs the sentence about a column with the result of its comparison.
macro_rules! column {
    ($name:literal, $fits:expr) => {
        (
            concat!("the column ", $name, " does not match the incident's state"),
            $fits,
        )
    };
}

fn first_mismatch(row: &PgRow) -> sqlx::Result<Option<&'static str>> {
    let state: Incident = row::json(row, "state")?;
    let names = |column| row::get::<Option<Vec<String>>>(row, column);
    let services = state.affected_services.iter().map(|one| one.as_str());
    let tenants = match &state.affected_tenants {
        Affected::All => None,
        Affected::These(list) => Some(list.iter().map(|one| one.tenant_id.as_str())),
    };
    let head = row::get::<Option<&[u8]>>(row, "head")?;
    let last: Hash = row::hash(row, "last_hash")?;
    let ended = state.impact_ended_at.or(state.resolved_at);
    let fits = [
        column!("id", row::get::<Uuid>(row, "id")? == state.id.uuid()),
        column!("number", row::count(row, "number")? == state.number),
        column!("revision", row::count(row, "revision")? == state.revision.0),
        column!("version", row::count(row, "version")? == state.version.0),
        column!("last_seq", row::count(row, "last_seq")? == state.last_seq),
        (
            "the column last_hash is not the hash of the last entry",
            head == Some(&last.0[..]),
        ),
        column!(
            "status",
            row::get::<&str>(row, "status")? == state.status.name()
        ),
        column!(
            "live",
            row::get::<bool>(row, "live")? == state.status.is_live()
        ),
        column!(
            "severity",
            row::get::<i16>(row, "severity")? == priority(state.severity)
        ),
        column!(
            "public",
            row::get::<bool>(row, "public")? == state.status_page.public
        ),
        column!(
            "declared_at",
            row::time(row, "declared_at")? == state.declared_at
        ),
        column!("resolved_at", time(row, "resolved_at")? == state.over_at()),
        column!(
            "started_at",
            row::time(row, "started_at")? == state.started_at
        ),
        column!("ended_at", time(row, "ended_at")? == ended),
        column!("due_at", time(row, "due_at")? == state.clocks.due_at),
        column!(
            "alert_key",
            row::get::<Option<&str>>(row, "alert_key")?
                == state.alert_key.as_ref().map(|key| key.as_str())
        ),
        column!(
            "services",
            names("services")?.is_some_and(|stored| services.eq(stored))
        ),
        column!(
            "tenants",
            match (names("tenants")?, tenants) {
                (None, None) => true,
                (Some(stored), Some(tenants)) => tenants.eq(stored),
                (None, Some(_)) | (Some(_), None) => false,
            }
        ),
        column!(
            "title_lower",
            row::get::<&str>(row, "title_lower")? == state.title.as_str().to_lowercase()
        ),
        column!(
            "summary_lower",
            row::get::<&str>(row, "summary_lower")? == state.summary.as_str().to_lowercase()
        ),
    ];
    let wrong = fits.into_iter().find(|(_, fits)| !fits);
    Ok(wrong.map(|(sentence, _)| sentence))
}

fn time(row: &PgRow, column: &str) -> sqlx::Result<Option<Timestamp>> {
    match row::get::<Option<chrono::DateTime<chrono::Utc>>>(row, column)? {
        Some(_) => row::time(row, column).map(Some),
        None => Ok(None),
    }
}

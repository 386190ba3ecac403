//! Handing out messages.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use incident_core::incident::Severity;
use incident_core::outbox::{
    Backlog, Claim, Claimed, GivenUp, Lease, Message, MessageBody, Unreadable,
};
use incident_core::port::{ClaimRequest, Outbox, Store, StoreError};
use incident_core::{IncidentId, MessageId, Timestamp, failpoint};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::access::{Session, read};
use crate::clock::{HostClock, moved};
use crate::document::time;
use crate::failure::Failure;
use crate::row::{self, unreadable};
use crate::store::PgStore;

/// How often leases and keys are tidied.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// Claims what is due, the worst lane first. `$1` is now, or null for the server's
/// clock; either bounds the index scan. Rows of unknown kinds are left for newer
/// versions.
pub(crate) const CLAIM: &str = include_str!("claim.sql");

const TIDY: &str = "select incident.tidy(coalesce($1, statement_timestamp()), $2)";

const NEXT_DUE: &str = include_str!("next_due.sql");

impl PgStore {
    async fn claim_now(&self, request: ClaimRequest, until: Instant) -> Result<Claimed, Failure> {
        let tidy = self.is_untidy(request.now);
        let mut session = Session::clean(&self.0.relay, until).await?;
        let clock = &self.0.clock;
        let answer = timeout_at(until, claim(session.connection(), request, clock, tidy)).await;
        session.end(answer)
    }

    /// Whether leases are to be looked at again: once a second on the caller's
    /// clock, and when that went back.
    fn is_untidy(&self, now: Timestamp) -> bool {
        let mut tidied = self.0.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        let recent =
            tidied.is_some_and(|last| last <= now && now < last.saturating_add(TIDY_EVERY));
        if !recent {
            *tidied = Some(now);
        }
        !recent
    }
}

async fn claim(
    connection: &mut PgConnection,
    request: ClaimRequest,
    clock: &HostClock,
    tidy: bool,
) -> sqlx::Result<Claimed> {
    let now = clock.counted(request.now).map(time);
    if tidy {
        sqlx::query(TIDY)
            .bind(now)
            .bind(interval(request.lease_for.saturating_mul(2)))
            .execute(&mut *connection)
            .await?;
        failpoint::hit("after_tidy");
    }
    let kinds: Vec<String> = MessageBody::KINDS.map(str::to_owned).to_vec();
    let except: Vec<Uuid> = request.except.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query(CLAIM)
        .bind(now)
        .bind(i64::try_from(request.limit).unwrap_or(i64::MAX))
        .bind(kinds)
        .bind(request.owner)
        .bind(interval(request.lease_for))
        .bind(except)
        .fetch_all(connection)
        .await?;
    // An UPDATE returns its rows in no order.
    let mut rows: Vec<(i64, PgRow)> = rows
        .into_iter()
        .map(|row| Ok((row::get(&row, "ordinal")?, row)))
        .collect::<sqlx::Result<_>>()?;
    rows.sort_by_key(|(ordinal, _)| *ordinal);
    let mut claimed = Claimed::default();
    let Some((_, first)) = rows.first() else {
        return Ok(claimed);
    };
    // All rows are of one statement, and so of one moment of the server's clock.
    let (here, there) = (clock.now().map(|_| request.now), row::time(first, "clock")?);
    for (_, row) in &rows {
        let lease = Lease {
            owner: request.owner,
            token: row::count(row, "lease_token")?,
        };
        // A row at a time: one that a newer version wrote is no reason to keep the others.
        match message(row) {
            Ok(message) => claimed.claims.push(Claim {
                message: Message {
                    due_at: moved(message.due_at, here, there),
                    ..message
                },
                lease,
            }),
            Err(error) => claimed.unreadable.push(Unreadable {
                id: MessageId::from_uuid(row::get(row, "id")?),
                incident_id: row::get::<Option<Uuid>>(row, "incident_id")?
                    .map(IncidentId::from_uuid),
                lease,
                due_at: row::time(row, "due_at")
                    .map_or(request.now, |due_at| moved(due_at, here, there)),
                why: error.to_string(),
            }),
        }
    }
    let urgency = |claim: &Claim| (claim.message.lane, claim.message.due_at);
    claimed.claims.sort_by_key(urgency);
    Ok(claimed)
}

/// Rows that are not finished are few, and each state has its index.
const BACKLOG: &str = "select count(*) filter (where state <> 'given_up') as unfinished, \
     count(*) filter (where state = 'given_up') as given_up, \
     min(committed_at) filter (where opens and state <> 'given_up') as oldest_page, \
     statement_timestamp() as clock from incident.outbox";

async fn backlog(connection: &mut PgConnection, clock: &HostClock) -> sqlx::Result<Backlog> {
    let here = clock.now();
    let row = sqlx::query(BACKLOG).fetch_one(connection).await?;
    let oldest: Option<DateTime<Utc>> = row::get(&row, "oldest_page")?;
    Ok(Backlog {
        unfinished: row::count(&row, "unfinished")?,
        given_up: row::count(&row, "given_up")?,
        oldest_page: oldest
            .map(Timestamp::from_chrono)
            .transpose()
            .map_err(unreadable)?,
        clock_ahead: match here {
            Some(here) => Some(row::time(&row, "clock")?.micros() - here.micros()),
            None => None,
        },
    })
}

fn message(row: &PgRow) -> sqlx::Result<Message> {
    Ok(Message {
        id: MessageId::from_uuid(row::get::<Uuid>(row, "id")?),
        incident_id: row::get::<Option<Uuid>>(row, "incident_id")?.map(IncidentId::from_uuid),
        lane: match row::get::<i16>(row, "lane")? {
            1 => Severity::Sev1,
            2 => Severity::Sev2,
            3 => Severity::Sev3,
            4 => Severity::Sev4,
            _ => return Err(unreadable("a lane that is none")),
        },
        body: row::json(row, "body")?,
        committed_at: row::time(row, "committed_at")?,
        due_at: row::time(row, "due_at")?,
        log: row::json(row, "log")?,
    })
}

fn interval(duration: Duration) -> sqlx::postgres::types::PgInterval {
    sqlx::postgres::types::PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
    }
}

#[async_trait]
impl Outbox for PgStore {
    async fn claim(&self, request: ClaimRequest, within: Duration) -> Result<Claimed, StoreError> {
        let (store, until) = (self.clone(), Instant::now() + within);
        let task = tokio::spawn(async move { store.claim_now(request, until).await });
        match task.await {
            Ok(claims) => claims.map_err(Failure::of_write),
            Err(error) => Err(StoreError::Unknown(Box::new(error))),
        }
    }

    async fn next_due(&self, within: Duration) -> Result<Option<Timestamp>, StoreError> {
        read!(&self.0.relay, within, |connection| next_due(
            connection,
            &self.0.clock
        ))
    }

    async fn backlog(&self, within: Duration) -> Result<Backlog, StoreError> {
        read!(&self.0.relay, within, |connection| backlog(
            connection,
            &self.0.clock
        ))
    }

    async fn given_up(&self, which: GivenUp, within: Duration) -> Result<Vec<Message>, StoreError> {
        let (incident, id) = match which {
            GivenUp::Of(incident) => (Some(incident.uuid()), None),
            GivenUp::OfNoIncident => (Some(Uuid::nil()), None),
            GivenUp::One(id) => (None, Some(id.uuid())),
        };
        read!(&self.0.pool, within, |connection| given_up(
            connection, incident, id
        ))
    }

    fn for_relay(&self) -> Option<Arc<dyn Store>> {
        let store: Arc<dyn Store> = Arc::new(self.apart()?);
        Some(store)
    }
}

async fn next_due(
    connection: &mut PgConnection,
    clock: &HostClock,
) -> sqlx::Result<Option<Timestamp>> {
    let row = sqlx::query(NEXT_DUE).fetch_one(connection).await?;
    if row::get::<Option<DateTime<Utc>>>(&row, "due_at")?.is_none() {
        return Ok(None);
    }
    let due_at = row::time(&row, "due_at")?;
    Ok(Some(moved(due_at, clock.now(), row::time(&row, "clock")?)))
}

async fn given_up(
    connection: &mut PgConnection,
    incident: Option<Uuid>,
    id: Option<Uuid>,
) -> sqlx::Result<Vec<Message>> {
    let sql = "select id, incident_id, lane, body, committed_at, due_at, log from incident.outbox \
               where state = 'given_up' and (owner_id = $1 or id = $2) order by ordinal";
    let query = sqlx::query(sql).bind(incident).bind(id);
    let rows = query.fetch_all(connection).await?;
    // What a newer version gave up is left to it.
    Ok(rows.iter().filter_map(|row| message(row).ok()).collect())
}

//! The outbox: claims, due times, backlog and dead letters.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use incident_core::incident::Severity;
use incident_core::outbox::{
    Backlog, Claim, DeadLetterFilter, Lease, Message, MessageBody, Unreadable,
};
use incident_core::port::{ClaimRequest, Outbox, Store, StoreError};
use incident_core::{IncidentId, MessageId, Timestamp};
use serde::Deserialize;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::Instant;
use uuid::Uuid;

use crate::access::{Again, PgSession, alone, read};
use crate::clock::{HostClock, to_host_time};
use crate::document::time;
use crate::failure::Failure;
use crate::row::{self, unreadable};
use crate::store::PgStore;

/// Interval between two tidyings of leases and idempotency keys.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// Statement that refuses to run inside of a transaction: see `incident.claim_alone`.
const CLAIM: &str = "call incident.claim_alone($1, $2, $3, $4, $5, $6, $7, null, null)";

const NEXT_DUE: &str = "select due_at, clock from incident.next_due()";

impl PgStore {
    /// Claims messages, and repeats the claim if its connection breaks. If the reply to a claim
    /// is lost, its messages are handed out when their leases expire, whether or not the claim
    /// is repeated.
    async fn claim_now(
        &self,
        request: ClaimRequest,
        deadline: Instant,
    ) -> Result<Vec<Result<Claim, Unreadable>>, Failure> {
        let tidy = self.is_untidy(request.now);
        let mut again = Again::deadline(deadline);
        loop {
            let claimed = match again.session(&self.relay).await {
                Ok(session) => self.claim_on(session, &request, tidy).await,
                Err(failure) => Err(failure),
            };
            match claimed {
                Err(failure) if again.is_worth_another(&failure) => {}
                other => return other,
            }
        }
    }

    async fn claim_on(
        &self,
        mut session: PgSession,
        request: &ClaimRequest,
        tidy: bool,
    ) -> Result<Vec<Result<Claim, Unreadable>>, Failure> {
        let clock = &self.clock;
        alone!(session, |connection| claim(
            connection, request, clock, tidy
        ))
    }

    /// Returns `true` if leases and keys are to be tidied, and records the time: once a second
    /// by the caller's clock, and whenever that clock goes back.
    fn is_untidy(&self, now: Timestamp) -> bool {
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        let recent =
            tidied.is_some_and(|last| last <= now && now < last.saturating_add(TIDY_EVERY));
        if !recent {
            *tidied = Some(now);
        }
        !recent
    }
}

/// A claimed message in the form that `incident.claim_alone` returns.
#[derive(Deserialize)]
struct Leased {
    id: Uuid,
    incident_id: Option<Uuid>,
    lease_token: u64,
    priority: i16,
    body: String,
    log: String,
    /// Microseconds since 1970, as text: the server's range of times exceeds that of
    /// [`Timestamp`].
    committed_at: String,
    due_at: String,
}

impl Leased {
    /// Converts the row to a claim; `local` converts a time of the server's clock to the
    /// caller's.
    fn claim(
        &self,
        request: &ClaimRequest,
        local: impl Fn(Timestamp) -> Timestamp,
    ) -> Result<Claim, Unreadable> {
        let lease = Lease {
            owner: request.owner,
            token: self.lease_token,
        };
        match self.message(&local) {
            Ok(message) => Ok(Claim { message, lease }),
            Err(error) => Err(Unreadable {
                id: MessageId::from_uuid(self.id),
                incident_id: self.incident_id.map(IncidentId::from_uuid),
                lease,
                due_at: micros(&self.due_at).map_or(request.now, local),
                why: error.to_string(),
            }),
        }
    }

    fn message(&self, local: impl Fn(Timestamp) -> Timestamp) -> sqlx::Result<Message> {
        Ok(Message {
            id: MessageId::from_uuid(self.id),
            incident_id: self.incident_id.map(IncidentId::from_uuid),
            priority: severity_of(self.priority)?,
            body: serde_json::from_str(&self.body).map_err(unreadable)?,
            committed_at: micros(&self.committed_at)?,
            due_at: local(micros(&self.due_at)?),
            log: serde_json::from_str(&self.log).map_err(unreadable)?,
        })
    }
}

fn micros(text: &str) -> sqlx::Result<Timestamp> {
    let micros = text.parse().map_err(unreadable)?;
    Timestamp::from_micros(micros).map_err(unreadable)
}

fn severity_of(number: i16) -> sqlx::Result<Severity> {
    match number {
        1 => Ok(Severity::Sev1),
        2 => Ok(Severity::Sev2),
        3 => Ok(Severity::Sev3),
        4 => Ok(Severity::Sev4),
        _ => Err(unreadable("unknown message priority")),
    }
}

/// Claims messages, and tidies first if `tidy` is set.
async fn claim(
    connection: &mut PgConnection,
    request: &ClaimRequest,
    clock: &HostClock,
    tidy: bool,
) -> sqlx::Result<Vec<Result<Claim, Unreadable>>> {
    let kinds: Vec<String> = MessageBody::KINDS.map(str::to_owned).to_vec();
    let except: Vec<Uuid> = request.except.iter().map(|id| id.uuid()).collect();
    let row = sqlx::query(CLAIM)
        .bind(clock.given(request.now).map(time))
        .bind(i64::try_from(request.limit).unwrap_or(i64::MAX))
        .bind(kinds)
        .bind(request.owner)
        .bind(interval(request.lease_for))
        .bind(except)
        .bind(tidy)
        .fetch_one(connection)
        .await?;
    let Some(leased) = row::optional_json::<Vec<Leased>>(&row, "claimed")? else {
        return Ok(Vec::new());
    };
    // All values are of one statement, hence of one moment of the server's clock.
    let here = clock.now().map(|_| request.now);
    let there = row::time(&row, "clock")?;
    let local = |time| to_host_time(time, here, there);
    // Row by row: a message that a newer version wrote must not hold back the others.
    let claims = leased.iter().map(|one| one.claim(request, local));
    let mut claims: Vec<_> = claims.collect();
    let urgency = |claim: &Claim| (claim.message.priority, claim.message.due_at);
    claims.sort_by_key(|claim| claim.as_ref().ok().map(urgency));
    Ok(claims)
}

/// Query of the backlog. Few rows are unfinished, and each state has its own index.
const BACKLOG: &str = "select count(*) filter (where state <> 'given_up') as unfinished, \
     count(*) filter (where state = 'given_up') as given_up, \
     min(committed_at) filter (where opens and state <> 'given_up') as oldest_page, \
     min(committed_at) filter (where kind = 'notice' and state <> 'given_up') as oldest_notice, \
     statement_timestamp() as clock from incident.outbox";

async fn backlog(connection: &mut PgConnection, clock: &HostClock) -> sqlx::Result<Backlog> {
    let here = clock.now();
    let row = sqlx::query(BACKLOG).fetch_one(connection).await?;
    let oldest = |column| {
        let oldest: Option<DateTime<Utc>> = row::get(&row, column)?;
        oldest
            .map(Timestamp::from_chrono)
            .transpose()
            .map_err(unreadable)
    };
    Ok(Backlog {
        unfinished: row::count(&row, "unfinished")?,
        given_up: row::count(&row, "given_up")?,
        oldest_page: oldest("oldest_page")?,
        oldest_notice: oldest("oldest_notice")?,
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
        priority: severity_of(row::get(row, "priority")?)?,
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
    async fn claim(
        &self,
        request: ClaimRequest,
        timeout: Duration,
    ) -> Result<Vec<Result<Claim, Unreadable>>, StoreError> {
        let claims = self.claim_now(request, Instant::now() + timeout).await;
        claims.map_err(Failure::of_write)
    }

    async fn next_due(&self, timeout: Duration) -> Result<Option<Timestamp>, StoreError> {
        read!(&self.relay, timeout, |connection| next_due(
            connection,
            &self.clock
        ))
    }

    async fn backlog(&self, timeout: Duration) -> Result<Backlog, StoreError> {
        read!(&self.relay, timeout, |connection| backlog(
            connection,
            &self.clock
        ))
    }

    async fn given_up(
        &self,
        which: DeadLetterFilter,
        timeout: Duration,
    ) -> Result<Vec<Message>, StoreError> {
        read!(&self.pool, timeout, |connection| given_up(
            connection, which
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
    Ok(Some(to_host_time(
        due_at,
        clock.now(),
        row::time(&row, "clock")?,
    )))
}

async fn given_up(
    connection: &mut PgConnection,
    which: DeadLetterFilter,
) -> sqlx::Result<Vec<Message>> {
    let (condition, id, most) = match which {
        DeadLetterFilter::Incident(incident) => ("owner_id = $1", incident.uuid(), None),
        DeadLetterFilter::NoIncident => ("owner_id = $1", Uuid::nil(), None),
        DeadLetterFilter::Message(id) => ("id = $1", id.uuid(), None),
        DeadLetterFilter::First(most) => ("$1 is not null", Uuid::nil(), i64::try_from(most).ok()),
    };
    // No limit without a number.
    let sql = format!(
        "select id, incident_id, priority, body, committed_at, due_at, log from incident.outbox \
         where state = 'given_up' and {condition} order by ordinal limit $2"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(id).bind(most);
    let rows = rows.fetch_all(connection).await?;
    // Dead letters of a newer version are left to that version.
    Ok(rows.iter().filter_map(|row| message(row).ok()).collect())
}

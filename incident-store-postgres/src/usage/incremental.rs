//! Questions about live incidents: asked anew with a later end, they cost what came since.
//!
//! Every event of our own table carries the transaction it came with. Transactions that
//! were over when a question looked are counted; what others bring is new to the next one,
//! however old its events are. The host's own tables cannot tell, and are counted anew.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use incident_core::impact::{ImpactCounts, ImpactQuery, IncrementalCache};
use sqlx::postgres::PgRow;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::count::{QueryPlan, SPANS};
use super::shared_count::{BELOW_PLACE, LINE_PLACE, SharedCount, SoFar};
use super::state::PgUsage;
use super::table::UsageTable;
use crate::access::{Session, again, limited};
use crate::failure::Failure;

/// A question that takes less is asked as a whole, unless told otherwise.
pub(super) const MIN_COST: Duration = Duration::from_millis(20);

/// Most users of a question that is followed: each one travels once.
const MAX_USERS: u64 = 1_000_000;

/// What is counted is counted anew after so long: somebody may have deleted events.
const TRUSTED_FOR: Duration = Duration::from_secs(600);

/// About what a pair of tenant and user takes in two sets.
const PAIR: usize = 96;

/// How many bytes all questions may take.
const MAX_CACHE_BYTES: usize = 256 * 1024 * 1024;

impl PgUsage {
    /// Locks the cache of queries that were asked lately.
    fn live(&self) -> MutexGuard<'_, IncrementalCache<Mutex<SharedCount>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer of a question that was asked before with an earlier end; none of one that
    /// is to be counted as any other.
    pub(super) async fn followed(
        &self,
        asked: &QueryPlan<'_>,
        query: &ImpactQuery,
        deadline: Instant,
    ) -> Result<Option<ImpactCounts>, Failure> {
        if self.live().is_empty() {
            return Ok(None);
        }
        let (Some(end), Some(growing)) = (query.end(), self.growing(query)) else {
            return Ok(None);
        };
        let end = end.micros();
        let known = self.live().known(&growing, self.started.elapsed());
        let Some(known) = known else {
            return Ok(None);
        };
        // Whoever asks the same at the same time waits, and finds little left to do.
        let Ok(mut known) = timeout_at(deadline, known.lock()).await else {
            return Ok(None);
        };
        let is_old = |so_far: &SoFar| so_far.begun.elapsed() > TRUSTED_FOR;
        if known.so_far.as_ref().is_some_and(is_old) {
            known.so_far = None;
        }
        let is_earlier = |so_far: &SoFar| end < so_far.end;
        if known.is_given_up || known.so_far.as_ref().is_some_and(is_earlier) {
            return Ok(None);
        }
        let begun = Instant::now();
        let so_far = known.so_far.as_ref();
        let answer = again!(&self.server, deadline, |session| look(
            &mut session,
            asked,
            so_far
        ));
        let rows = match answer {
            Ok(rows) => rows,
            // A server that does not tell what is needed; the question itself may well work.
            Err(failure) if failure.is_refused() => {
                known.is_given_up = true;
                return Ok(None);
            }
            Err(failure) => {
                known.is_given_up = failure.is_late();
                return Err(failure);
            }
        };
        let so_far = known.so_far.take();
        let so_far = SoFar::with(so_far, &rows, query, begun, end);
        known.so_far = so_far.map_err(Failure::of)?;
        let Some(so_far) = &known.so_far else {
            return Ok(None);
        };
        let counts = so_far.met.counts(query);
        let bytes = so_far.met.pairs() * PAIR;
        drop(known);
        self.live().measured(&growing, bytes, MAX_CACHE_BYTES);
        Ok(Some(counts))
    }

    /// Returns a question that can be followed, without its end; none over the host's own table.
    fn growing(&self, query: &ImpactQuery) -> Option<ImpactQuery> {
        if self.table != UsageTable::own() {
            return None;
        }
        query.open_ended()
    }

    /// Follows a question from now on that took long to count, unless it has too many users.
    pub(super) fn note(&self, query: &ImpactQuery, took: Duration, counts: &ImpactCounts) {
        let users = counts.by_tenant.iter().map(|one| one.unique_users);
        if took < self.follow_from || users.sum::<u64>() > MAX_USERS {
            return;
        }
        if let Some(growing) = self.growing(query) {
            self.live().follow(&growing, self.started.elapsed());
        }
    }
}

/// Which history of a database the numbers of transactions belong to. A copy that takes over
/// goes on under a timeline of its own, and hands out numbers anew that the other one had
/// used by then. Asked for by the name of the file that is written now: the control file
/// tells of a new timeline only after the first checkpoint.
const LINE: &str = "(select system_identifier::text from pg_control_system()) || ' ' || \
     case when pg_is_in_recovery() then (select 'copy ' || timeline_id from pg_control_checkpoint()) \
     else left(pg_walfile_name(pg_current_wal_lsn()), 8) end";

/// Finds the users of each tenant, by its place, that came with transactions that were not over
/// then, or lie after that time; all of them at first. And which transactions are over now.
async fn look(
    session: &mut Session,
    asked: &QueryPlan<'_>,
    so_far: Option<&SoFar>,
) -> sqlx::Result<Vec<PgRow>> {
    let events = asked.events_with("");
    let (new, users) = match so_far {
        None => (
            String::new(),
            format!(
                "select s.place, e.u from {SPANS} cross join lateral (select distinct u from ({events}) e) e"
            ),
        ),
        Some(SoFar { below, end, .. }) => (
            // By itself, so that it is found by transaction and not by tenant.
            format!(
                "with new as materialized (select e.tenant_id, e.user_id, e.occurred_at from incident.usage_events e \
                 where e.taken_by >= {below} and e.occurred_at >= $5 and e.occurred_at < $6{}) ",
                asked.filter()
            ),
            format!(
                "select s.place, e.u from {SPANS} cross join lateral ({events} and e.occurred_at >= {at}) e \
                 where s.end_at > {at} union \
                 select s.place, e.user_id from new e join {SPANS} \
                 on e.tenant_id = s.tenant and e.occurred_at >= s.start_at and e.occurred_at < s.end_at",
                at = format_args!("(timestamptz 'epoch' + interval '1 microsecond' * {end})"),
            ),
        ),
    };
    // In one statement, so that users and transactions are of one look.
    let sql = format!(
        "{new}select {BELOW_PLACE} as place, pg_snapshot_xmin(pg_current_snapshot())::text as u \
         union all select {LINE_PLACE}, {LINE} union all ({users})"
    );
    limited!(session, |connection| asked.run(
        &sql,
        &asked.all(),
        connection
    ))
}

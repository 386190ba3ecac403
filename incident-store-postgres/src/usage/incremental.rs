//! Incremental counts for reports on live incidents: a query repeated with a later end reads
//! only the events that came since.
//!
//! Every event of `incident.usage_events` carries the transaction that stored it. Events of
//! transactions that had ended when a query ran are counted; those of others are new to the
//! next one, however old the events are. The host's own tables lack that column, and are
//! counted in full each time.

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
use crate::access::{PgSession, again, limited};
use crate::failure::Failure;

/// Default duration below which a query is not followed, but counted in full each time.
pub(super) const MIN_COST: Duration = Duration::from_millis(20);

/// Maximum number of users in an incremental query: each of them is transferred once.
const MAX_USERS: u64 = 1_000_000;

/// Age after which a count is started again: events may have been deleted meanwhile.
const TRUSTED_FOR: Duration = Duration::from_secs(600);

/// Approximate memory of a pair of tenant and user in two sets, in bytes.
const PAIR: usize = 96;

/// Maximum memory of all incremental queries, in bytes.
const MAX_CACHE_BYTES: usize = 256 * 1024 * 1024;

impl PgUsage {
    /// Locks the cache of recent queries.
    fn live(&self) -> MutexGuard<'_, IncrementalCache<Mutex<SharedCount>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a query that was counted before with an earlier end, from the events that came
    /// since. Returns `None` if it has to be counted in full.
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
        // Another task with the same query waits here, and finds little left to count.
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
            // The server does not report its transactions or timeline; a count in full may
            // still work.
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

    /// Returns the query without its end if it can be counted incrementally; `None` over the
    /// host's own table.
    fn growing(&self, query: &ImpactQuery) -> Option<ImpactQuery> {
        if self.table != UsageTable::own() {
            return None;
        }
        query.open_ended()
    }

    /// Follows a query from now on if its count took long, unless it has too many users.
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

/// SQL expression for the history to which transaction numbers belong: the server and its
/// timeline. A standby that is promoted starts a timeline of its own, and reuses numbers that
/// the old primary had used. The timeline is taken from the name of the WAL file in use: the
/// control file reports a new one only after the first checkpoint.
const LINE: &str = "(select system_identifier::text from pg_control_system()) || ' ' || \
     case when pg_is_in_recovery() then (select 'copy ' || timeline_id from pg_control_checkpoint()) \
     else left(pg_walfile_name(pg_current_wal_lsn()), 8) end";

/// Finds the users of each tenant, by its place, whose events came with transactions that were
/// unfinished at the last count or lie after its end; all users at first. Also returns which
/// transactions have ended now.
async fn look(
    session: &mut PgSession,
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
            // A part of its own, so that events are found by transaction and not by tenant.
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
    // One statement, so that users and transactions are of one snapshot.
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

//! Counts so far of recent queries.

use std::collections::hash_map::RandomState;

use incident_core::impact::{ImpactQuery, SeenUsers, compact};
use sqlx::postgres::PgRow;
use tokio::time::Instant;

use crate::row;

/// A user's name, without loss.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum User {
    Bits(u128),
    Name(Box<str>),
}

impl From<&str> for User {
    fn from(name: &str) -> Self {
        compact(name).map_or_else(|| Self::Name(name.into()), Self::Bits)
    }
}

/// The state of an incremental query.
#[derive(Debug, Default)]
pub(super) struct SharedCount {
    /// Set if an incremental count was refused or timed out: the query may be too large.
    pub(super) is_given_up: bool,
    pub(super) so_far: Option<SoFar>,
}

/// The place of the row that holds the server and its timeline.
pub(super) const LINE_PLACE: i32 = -2;
/// The place of the row that holds the number below which all transactions have ended.
pub(super) const BELOW_PLACE: i32 = -1;

#[derive(Debug)]
pub(super) struct SoFar {
    pub(super) begun: Instant,
    /// The server and its timeline, to which the transaction numbers belong.
    pub(super) line: String,
    /// All transactions below this number had ended.
    pub(super) below: i64,
    /// The end of the last count, in microseconds.
    pub(super) end: i64,
    pub(super) met: SeenUsers<User, RandomState>,
}

impl SoFar {
    /// Adds the rows of a count, begun at `begun` over events until `end`, to those before.
    /// Returns `None` if they do not continue them.
    pub(super) fn with(
        so_far: Option<Self>,
        rows: &[PgRow],
        query: &ImpactQuery,
        begun: Instant,
        end: i64,
    ) -> sqlx::Result<Option<Self>> {
        let line = text_at(rows, LINE_PLACE)?;
        let below = text_at(rows, BELOW_PLACE)?;
        let below = below.parse().map_err(row::unreadable)?;
        let mut so_far = match so_far {
            // The numbers of these transactions were counted on another history: a promoted
            // standby may hold less than the old primary, or a backup was restored.
            Some(known) if known.line != line || below < known.below => return Ok(None),
            Some(known) => known,
            None => Self {
                begun,
                line: line.to_owned(),
                below,
                end,
                met: SeenUsers::default(),
            },
        };
        for one in rows {
            let tenant = usize::try_from(row::get::<i32>(one, "place")?).ok();
            if let Some(asked) = tenant.and_then(|at| query.tenants().get(at)) {
                let user = User::from(row::get::<&str>(one, "u")?);
                so_far.met.add(&asked.tenant, [user]);
            }
        }
        (so_far.below, so_far.end) = (below, end);
        Ok(Some(so_far))
    }
}

fn text_at(rows: &[PgRow], place: i32) -> sqlx::Result<&str> {
    for one in rows {
        if row::get::<i32>(one, "place")? == place {
            return row::get(one, "u");
        }
    }
    Err(row::unreadable(
        "a count without its server and transaction number",
    ))
}

//! What was counted so far for queries that were asked lately.

use std::collections::hash_map::RandomState;

use incident_core::impact::{ImpactQuery, SeenUsers, compact};
use sqlx::postgres::PgRow;
use tokio::time::Instant;

use crate::row;

/// A user, without loss.
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

/// What is known of a question.
#[derive(Debug, Default)]
pub(super) struct SharedCount {
    /// Following it failed: there may be too much of it.
    pub(super) is_given_up: bool,
    pub(super) so_far: Option<SoFar>,
}

/// The place of the row that tells the server and its timeline.
pub(super) const LINE_PLACE: i32 = -2;
/// The place of the row that tells below which transactions all are over.
pub(super) const BELOW_PLACE: i32 = -1;

#[derive(Debug)]
pub(super) struct SoFar {
    pub(super) begun: Instant,
    /// The server and its timeline: what its transactions mean.
    pub(super) line: String,
    /// Transactions below it were over.
    pub(super) below: i64,
    /// Up to which time, in microseconds.
    pub(super) end: i64,
    pub(super) met: SeenUsers<User, RandomState>,
}

impl SoFar {
    /// Adds the rows of a look that began then, at events up to a time, to what is known. None
    /// if they do not go on from there.
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
            // What this one counts under its transactions was counted by another one: a copy
            // took over, which may have come after less, or a backup was put back.
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
        "a look that does not tell its transactions",
    ))
}

//! What was counted so far for queries that were asked lately.

use std::collections::hash_map::RandomState;

use incident_core::impact::{ImpactCounts, ImpactQuery, SeenUsers, compact};

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

#[derive(Debug)]
pub(super) struct SoFar {
    pub(super) begun: tokio::time::Instant,
    /// The server and its timeline: what its transactions mean.
    pub(super) line: String,
    /// Transactions below it were over.
    pub(super) below: i64,
    /// Up to which time, in microseconds.
    pub(super) end: i64,
    pub(super) met: SeenUsers<User, RandomState>,
}

impl SoFar {
    /// Adds users by the place of their tenant in a query, and counts all that are known.
    pub(super) fn add(
        &mut self,
        users: impl IntoIterator<Item = (i32, User)>,
        query: &ImpactQuery,
    ) -> ImpactCounts {
        for (place, user) in users {
            let tenant = usize::try_from(place).ok();
            if let Some(one) = tenant.and_then(|at| query.tenants().get(at)) {
                self.met.add(&one.tenant, [user]);
            }
        }
        self.met.counts(query)
    }
}

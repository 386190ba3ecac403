//! The order in which connections are evicted for new ones.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::client::{ClientConnection, Waits};
use super::table::Table;

/// The connections to evict first, as of the last scan. Scanning all of them for each new
/// connection would let a flood use up the processor.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<(Waits, Arc<ClientConnection>)>);

impl Queue {
    /// Returns the connection that has waited longest for its client among those of the lowest
    /// rank; `None` if all are in use.
    pub(super) fn longest_waiting(
        &mut self,
        table: &Table,
        now: Instant,
    ) -> Option<Arc<ClientConnection>> {
        self.next_of_those_known(now).or_else(|| {
            self.look(table, now);
            self.next_of_those_known(now)
        })
    }

    fn next_of_those_known(&mut self, now: Instant) -> Option<Arc<ClientConnection>> {
        while let Some((then, client)) = self.0.pop_front() {
            // A connection with activity since then has another position.
            if client.waits(now) == Some(then) {
                return Some(client);
            }
        }
        None
    }

    /// Collects the older half of the lowest rank: connections that arrive meanwhile are younger.
    fn look(&mut self, table: &Table, now: Instant) {
        let all = table.all().into_iter();
        let mut waiting: Vec<_> = all
            .filter_map(|client| Some((client.waits(now)?, client)))
            .collect();
        let Some(lowest) = waiting.iter().map(|(waits, _)| waits.rank).min() else {
            return;
        };
        waiting.retain(|(waits, _)| waits.rank == lowest);
        waiting.sort_by_key(|(waits, _)| waits.since);
        waiting.truncate(waiting.len().div_ceil(2));
        self.0 = waiting.into();
    }
}

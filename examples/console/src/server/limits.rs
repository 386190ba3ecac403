//! Deadlines of connections, and their number.

use std::time::Duration;

/// Deadlines of connections, and their number.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for the head of a request, counted from the start of the connection and, on one
    /// that was used before, from the first byte of the head.
    pub head: Duration,
    /// Time without a byte of a body that is waited for.
    pub body: Duration,
    /// Time without a request, on a connection that had one. Longer than the 60 s after
    /// which nginx and load balancers close such a connection, so that none of them sends a
    /// request into one that is being closed here.
    pub idle: Duration,
    /// Time in which a client takes nothing of its answer.
    pub write: Duration,
    /// Most connections at a time; none for as many as the process has descriptors for,
    /// without those that pagers, store and files need.
    pub connections: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            connections: None,
        }
    }
}

impl Limits {
    /// Returns the time between two looks at the deadlines: so much later they act.
    pub(super) fn tick(&self) -> Duration {
        let all = [self.head, self.body, self.idle, self.write];
        let shortest = all.into_iter().min().unwrap_or(self.head);
        (shortest / 10).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

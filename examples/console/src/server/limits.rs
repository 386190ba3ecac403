//! Deadlines of connections, and their maximum number.

use std::time::Duration;

/// Deadlines of connections, and their maximum number.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum time for the head of a request, counted from the start of the connection or, after
    /// an earlier request, from the first byte of the head.
    pub head: Duration,
    /// Maximum time without a byte of an awaited body.
    pub body: Duration,
    /// Maximum time without a request on a connection that had one. Longer than the 60 s after
    /// which nginx and load balancers close idle connections, so that none of them sends a request
    /// on a connection that is being closed here.
    pub idle: Duration,
    /// Maximum time without progress while writing a response.
    pub write: Duration,
    /// Maximum number of connections; if `None`, as many as the descriptors of the process allow,
    /// minus those that pagers, store and files need.
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
    /// Returns the interval at which deadlines are checked, which is how late they may act.
    pub(super) fn tick(&self) -> Duration {
        let all = [self.head, self.body, self.idle, self.write];
        let shortest = all.into_iter().min().unwrap_or(self.head);
        (shortest / 10).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

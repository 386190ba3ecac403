//! The metrics of connections.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const CLOSED: &str = "incident_console_connections_closed_total";
const OPEN: &str = "incident_console_connections";
const CONNECTIONS_LIMIT: &str = "incident_console_connections_limit";

/// Describes the metrics of the server to the recorder.
pub(crate) fn describe_metrics() {
    describe_gauge!(OPEN, "Open connections.");
    describe_gauge!(CONNECTIONS_LIMIT, "Maximum number of open connections.");
    describe_counter!(
        CLOSED,
        Unit::Count,
        "Connections closed before their request was answered, by reason."
    );
}

/// Counts a closed connection.
pub(super) fn closed(reason: &'static str) {
    counter!(CLOSED, "reason" => reason).increment(1);
}

/// Sets the number of open connections.
pub(super) fn set_open(connections: usize) {
    set(OPEN, connections);
}

/// Sets the maximum number of open connections.
pub(super) fn set_limit(connections: usize) {
    set(CONNECTIONS_LIMIT, connections);
}

fn set(name: &'static str, connections: usize) {
    gauge!(name).set(f64::from(u32::try_from(connections).unwrap_or(u32::MAX)));
}

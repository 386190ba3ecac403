//! The contracts of the ports, run on a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::clone_on_ref_ptr,
    reason = "tests, and what they share, fail by panicking"
)]

mod changes;
mod conformance;
mod doctor;
mod dropped;
mod dumps;
mod functions;
mod guards;
mod odd_rows;
mod plans;
mod plans_kept;
mod redaction;
mod relay;
mod server;
mod states;
mod tampering;
mod transactions;
mod upgrade;
mod upgrade_5;
mod usage;
mod warm_connection;

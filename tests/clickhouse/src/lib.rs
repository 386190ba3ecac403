//! A ClickHouse server for tests: unprivileged, on a free port of loopback, in a folder of its
//! own, stopped and removed with the process that started it.

mod programs;
mod server;

pub use programs::found;
pub use server::ClickHouseServer;

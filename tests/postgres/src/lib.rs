//! A throw-away PostgreSQL server for each test binary, and a database for each test.
//!
//! The server listens on a Unix socket in a folder of its own and stops when the test process
//! ends, however it ends: a shell reads from a pipe to the process, and stops the server when
//! the pipe closes. Unix only.

#![cfg(unix)]

mod binaries;
mod bouncer;
mod cluster;
mod database;
mod dump;
mod proxy;
mod seen;
mod small_disk;

pub use bouncer::Bouncer;
pub use cluster::{Cluster, Safety};
pub use database::Database;
pub use proxy::{Proxy, ProxyMode, ServerError};
pub use seen::RecordedTraffic;
pub use small_disk::SmallDisk;

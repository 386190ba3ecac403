//! Tests that run in memory, and again with everything stored in PostgreSQL: the flows over HTTP,
//! and the engine over the store of a server.

mod credits;
pub(crate) mod document;
mod escalations;
pub(crate) mod faulty;
pub(crate) mod harness;
mod http;
mod incidents;
pub(crate) mod limits;
pub(crate) mod logs;
pub(crate) mod newest;
mod paging;
pub(crate) mod raw;
mod scenario;
pub(crate) mod troubled;
mod usage;

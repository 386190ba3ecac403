//! The incident library as a standalone server.
//!
//! [`Console::start`](console::Console::start) serves the HTTP API on the in-memory store; the
//! binary `incident-console` adds configuration from the environment, signals and the demo.

pub mod anchor_file;
pub mod billing;
pub mod bind;
pub mod causes;
pub mod channels;
pub mod check_config;
pub mod cli;
pub mod config;
pub mod config_error;
pub mod console;
pub mod demo;
pub mod escalations;
pub mod explanation;
pub mod file;
mod file_error;
pub mod hooks;
pub mod import;
pub mod log;
pub mod maintenance;
pub mod metrics;
pub mod names;
pub mod pagers;
pub mod policy_check;
pub mod policy_file;
mod policy_parts;
pub mod server;
pub mod sessions;
pub mod signals;
pub mod statements;
pub mod storage;
pub mod terminal;

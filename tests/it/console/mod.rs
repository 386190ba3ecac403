//! The console: its responses, roles, tokens and audit trail.

mod api_snapshots;
mod audit_trail;
mod deployment;
mod limit_rows;
mod openapi;
pub(crate) mod roles;
mod route_lists;
mod tokens;

//! What every route shares: problems, bodies, queries, tokens, conditions.

pub mod auth;
pub mod body;
pub mod coding;
pub mod conditions;
pub mod problem;
pub mod query;
pub mod room;
pub mod throttle;

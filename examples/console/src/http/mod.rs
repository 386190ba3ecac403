//! What every route shares: problems, bodies, queries, tokens, conditions.

pub mod auth;
pub mod body;
pub mod conditions;
pub mod problem;
pub mod query;

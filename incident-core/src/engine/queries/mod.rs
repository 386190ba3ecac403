//! Queries: incidents, reports, statements.

pub(super) mod figures;
pub(super) mod incidents;
pub(super) mod reports;
pub(super) mod statements;

//! Queries: incidents, the public side, reports, statements, settings.

mod configured;
pub(super) mod due;
pub(super) mod figures;
pub(super) mod incidents;
pub(super) mod public;
pub(super) mod reports;
pub(super) mod statements;
pub(super) mod users;

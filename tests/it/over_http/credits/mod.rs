//! Statements, credits, and their submission to billing.

mod billing;
mod credit_corrections;
mod decisions;
mod figures;
mod mismatches;
mod moved_figures;
mod statements;

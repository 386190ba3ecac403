//! Tests of checklists, warnings, what is due, and what is missing.

mod checklist;
mod due;
mod missing;
mod warnings;

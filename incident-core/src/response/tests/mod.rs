//! Tests of checklists, warnings, and what is due.

mod checklist;
mod due;
mod warnings;

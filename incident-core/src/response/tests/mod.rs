//! Tests of checklists and warnings.

mod checklist;
mod warnings;

//! The response to an incident: its checklists, who does what in it, and what is easily forgotten.

mod checklist;
mod raci;
#[cfg(test)]
mod tests;
mod warnings;

pub use checklist::{
    Applies, Checklist, ChecklistItem, ChecklistProgress, Checklists, MAX_CHECKLIST_ITEMS,
    MAX_CHECKLISTS, MAX_ITEM_BYTES, NamedChecklist, UnknownItem,
};
pub use raci::{Activity, Involvement, RACI, RaciRow};
pub use warnings::{Warning, WarningCode, warnings};

//! The response: the classification of an incident, what is due for it by the policy, its checklists,
//! who does what in it, and what is easily forgotten.
//!
//! [`due()`] is a pure function of an incident, a policy and a time. A worker acts on its answer.

mod checklist;
mod classify;
mod clock;
mod due;
mod explain;
mod missing;
mod raci;
#[cfg(test)]
mod tests;
mod warnings;

pub use checklist::{
    Applies, Checklist, ChecklistItem, ChecklistProgress, Checklists, MAX_CHECKLIST_ITEMS,
    MAX_CHECKLISTS, MAX_ITEM_BYTES, NamedChecklist, UnknownItem,
};
pub use classify::{
    Classification, ClassificationFact, ClassificationFacts, ClassificationReason,
    ClassificationRules, classify,
};
pub use clock::{ClockState, ResponseClock, clocks};
pub use due::{Due, LATE_AFTER, due};
pub use explain::{NextLevel, RuleState, Silence, explain};
pub use missing::{
    EndedBefore, EndedNotice, MISSING_AFTER, Missing, RecordedFiring, missing, recorded_firings,
};
pub(crate) use missing::{FIRE_RULE, NOTIFY};
pub use raci::{Activity, Involvement, RACI, RaciRow};
pub use warnings::{Warning, WarningCode, warnings};

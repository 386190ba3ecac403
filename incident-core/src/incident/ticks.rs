//! Ticked items of checklists.

use serde::{Deserialize, Serialize};

use super::State;
use crate::{ChecklistKey, PersonName, Statement, Text, Timestamp};

/// Maximum number of items that are ticked on one incident: as many as the checklists of an engine
/// may have at a time.
pub const MAX_TICKS: usize = 1_000;

/// An item of a checklist that was ticked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct TickedItem {
    /// The checklist.
    pub list: ChecklistKey,
    /// The item.
    pub item: ChecklistKey,
    /// The actor who ticked it.
    pub by: PersonName,
    /// Time of the tick.
    pub at: Timestamp,
    /// The entry that records it.
    pub seq: u64,
    /// `true` if a reopen of the incident opens the item again.
    #[serde(default)]
    pub restarts: bool,
}

/// A tick of one item of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickItem {
    /// The checklist.
    pub list: ChecklistKey,
    /// The item.
    pub item: ChecklistKey,
    /// A note for the timeline.
    pub note: Option<Statement>,
    /// The text of the item, for the entry. The engine fills it in.
    pub text: Text,
    /// `true` if a reopen opens the item again. The engine fills it in.
    pub restarts: bool,
}

impl TickItem {
    /// Creates the tick of an item, without what the engine fills in.
    #[must_use]
    pub fn new(list: ChecklistKey, item: ChecklistKey, note: Option<Statement>) -> Self {
        Self {
            list,
            item,
            note,
            text: Text::default(),
            restarts: false,
        }
    }

    /// Returns the sentence of its entry.
    pub(crate) fn sentence(&self) -> String {
        let Self {
            list, item, text, ..
        } = self;
        let note = self.note.as_ref().map(|note| format!("\nNote: {note}"));
        format!("ticked {list}/{item}: {text}{}", note.unwrap_or_default())
    }
}

impl State {
    /// Returns the tick of an item, if it is ticked.
    #[must_use]
    pub fn ticked(&self, list: &ChecklistKey, item: &ChecklistKey) -> Option<&TickedItem> {
        let mut ticks = self.ticks.iter();
        ticks.find(|one| one.list == *list && one.item == *item)
    }

    /// Records a tick; `seq` is its entry.
    pub(super) fn tick(&mut self, tick: &TickItem, by: &PersonName, seq: u64, now: Timestamp) {
        self.ticks.push(TickedItem {
            list: tick.list.clone(),
            item: tick.item.clone(),
            by: by.clone(),
            at: now,
            seq,
            restarts: tick.restarts,
        });
    }
}

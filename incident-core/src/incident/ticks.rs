//! Ticked items of checklists.

use serde::{Deserialize, Serialize};

use super::limits::MAX_TICKS;
use super::refusal::{ended, wrong_state};
use super::{Event, Incident, Refusal, State};
use crate::actor::Actor;
use crate::{ChecklistKey, PersonName, Statement, Text, Timestamp};

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

/// Decides a tick. The engine has checked that the list has the item and applies now.
pub(super) fn tick(
    incident: &Incident,
    tick: &TickItem,
    by: &Actor,
) -> Result<Vec<Event>, Refusal> {
    if incident.status.is_final() {
        return Err(ended(incident));
    }
    if incident.ticked(&tick.list, &tick.item).is_some() {
        if tick.note.is_none() {
            // Two people tick it at the same time: the first one is recorded.
            return Ok(Vec::new());
        }
        let detail = "the item is ticked already; write the note as an update";
        return Err(wrong_state("already_ticked", detail));
    }
    if incident.ticks.len() >= MAX_TICKS {
        let detail = format!("{MAX_TICKS} items, the maximum, are ticked on this incident");
        return Err(wrong_state("too_many_ticks", detail));
    }
    Ok(vec![Event::Ticked {
        tick: Box::new(tick.clone()),
        by: by.name.clone(),
    }])
}

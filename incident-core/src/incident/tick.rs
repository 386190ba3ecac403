//! Decisions on ticks of checklists.

use super::refusal::{ended, wrong_state};
use super::ticks::{MAX_TICKS, TickItem};
use super::{Event, Incident, Refusal};
use crate::actor::Actor;

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

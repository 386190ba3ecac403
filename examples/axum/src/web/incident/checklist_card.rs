//! The checklists on the page of an incident.

use incident_core::incident::Incident;

use super::checklist_texts::ChecklistTexts;
use super::coordination_texts::CoordinationTexts;
use super::tick_form::TickDraft;
use crate::http::escape::Html;
use crate::state::AppState;
use crate::web::frame::Frame;

/// An item as the card shows it.
pub(super) struct ItemView {
    /// The value of the button that ticks it: `triage/scope_known`.
    pub(super) value: String,
    pub(super) text: String,
    /// The label of the button.
    pub(super) tick: String,
    /// The person who ticked it, and the time; none while it is open.
    pub(super) ticked: Option<(String, Html)>,
}

/// A checklist as the card shows it.
pub(super) struct ListView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) progress: String,
    /// `true` if the list is shown unfolded: it is begun and not complete, or a tick of it was
    /// refused.
    pub(super) is_open: bool,
    pub(super) items: Vec<ItemView>,
}

/// Returns the checklists that apply to an incident now.
pub(super) fn checklists(
    state: &AppState,
    frame: &Frame<'_>,
    incident: &Incident,
    refused: &TickDraft,
) -> Vec<ListView> {
    let language = frame.reader.language;
    let texts = CoordinationTexts::of(language);
    let words = ChecklistTexts::of(language);
    let progress = state.incidents().checklists().progress(incident);
    let lists = progress.map(|one| {
        let name = &one.list.name;
        let (done, total) = (one.done(), one.items.len());
        let items = one.items.iter().map(|(item, tick)| {
            let text = words.item(name, item);
            ItemView {
                value: format!("{name}/{}", item.id),
                text: text.to_owned(),
                tick: frame.fill(texts.tick, &[("item", text)]),
                ticked: tick.map(|tick| (tick.by.to_string(), frame.times.time(&tick.at))),
            }
        });
        let (n, of) = (done.to_string(), total.to_string());
        ListView {
            id: format!("list-{name}"),
            name: words.list(name).to_owned(),
            progress: frame.fill(texts.progress, &[("done", &n), ("total", &of)]),
            is_open: (done > 0 && done < total) || refused.is_of(name),
            items: items.collect(),
        }
    });
    lists.collect()
}

//! The checklists on the page of an incident, and `POST /incidents/{id}/checklists`, which ticks an
//! item.

use std::sync::Arc;

use axum::extract::State;
use incident_core::ChecklistKey;
use incident_core::incident::{Command, Incident, TickItem};

use super::checklist_texts::ChecklistTexts;
use super::coordination_texts::CoordinationTexts;
use super::show::{Shown, page};
use super::update_form::UpdateDraft;
use crate::http::escape::Html;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::state::AppState;
use crate::web::form::Submitted;
use crate::web::frame::Frame;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

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
    /// `true` if the list is shown unfolded: it is begun and not complete.
    pub(super) is_open: bool,
    pub(super) items: Vec<ItemView>,
}

/// Returns the checklists that apply to an incident now.
pub(super) fn checklists(
    state: &AppState,
    frame: &Frame<'_>,
    incident: &Incident,
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
            is_open: done > 0 && done < total,
            items: items.collect(),
        }
    });
    lists.collect()
}

/// Handles `POST /incidents/{id}/checklists`. A second tick of an item changes nothing, so the form
/// needs no key.
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Update, ExistingIncident>,
) -> WebResult {
    submitted.at_any_version();
    let ExistingIncident(id) = submitted.target;
    let caller = submitted.context().caller.clone();
    let item = item_of(submitted.fields.get("item"));
    let list = item.as_ref().map(|(list, _)| list.clone());
    let done = match item {
        Some((list, item)) => {
            let tick = TickItem::new(list, item, None);
            submitted.act(Command::Tick(Box::new(tick))).await
        }
        None => Err(Problem::field("/item", "expected an item of a checklist")),
    };
    match client_problems(done)? {
        Ok(_) => {
            let list = list.map_or_else(String::new, |list| format!("#list-{list}"));
            Ok(WebPage::see_other(
                &reader.link(&format!("/incidents/{id}{list}")),
            ))
        }
        Err(problem) => {
            let draft = UpdateDraft {
                problem: Some(problem),
                ..UpdateDraft::default()
            };
            page(&state, &reader, &caller, id, Shown::default(), draft).await
        }
    }
}

fn item_of(value: &str) -> Option<(ChecklistKey, ChecklistKey)> {
    let (list, item) = value.split_once('/')?;
    ChecklistKey::new(list)
        .ok()
        .zip(ChecklistKey::new(item).ok())
}

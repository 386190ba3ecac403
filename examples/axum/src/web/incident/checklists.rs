//! `POST /incidents/{id}/checklists`: ticks an item of a checklist.

use std::sync::Arc;

use axum::extract::State;
use incident_core::ChecklistKey;
use incident_core::incident::{Command, TickItem};

use super::show::{Shown, page};
use super::tick_form::TickDraft;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::requests::coordination::NoteRequest;
use crate::state::AppState;
use crate::web::form::{FormFields, JsonBody, Submitted};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// Handles `POST /incidents/{id}/checklists`.
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Update, ExistingIncident>,
) -> WebResult {
    submitted.at_any_version();
    let (fields, ExistingIncident(id)) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let tick = tick_of(&fields);
    let list = tick.as_ref().map(|tick| format!("#list-{}", tick.list));
    let list = list.unwrap_or_default();
    let done = match tick {
        Ok(tick) => {
            // Without a note a second tick changes nothing, so that two items may be ticked from
            // one page, with one key.
            if tick.note.is_none() {
                submitted.without_key();
            }
            submitted.act(Command::Tick(Box::new(tick))).await
        }
        Err(problem) => Err(problem),
    };
    match client_problems(done)? {
        Ok(_) => Ok(WebPage::see_other(
            &reader.link(&format!("/incidents/{id}{list}")),
        )),
        Err(problem) => {
            let draft = TickDraft {
                problem: Some(problem),
                fields,
            };
            page(&state, &reader, &caller, id, Shown::default(), draft.into()).await
        }
    }
}

fn tick_of(fields: &FormFields) -> Result<TickItem, Problem> {
    let item = item_of(fields.get("item"));
    let item = item.ok_or_else(|| Problem::field("/item", "expected an item of a checklist"));
    let NoteRequest { note } = JsonBody::of(fields).text("note").parse()?;
    item.map(|(list, item)| TickItem::new(list, item, note))
}

fn item_of(value: &str) -> Option<(ChecklistKey, ChecklistKey)> {
    let (list, item) = value.split_once('/')?;
    ChecklistKey::new(list)
        .ok()
        .zip(ChecklistKey::new(item).ok())
}

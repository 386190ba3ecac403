//! `POST /incidents/{id}/checklists`: ticks an item of a checklist.

use std::sync::Arc;

use axum::extract::State;
use incident_core::ChecklistKey;
use incident_core::incident::{Command, TickItem};

use super::show::{Shown, page};
use super::update_form::UpdateDraft;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::state::AppState;
use crate::web::form::Submitted;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

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

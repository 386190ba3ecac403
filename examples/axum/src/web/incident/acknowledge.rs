//! `POST /incidents/{id}/acknowledge`.

use std::sync::Arc;

use axum::extract::State;
use incident_core::incident::Command;

use super::show::{Shown, page};
use super::update_form::UpdateDraft;
use crate::http::permission;
use crate::http::problem::client_problems;
use crate::http::target::ExistingIncident;
use crate::state::AppState;
use crate::web::form::Submitted;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// Handles `POST /incidents/{id}/acknowledge`. A second acknowledgement changes nothing.
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Acknowledge, ExistingIncident>,
) -> WebResult {
    submitted.at_any_version();
    let ExistingIncident(id) = submitted.target;
    let caller = submitted.context().caller.clone();
    let done = submitted.act(Command::Acknowledge { at: None }).await;
    match client_problems(done)? {
        Ok(_) => Ok(WebPage::see_other(
            &reader.link(&format!("/incidents/{id}")),
        )),
        Err(problem) => {
            let draft = UpdateDraft {
                problem: Some(problem),
                ..UpdateDraft::default()
            };
            page(&state, &reader, &caller, id, Shown::default(), draft.into()).await
        }
    }
}

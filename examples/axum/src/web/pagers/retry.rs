//! `POST /pagers/retry`: a dead letter, tried again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use incident_core::MessageId;
use incident_core::outbox::DeadLetterFilter;

use super::overview::{SentForm, page};
use super::pager_texts::PagerTexts;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::state::AppState;
use crate::web::form::Submitted;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// Handles `POST /pagers/retry`.
pub(crate) async fn retry(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::Page>,
) -> WebResult {
    let texts = PagerTexts::of(reader.language);
    let caller = submitted.context().caller.clone();
    let message = submitted.fields.get("message").parse::<MessageId>();
    let retried = match message {
        Ok(message) => {
            submitted
                .run(|incidents, context, ()| async move {
                    let which = DeadLetterFilter::Message(message);
                    incidents.paging().retry(&context, which).await
                })
                .await
        }
        Err(_) => Err(Problem::not_found("page")),
    };
    match client_problems(retried)? {
        Ok(_) => Ok(WebPage::see_other(
            &reader.link("/pagers?retried=yes#dead-letters"),
        )),
        Err(problem) => {
            let problem = match problem.status() {
                StatusCode::NOT_FOUND => {
                    Problem::new(StatusCode::CONFLICT, "no_dead_letter", texts.no_message)
                }
                StatusCode::CONFLICT => {
                    Problem::new(StatusCode::CONFLICT, "not_wanted", texts.unwanted)
                }
                _ => problem,
            };
            let sent = SentForm {
                problem: Some(problem),
                ..SentForm::default()
            };
            page(&state, &reader, &caller, None, sent).await
        }
    }
}

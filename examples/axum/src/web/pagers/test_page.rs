//! `POST /pagers/test`: a test page to each target of on-call, with the answer of each.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::overview::{SentForm, page};
use super::pager_texts::PagerTexts;
use super::test_results::TestResults;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::requests::TestPageRequest;
use crate::state::AppState;
use crate::web::form::{JsonBody, Submitted};
use crate::web::page::WebResult;
use crate::web::reader::Reader;
use crate::web::texts::fill;

/// Handles `POST /pagers/test`. Sent twice, the form pages once and shows the same results.
pub(crate) async fn test(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::Page>,
) -> WebResult {
    let texts = PagerTexts::of(reader.language);
    let caller = submitted.context().caller.clone();
    let fields = submitted.fields.clone();
    let body: Result<TestPageRequest, Problem> = JsonBody::of(&fields).text("urgency").parse();
    let tested = match body {
        Ok(body) => {
            submitted
                .run(|incidents, context, ()| async move {
                    incidents.paging().test(&context, body.urgency()).await
                })
                .await
        }
        Err(problem) => Err(problem),
    };
    let sent = match client_problems(tested)? {
        Ok(tested) => SentForm {
            results: Some(TestResults::new(reader.language, texts, &tested.test)),
            ..SentForm::default()
        },
        Err(problem) => SentForm {
            problem: Some(in_words(&state, texts, problem)),
            fields,
            ..SentForm::default()
        },
    };
    page(&state, &reader, &caller, None, sent).await
}

/// Says how long a test in progress lasts, in the language of the reader.
fn in_words(state: &AppState, texts: &PagerTexts, problem: Problem) -> Problem {
    if problem.status() != StatusCode::TOO_MANY_REQUESTS {
        return problem;
    }
    let left = state.incidents().paging().test_ends_in();
    let left = left.unwrap_or_default();
    let seconds = left.as_millis().div_ceil(1_000).to_string();
    let words = fill(texts.test_open, &[("seconds", &seconds)]);
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "test_page_open", words).retry_after(left)
}

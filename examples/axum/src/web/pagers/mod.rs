//! `/pagers`: the targets of pages and their state, pages that are open, dead letters, and test
//! pages.

mod dead_letters;
mod overview;
mod pager_texts;
pub(crate) mod retry;
mod target_lines;
pub(crate) mod test_page;
mod test_results;

use std::sync::Arc;

use axum::extract::State;

pub(crate) use self::overview::wakes_nobody;
use self::overview::{SentForm, page};
use self::pager_texts::PagerTexts;
use super::filter::FilterFields;
use super::page::WebResult;
use super::reader::Reader;
use crate::http::authorized::Authorized;
use crate::http::permission;
use crate::state::AppState;

/// Handles `GET /pagers`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized { context, .. }: Authorized<permission::Read>,
    fields: FilterFields,
) -> WebResult {
    let texts = PagerTexts::of(reader.language);
    let notice = (!fields.get("retried").is_empty()).then_some(texts.retried);
    page(
        &state,
        &reader,
        &context.caller,
        notice,
        SentForm::default(),
    )
    .await
}

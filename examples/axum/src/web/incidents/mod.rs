//! `/incidents`: all incidents with filters, and the days of the last month as a picture.

mod days;
mod list_texts;
mod query;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use incident_core::incident::Outline;
use incident_core::port::IncidentFilter;

use self::days::DaysPlot;
use self::list_texts::IncidentListTexts;
use self::query::FILTERS;
use super::active::tenants;
use super::filter::{CURSOR, FilterFields, FilterForm};
use super::frame::{Frame, Section};
use super::page::{WebPage, WebResult};
use super::reader::Reader;
use super::texts::{count, number_of};
use crate::http::authorized::Authorized;
use crate::http::page::Items;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::routes::incidents::IncidentParams;
use crate::state::AppState;

/// Maximum number of incidents that the picture counts: its newest.
const COUNTED: usize = 1_000;

/// A row of the list.
struct IncidentRow<'a> {
    outline: &'a Outline,
    tenants: String,
    duration: Option<String>,
}

/// The reason why a list shows no row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NoRows {
    /// There is no incident at all.
    Nothing,
    /// None matches the filter.
    NoMatch,
    /// The last page was full, and nothing came after it.
    End,
}

#[derive(Template)]
#[template(path = "incidents/list.html")]
struct IncidentListPage<'a> {
    frame: Frame<'a>,
    texts: &'static IncidentListTexts,
    form: FilterForm,
    days: Option<DaysPlot>,
    rows: Vec<IncidentRow<'a>>,
    no_rows: Option<NoRows>,
    shown: String,
    next: Option<String>,
    is_first: bool,
}

/// Handles `GET /incidents`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized { context, .. }: Authorized<permission::Read>,
    fields: FilterFields,
) -> WebResult {
    let frame = Frame::of(&state, &reader, &context.caller, Section::Incidents);
    let frame = frame.following(&state).await;
    let texts = IncidentListTexts::of(reader.language);
    let is_first = fields.get(CURSOR).is_empty();
    let found = match query::read(&fields, reader.zone) {
        Ok(params) => matching(&state, params).await,
        Err(problem) => Err(problem),
    };
    let (found, problem) = match client_problems(found)? {
        Ok(found) => (found, None),
        Err(problem) => (Items::empty(), Some(problem)),
    };
    let is_whole = is_first && !fields.has_any(&FILTERS);
    let days = match is_whole {
        true => days_of(&state, &frame).await?,
        false => None,
    };
    let no_rows = match found.items.is_empty() && problem.is_none() {
        true => Some(reason(&state, &fields, is_first).await?),
        false => None,
    };
    let status = problem.as_ref().map_or(StatusCode::OK, Problem::status);
    let number = number_of(found.items.len());
    let words = match &found.next_cursor {
        Some(_) => texts.shown_more,
        None => texts.shown,
    };
    let next = found.next_cursor.as_deref();
    let page = IncidentListPage {
        shown: count(reader.language, words, number),
        next: next.map(|cursor| fields.with(&FILTERS, (CURSOR, cursor))),
        form: query::form(&frame, texts, &fields, problem.as_ref()),
        rows: found.items.iter().map(|one| row(&frame, one)).collect(),
        no_rows,
        days,
        is_first,
        frame,
        texts,
    };
    WebPage::render(status, &page)
}

async fn matching(state: &AppState, params: IncidentParams) -> Result<Items<Outline>, Problem> {
    let found = state.incidents().list(&params.filter).await?;
    Ok(params.page.of(found, |last| (last.declared_at, last.id)))
}

/// Returns the reason why nothing was found.
async fn reason(
    state: &AppState,
    fields: &FilterFields,
    is_first: bool,
) -> Result<NoRows, Problem> {
    if !is_first {
        return Ok(NoRows::End);
    }
    if !fields.has_any(&FILTERS) {
        return Ok(NoRows::Nothing);
    }
    let any = IncidentFilter {
        limit: 1,
        skip_unreadable: true,
        ..IncidentFilter::default()
    };
    match state.incidents().list(&any).await?.is_empty() {
        true => Ok(NoRows::Nothing),
        false => Ok(NoRows::NoMatch),
    }
}

/// Draws the incidents of the last days; nothing if there are none.
async fn days_of(state: &AppState, frame: &Frame<'_>) -> Result<Option<DaysPlot>, Problem> {
    let filter = IncidentFilter {
        touching: days::window(&frame.times),
        limit: COUNTED + 1,
        skip_unreadable: true,
        ..IncidentFilter::default()
    };
    let mut found = state.incidents().list(&filter).await?;
    let is_cut = found.len() > COUNTED;
    found.truncate(COUNTED);
    Ok((!found.is_empty()).then(|| DaysPlot::new(frame, &found, is_cut)))
}

fn row<'a>(frame: &Frame<'_>, outline: &'a Outline) -> IncidentRow<'a> {
    let ended = outline.ended_at();
    IncidentRow {
        tenants: tenants(frame, outline),
        duration: ended.map(|end| frame.times.between(&outline.started_at, &end)),
        outline,
    }
}

//! The page of pagers.

use askama::Template;
use axum::http::StatusCode;
use incident_core::RuleName;
use incident_core::actor::{Action, Caller};
use incident_core::incident::{Outline, Status};
use incident_core::outbox::DeadLetterFilter;
use incident_core::paging::{PagingState, TEST_LASTS, TargetId};
use incident_core::port::IncidentFilter;

use super::dead_letters::DeadLetterLine;
use super::pager_texts::PagerTexts;
use super::target_lines::TargetLine;
use super::test_results::TestResults;
use crate::http::escape::as_typed;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::form::{Choice, Field, FormFields, Summary, new_key};
use crate::web::frame::{Frame, Section};
use crate::web::incident::targets::is_log_only;
use crate::web::language::Language;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::texts::{fill, grouped, number_of};

/// Maximum number of live incidents that are looked at for open pages.
const LIVE: usize = 200;
/// Maximum number of dead letters on the page.
const DEAD_LETTERS: usize = 50;

/// An escalation rule.
struct RuleLine {
    rule: RuleName,
    targets: Vec<TargetId>,
}

/// The outcome of a form that was sent.
#[derive(Default)]
pub(super) struct SentForm {
    /// The problem.
    pub(super) problem: Option<Problem>,
    /// The fields as they were sent.
    pub(super) fields: FormFields,
    /// The results of a test page.
    pub(super) results: Option<TestResults>,
}

#[derive(Template)]
#[template(path = "pagers.html")]
struct PagersPage<'a> {
    frame: Frame<'a>,
    texts: &'static PagerTexts,
    summary: Option<Summary>,
    notice: Option<&'static str>,
    results: Option<TestResults>,
    targets: Vec<TargetLine>,
    wakes_nobody: Option<&'static str>,
    retired: Vec<TargetId>,
    rules: Vec<RuleLine>,
    open: Vec<Outline>,
    dead: Vec<DeadLetterLine>,
    dead_more: Option<String>,
    may_page: bool,
    test_who: String,
    test_open: Option<String>,
    urgency: Field,
    key: String,
}

/// Renders the page, with what a form led to.
///
/// # Errors
/// Returns the problem of a store that fails.
pub(super) async fn page(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    notice: Option<&'static str>,
    sent: SentForm,
) -> WebResult {
    let frame = Frame::of(state, reader, caller, Section::Pagers).at("/pagers");
    let frame = frame.following(state).await;
    let texts = PagerTexts::of(reader.language);
    let paging = state.incidents().paging();
    let targets = paging.targets();
    let names: Vec<&str> = targets.iter().map(TargetId::name).collect();
    let dead = paging
        .dead_letters(DeadLetterFilter::First(DEAD_LETTERS))
        .await?;
    let backlog = state.incidents().worker().measure().await?;
    let problem = sent.problem.as_ref();
    let urgency = urgency(texts, &sent.fields, problem);
    let status = problem.map_or(StatusCode::OK, Problem::status);
    let rules = paging.escalation_rules().into_iter();
    let page = PagersPage {
        summary: problem.map(|problem| Summary::of(frame.common, problem, &[&urgency])),
        notice,
        results: sent.results,
        wakes_nobody: wakes_nobody(reader.language, &targets),
        test_who: fill(
            texts.test_who,
            &[
                ("targets", &names.join(", ")),
                ("seconds", &TEST_LASTS.as_secs().to_string()),
            ],
        ),
        test_open: paging.test_ends_in().map(|left| {
            let seconds = left.as_millis().div_ceil(1_000).to_string();
            fill(texts.test_open, &[("seconds", &seconds)])
        }),
        targets: targets
            .iter()
            .map(|target| TargetLine::new(texts, paging.target_state(target)))
            .collect(),
        retired: paging.retired_targets(),
        rules: rules
            .map(|(rule, targets)| RuleLine { rule, targets })
            .collect(),
        open: open_pages(state).await?,
        dead_more: dead_more(reader, texts, dead.len(), backlog.given_up),
        dead: dead
            .iter()
            .map(|message| DeadLetterLine::new(texts, message))
            .collect(),
        may_page: state.incidents().may(caller, Action::Page),
        urgency,
        key: new_key(),
        frame,
        texts,
    };
    WebPage::render(status, &page)
}

fn urgency(texts: &PagerTexts, fields: &FormFields, problem: Option<&Problem>) -> Field {
    let choices = vec![
        Choice::marked("high", as_typed(texts.urgency_high), texts.high_note),
        Choice::marked("low", as_typed(texts.urgency_low), texts.low_note),
    ];
    let field = Field::radio("urgency", texts.urgency, choices).from(fields, problem);
    match fields.has("urgency") {
        true => field,
        false => field.value("high"),
    }
}

/// Returns a warning if no target wakes anybody.
pub(crate) fn wakes_nobody(language: Language, targets: &[TargetId]) -> Option<&'static str> {
    let texts = PagerTexts::of(language);
    match targets {
        [] => Some(texts.no_targets),
        targets if is_log_only(targets) => Some(texts.only_log),
        _ => None,
    }
}

fn dead_more(reader: &Reader, texts: &PagerTexts, shown: usize, all: u64) -> Option<String> {
    let shown = number_of(shown);
    (shown < all).then(|| {
        let number = |number| grouped(reader.language, number);
        fill(
            texts.dead_more,
            &[("n", &number(shown)), ("all", &number(all))],
        )
    })
}

/// Returns the live incidents whose page is on its way, fails or was given up.
async fn open_pages(state: &AppState) -> Result<Vec<Outline>, Problem> {
    let filter = IncidentFilter {
        statuses: Status::live(),
        limit: LIVE,
        skip_unreadable: true,
        ..IncidentFilter::default()
    };
    let mut found = state.incidents().list(&filter).await?;
    found.retain(|one| {
        matches!(
            one.paging.state,
            PagingState::Pending | PagingState::Failing | PagingState::GivenUp
        )
    });
    found.sort_by_key(|one| (one.severity, one.started_at, one.number));
    Ok(found)
}

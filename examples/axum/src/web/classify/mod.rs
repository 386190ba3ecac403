//! `/incidents/classify`: the page that helps to choose the severity of a declaration.
//!
//! It is asked from the form of a declaration, carries what was typed there, and leads back with a
//! proposal. It declares nothing.

mod classify_texts;
mod questions;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use incident_core::actor::Caller;
use incident_core::response::{
    Classification, ClassificationReason, ClassificationRules, classify,
};

use self::classify_texts::ClassifyTexts;
use self::questions::{QuestionBlock, facts, is_answered, questions};
use crate::http::authorized::Authorized;
use crate::http::escape::Html;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::state::AppState;
use crate::web::common_texts::severity_mark;
use crate::web::declare::{FIELDS, show_filled};
use crate::web::filter::FilterFields;
use crate::web::form::{Field, FormFields, Submitted, Summary, wire_word};
use crate::web::frame::{Frame, Section};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::texts::count;

/// A reason of the proposal.
struct ShownReason {
    /// The severity that it speaks for.
    mark: Html,
    text: String,
}

/// The proposal as the page shows it.
struct ShownProposal {
    mark: Html,
    reasons: Vec<ShownReason>,
    is_floor: bool,
    priority: Option<String>,
    /// The heading of the open questions, and the questions.
    open: Option<(String, Vec<String>)>,
    button: String,
}

#[derive(Template)]
#[template(path = "classify.html")]
struct ClassifyPage<'a> {
    frame: Frame<'a>,
    texts: &'static ClassifyTexts,
    summary: Option<Html>,
    /// The fields of the declaration as they were typed.
    carried: Vec<(String, String)>,
    blocks: [QuestionBlock; 4],
    proposal: Option<ShownProposal>,
}

/// Handles `GET /incidents/classify`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized { context, .. }: Authorized<permission::Declare>,
    fields: FilterFields,
) -> WebResult {
    respond(&state, &reader, &context.caller, &fields.0)
}

/// Handles `POST /incidents/classify`: shows the page for a form that was typed, or, with `take`, the form of
/// the declaration with the proposal.
pub(crate) async fn propose(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::Declare>,
) -> WebResult {
    let mut fields = submitted.fields.clone();
    let caller = &submitted.context().caller;
    match fields.get("take") {
        "" => return respond(&state, &reader, caller, &fields),
        "proposal" => {
            let rules = &state.incidents().policy().classification;
            let Some(classified) = client_problems(proposed(&fields, rules))?.ok() else {
                return respond(&state, &reader, caller, &fields);
            };
            let severity = classified.severity.name();
            fields.set("severity", severity);
            fields.set("proposed_severity", severity);
        }
        // Back as it was.
        _ => {}
    }
    show_filled(&state, &reader, caller, &fields).await
}

/// Classifies the answers of a form.
fn proposed(sent: &FormFields, rules: &ClassificationRules) -> Result<Classification, Problem> {
    Ok(classify(&facts(sent, rules)?, rules)?)
}

fn respond(state: &AppState, reader: &Reader, caller: &Caller, sent: &FormFields) -> WebResult {
    let frame = Frame::of(state, reader, caller, Section::Active);
    let frame = frame.with_main_button().at_own_address();
    let texts = ClassifyTexts::of(frame.reader.language);
    let rules = &state.incidents().policy().classification;
    let classified = client_problems(proposed(sent, rules))?;
    let problem = classified.as_ref().err();
    let blocks = questions(&frame, rules, sent, problem);
    let all: Vec<&Field> = blocks.iter().flat_map(|block| &block.fields).collect();
    let is_asked = is_answered(sent) || sent.has("step");
    let page = ClassifyPage {
        summary: problem.map(|problem| Summary::of(frame.common, problem, &all).html()),
        carried: carried(sent),
        proposal: match &classified {
            Ok(classified) if is_asked => Some(proposal(&frame, rules, classified)),
            _ => None,
        },
        texts,
        blocks,
        frame,
    };
    WebPage::render(problem.map_or(StatusCode::OK, Problem::status), &page)
}

/// Returns the fields of the declaration, for hidden fields.
fn carried(sent: &FormFields) -> Vec<(String, String)> {
    let fields = sent.iter().filter(|(name, _)| FIELDS.contains(name));
    fields
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn proposal(
    frame: &Frame<'_>,
    rules: &ClassificationRules,
    classified: &Classification,
) -> ShownProposal {
    let language = frame.reader.language;
    let texts = ClassifyTexts::of(language);
    let reason = |reason: &ClassificationReason| ShownReason {
        mark: severity_mark(reason.severity()),
        text: texts.reason(frame, reason),
    };
    let open = classified.unanswered.iter();
    let open: Vec<String> = open
        .map(|fact| texts.question(*fact, rules.currency()))
        .collect();
    let number = u64::try_from(open.len()).unwrap_or(u64::MAX);
    let severity = classified.severity;
    ShownProposal {
        mark: severity_mark(severity),
        reasons: classified.reasons.iter().map(reason).collect(),
        is_floor: classified.floor,
        priority: classified
            .priority
            .map(|priority| frame.fill(texts.priority, &[("priority", &wire_word(&priority))])),
        open: (!open.is_empty()).then(|| (count(language, texts.unanswered, number), open)),
        button: frame.fill(texts.declare_as, &[("severity", severity.name())]),
    }
}

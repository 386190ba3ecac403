//! `/incidents/{id}/entries/{seq}`: an entry of a timeline with its proof, and the erasure of its
//! text.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use incident_core::actor::{Action, Caller};
use incident_core::incident::{Command, Incident};
use incident_core::timeline::SysIncidentUpdateEntry;

use super::act_texts::ActTexts;
use super::entry::EntryView;
use super::entry_texts::EntryTexts;
use super::words::WordTexts;
use crate::http::authorized::Authorized;
use crate::http::escape::Html;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::EntryTarget;
use crate::requests::ReasonRequest;
use crate::state::AppState;
use crate::web::form::{Field, FormFields, JsonBody, Submitted, Summary, form_key};
use crate::web::frame::{Frame, Section};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::texts::{count, number_of};

/// The form that erases the text of an entry.
struct RedactForm {
    key: String,
    /// The texts that are erased besides the entry, line by line.
    lines: Vec<String>,
    summary: Option<Html>,
    reason: Html,
}

#[derive(Template)]
#[template(path = "incident/entry_page.html")]
struct EntryPage<'a> {
    frame: Frame<'a>,
    texts: &'static ActTexts,
    entry_texts: &'static EntryTexts,
    incident: &'a Incident,
    base: String,
    number: String,
    title: String,
    back: String,
    one: EntryView,
    happened: Html,
    recorded: Html,
    hash: String,
    previous: String,
    may_correct: bool,
    redact: Option<RedactForm>,
}

/// Handles `GET /incidents/{id}/entries/{seq}`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized {
        context, target, ..
    }: Authorized<permission::Read, EntryTarget>,
    _: Params<()>,
) -> WebResult {
    let nothing = FormFields::default();
    page(&state, &reader, &context.caller, target, &nothing, None).await
}

/// Handles `POST /incidents/{id}/entries/{seq}/redact`.
pub(crate) async fn redact(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Redact, EntryTarget>,
) -> WebResult {
    submitted.at_any_version();
    let (fields, target) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let done = match JsonBody::of(&fields).required("reason").parse() {
        Ok(ReasonRequest { reason }) => {
            let done = submitted.run(
                |incidents, context, EntryTarget { id, seq, .. }| async move {
                    let command = Command::Redact { seq, reason };
                    incidents.act(&context, id, &command).await
                },
            );
            done.await
        }
        Err(problem) => Err(problem),
    };
    match client_problems(done)? {
        Ok(_) => {
            let EntryTarget { id, seq, .. } = target;
            let address = reader.link(&format!("/incidents/{id}#e{seq}"));
            Ok(WebPage::see_other(&address))
        }
        Err(problem) => page(&state, &reader, &caller, target, &fields, Some(&problem)).await,
    }
}

async fn page(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    EntryTarget { id, seq, .. }: EntryTarget,
    sent: &FormFields,
    problem: Option<&Problem>,
) -> WebResult {
    let incident = state.incidents().get(id).await?;
    let found = state.incidents().audit().timeline(id, seq - 1, 1).await?;
    let entry = found.first().ok_or_else(|| Problem::not_found("entry"))?;
    let frame = Frame::of(state, reader, caller, Section::Incidents).with_main_button();
    let frame = frame.at(&format!("/incidents/{id}/entries/{seq}"));
    let texts = ActTexts::of(reader.language);
    let may = |action| state.incidents().may(caller, action);
    let number = incident.number.to_string();
    let seq_text = seq.to_string();
    let may_redact = may(Action::Redact) && !entry.is_redacted();
    let redact = may_redact.then(|| redact_form(&frame, texts, &incident, entry, sent, problem));
    let page = EntryPage {
        texts,
        entry_texts: EntryTexts::of(reader.language),
        base: frame.link(&format!("/incidents/{id}")),
        title: frame.fill(
            texts.entry_title,
            &[("seq", &seq_text), ("number", &number)],
        ),
        back: frame.fill(texts.back, &[("number", &number)]),
        number,
        one: EntryView::new(&frame, entry),
        happened: frame.times.exact(&entry.fields.occurred_at),
        recorded: frame.times.exact(&entry.fields.recorded_at),
        hash: entry.hash.to_string(),
        previous: entry.prev_hash.to_string(),
        may_correct: may(Action::Update) && !incident.status.is_final(),
        redact,
        incident: &incident,
        frame,
    };
    WebPage::render(problem.map_or(StatusCode::OK, Problem::status), &page)
}

fn redact_form(
    frame: &Frame<'_>,
    texts: &ActTexts,
    incident: &Incident,
    entry: &SysIncidentUpdateEntry,
    sent: &FormFields,
    problem: Option<&Problem>,
) -> RedactForm {
    let words = WordTexts::of(frame.reader.language);
    let erased = incident.erased_with(entry);
    let mut lines = Vec::new();
    if !erased.fields.is_empty() {
        let fields = erased.fields.iter().map(|name| words.field(name));
        let fields = fields.collect::<Vec<_>>().join(", ");
        lines.push(frame.fill(texts.redact_fields, &[("fields", &fields)]));
    }
    if erased.public_title {
        lines.push(texts.redact_public_title.to_owned());
    }
    if erased.approval {
        lines.push(texts.redact_approval.to_owned());
    }
    let public = number_of(erased.public_lines);
    if public > 0 {
        lines.push(count(frame.reader.language, texts.redact_lines, public));
    }
    let reason = Field::line("reason", texts.redact_reason)
        .required(frame.common)
        .from(sent, problem);
    let summary = problem.map(|problem| Summary::of(frame.common, problem, &[&reason]).html());
    RedactForm {
        key: form_key(sent, problem),
        lines,
        summary,
        reason: reason.html(),
    }
}

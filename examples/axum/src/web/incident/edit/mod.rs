//! `/incidents/{id}/edit`: the fields of an incident. Who writes second sees both versions.

mod edit_texts;
mod form;
mod marks;
mod request;
mod stale;
mod values;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use incident_core::IncidentId;
use incident_core::actor::Caller;
use incident_core::incident::Incident;

use self::edit_texts::EditTexts;
use self::form::edit_fields;
use self::marks::Values;
use self::request::request;
use self::stale::{StaleEdit, merged};
use self::values::values;
use super::act_texts::ActTexts;
use crate::http::authorized::Authorized;
use crate::http::escape::Html;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::state::AppState;
use crate::web::form::{Field, FormFields, Submitted, Summary, form_key, new_key};
use crate::web::frame::{Frame, Section};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

#[derive(Template)]
#[template(path = "incident/edit.html")]
struct EditPage<'a> {
    frame: Frame<'a>,
    texts: &'static EditTexts,
    act_texts: &'static ActTexts,
    incident: &'a Incident,
    base: String,
    title: String,
    back: String,
    key: String,
    version: String,
    marks: String,
    summary: Option<Html>,
    stale: Option<StaleEdit>,
    what: Vec<Html>,
    place: Vec<Html>,
    many_tenants: Option<String>,
    times: Vec<Html>,
    facts: Vec<Html>,
    assessment: Vec<Html>,
}

/// Handles `GET /incidents/{id}/edit`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized {
        context,
        target: id,
        ..
    }: Authorized<permission::Change, IncidentId>,
    _: Params<()>,
) -> WebResult {
    page(&state, &reader, &context.caller, id, None).await
}

/// Handles `POST /incidents/{id}/edit`. Only fields that the person changed are changed.
pub(crate) async fn save(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::Change, ExistingIncident>,
) -> WebResult {
    let (fields, ExistingIncident(id)) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let back = reader.link(&format!("/incidents/{id}"));
    let done = match request(&fields, &reader) {
        Ok(None) => return Ok(WebPage::see_other(&back)),
        Ok(Some(changes)) => match changes.command() {
            Ok(command) => submitted.act(command).await,
            Err(invalid) => Err(invalid.into()),
        },
        Err(problem) => Err(problem),
    };
    match client_problems(done)? {
        Ok(outcome) => {
            let anchor = outcome.entries.first();
            let anchor = anchor.map_or_else(String::new, |entry| format!("#e{}", entry.seq));
            Ok(WebPage::see_other(&format!("{back}{anchor}")))
        }
        Err(problem) => page(&state, &reader, &caller, id, Some((&fields, problem))).await,
    }
}

async fn page(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    id: IncidentId,
    sent: Option<(&FormFields, Problem)>,
) -> WebResult {
    let incident = state.incidents().get(id).await?;
    let frame = Frame::of(state, reader, caller, Section::Incidents);
    let frame = frame.with_main_button().at_own_address();
    let current = values(&frame.times, &incident);
    let (sent, problem) = sent.unzip();
    let is_stale = problem
        .as_ref()
        .is_some_and(|one| one.code() == "version_mismatch");
    let (shown, stale) = match sent {
        None => (current.clone(), None),
        Some(sent) if is_stale => {
            let (shown, stale) = merged(&frame, sent, &current);
            (shown, Some(stale))
        }
        Some(sent) => (typed(sent, &current), None),
    };
    let fields = edit_fields(state, &frame, caller, &incident, &shown, problem.as_ref());
    let summary = problem.as_ref().filter(|_| !is_stale);
    let summary = summary.map(|problem| Summary::of(frame.common, problem, &fields.all()).html());
    let version = match sent {
        // Marks and version belong together: those of the form, unless that is stale.
        Some(sent) if !is_stale => (sent.get("version").to_owned(), sent.get("marks").to_owned()),
        _ => (incident.version.0.to_string(), marks::write(&current)),
    };
    let key = sent.map(|sent| form_key(sent, problem.as_ref()));
    let number = incident.number.to_string();
    let texts = EditTexts::of(reader.language);
    let act_texts = ActTexts::of(reader.language);
    let html = |fields: &[Field]| fields.iter().map(Field::html).collect();
    let page = EditPage {
        base: frame.link(&format!("/incidents/{id}")),
        title: frame.fill(texts.title, &[("number", &number)]),
        back: frame.fill(act_texts.back, &[("number", &number)]),
        key: key.unwrap_or_else(new_key),
        marks: version.1,
        version: version.0,
        summary,
        stale,
        what: html(&fields.what),
        place: html(&fields.place),
        many_tenants: fields.many_tenants.clone(),
        times: html(&fields.times),
        facts: html(&fields.facts),
        assessment: html(&fields.assessment),
        incident: &incident,
        texts,
        act_texts,
        frame,
    };
    let status = problem.as_ref().map_or(StatusCode::OK, Problem::status);
    WebPage::render(status, &page)
}

/// Returns the values as they were typed; those of fields that were not sent are the current ones.
fn typed(sent: &FormFields, current: &Values) -> Values {
    let mut shown = current.clone();
    for (name, value) in &mut shown {
        if sent.has(name) {
            sent.get(name).clone_into(value);
        }
    }
    shown.insert("reason", sent.get("reason").to_owned());
    shown
}

//! `/incidents/{id}/roles`: a role in the response changes hands.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use incident_core::IncidentId;
use incident_core::actor::Caller;
use incident_core::incident::{ChangeRole, Command, Incident, ResponseRole, RoleStep};

use super::act_page::ActPage;
use super::coordination_texts::{CoordinationTexts, STEPS};
use super::words::WordTexts;
use crate::http::authorized::Authorized;
use crate::http::escape::as_typed;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::state::AppState;
use crate::web::form::{Choice, Field, FormFields, JsonBody, Submitted, wire_word};
use crate::web::frame::Frame;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// Handles `GET /incidents/{id}/roles`.
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
    let mut fields = FormFields::default();
    fields.set("action", wire_word(&RoleStep::Assume));
    form(&state, &reader, &context.caller, id, &fields, None).await
}

/// Handles `POST /incidents/{id}/roles`.
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Change, ExistingIncident>,
) -> WebResult {
    submitted.at_any_version();
    let (fields, ExistingIncident(id)) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let body = JsonBody::of(&fields).required("action").required("role");
    // Another id than that of the menu of the person who is signed in.
    let body = match fields.get("holder").trim() {
        "" => body,
        person => body.with("person", person),
    };
    let body = match is_handover(&fields) {
        true => body.required("to").required("note"),
        false => body.text("to").text("note"),
    };
    let done = match body.parse::<ChangeRole>() {
        Ok(change) => submitted.act(Command::ChangeRole(Box::new(change))).await,
        Err(problem) => Err(problem),
    };
    let done = done
        .map_err(|problem| problem.at_fields(|pointer| (pointer == "/person").then_some("holder")));
    match client_problems(done)? {
        Ok(_) => Ok(WebPage::see_other(
            &reader.link(&format!("/incidents/{id}#card-people")),
        )),
        Err(problem) => form(&state, &reader, &caller, id, &fields, Some(&problem)).await,
    }
}

fn is_handover(fields: &FormFields) -> bool {
    fields.get("action") == wire_word(&RoleStep::HandOver)
}

/// Returns the field that a refusal is about.
fn field_of(code: &str) -> &'static str {
    match code {
        "role_held_already" | "role_not_held" => "holder",
        "commander_needed" | "incident_ended" | "too_many_role_changes" => "action",
        _ => "role",
    }
}

/// Returns the people who are known to the incident, for suggestions.
fn known(incident: &Incident) -> Vec<String> {
    let people = incident.roles.iter().map(|one| &one.person);
    let people = people
        .chain(incident.responder.as_ref())
        .chain(incident.acknowledged_by.as_ref());
    let people: BTreeSet<String> = people.map(ToString::to_string).collect();
    people.into_iter().collect()
}

/// Returns a line for each role that is held, with its holders.
fn holders(frame: &Frame<'_>, texts: &CoordinationTexts, incident: &Incident) -> Vec<String> {
    let words = WordTexts::of(frame.reader.language);
    let held = ResponseRole::ALL.into_iter().filter_map(|role| {
        let people: Vec<&str> = incident.holders(role).map(|one| one.as_str()).collect();
        let people = people.join(", ");
        let values = [("role", words.response_role(role)), ("people", &people)];
        (!people.is_empty()).then(|| frame.fill(texts.holds, &values))
    });
    held.collect()
}

async fn form(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    id: IncidentId,
    sent: &FormFields,
    problem: Option<&Problem>,
) -> WebResult {
    let incident = state.incidents().get(id).await?;
    let language = reader.language;
    let (texts, words) = (CoordinationTexts::of(language), WordTexts::of(language));
    let mut page = ActPage::new(state, reader, caller, &incident, texts.roles_title);
    page.lines = holders(&page.frame, texts, &incident);
    if incident.status.is_final() {
        page.lines.push(texts.no_changes.to_owned());
        return page.respond(problem);
    }
    let refusal = problem.and_then(|problem| {
        let text = texts.refusal(problem.code())?;
        Some((field_of(problem.code()), text))
    });
    let placed = refusal.and_then(|(field, text)| {
        let problem = problem?.clone();
        Some(problem.at(format!("/{field}"), text))
    });
    let problem = placed.as_ref().or(problem);
    let steps = STEPS.map(|step| {
        let (name, note) = texts.role_step(step);
        Choice::marked(&wire_word(&step), as_typed(name), note)
    });
    let roles = ResponseRole::ALL.map(|role| Choice::new(role.name(), words.response_role(role)));
    let common = page.frame.common;
    let (mut to, mut note) = (
        Field::line("to", texts.to)
            .hint(texts.to_hint)
            .known(known(&incident)),
        Field::area("note", texts.note).hint(texts.note_hint),
    );
    if is_handover(sent) {
        (to, note) = (to.required(common), note.required(common));
    }
    let fields = [
        Field::radio("action", texts.step, steps.into()),
        Field::select("role", texts.role, roles.into()),
        Field::line("holder", texts.person)
            .hint(texts.person_hint)
            .known(known(&incident)),
        to,
        note,
    ];
    let fields = fields.map(|field| {
        let field = field.from(sent, problem);
        match refusal {
            Some((name, _)) if field.name == name => field.translated(),
            _ => field,
        }
    });
    page.with_form(&fields, sent, problem, texts.roles_submit)
        .respond(problem)
}

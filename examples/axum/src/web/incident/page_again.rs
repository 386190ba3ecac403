//! `/incidents/{id}/page`: pages on-call again, or others by a rule.

use std::sync::Arc;

use axum::extract::State;
use incident_core::IncidentId;
use incident_core::actor::Caller;
use incident_core::incident::Mode;

use super::act_page::ActPage;
use super::act_texts::ActTexts;
use super::targets::{names, on_call};
use crate::http::authorized::Authorized;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::requests::incident::PageRequest;
use crate::state::AppState;
use crate::web::form::{Choice, Field, FormFields, JsonBody, Submitted};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// Handles `GET /incidents/{id}/page`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized {
        context,
        target: id,
        ..
    }: Authorized<permission::Page, IncidentId>,
    _: Params<()>,
) -> WebResult {
    let nothing = FormFields::default();
    form(&state, &reader, &context.caller, id, &nothing, None).await
}

/// Handles `POST /incidents/{id}/page`.
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Page, ExistingIncident>,
) -> WebResult {
    submitted.at_any_version();
    let (fields, ExistingIncident(id)) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let request = JsonBody::of(&fields).required("reason").text("rule");
    let done = match request.parse::<PageRequest>() {
        Ok(request) => submitted.act(request.command()).await,
        Err(problem) => Err(problem),
    };
    match client_problems(done)? {
        Ok(outcome) => {
            let seq = outcome.entries.first().map_or(0, |entry| entry.seq);
            let address = reader.link(&format!("/incidents/{id}#e{seq}"));
            Ok(WebPage::see_other(&address))
        }
        Err(problem) => form(&state, &reader, &caller, id, &fields, Some(&problem)).await,
    }
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
    let texts = ActTexts::of(reader.language);
    let mut page = ActPage::new(state, reader, caller, &incident, texts.page_title);
    if !incident.status.is_live() || incident.mode == Mode::Retrospective {
        page.lines.push(texts.not_live.to_owned());
        return page.respond(problem);
    }
    let urgency = incident.policy(state.incidents().policy()).urgency();
    page.lines = on_call(state, &page.frame, urgency);
    let last = page.frame.paging(&incident.paging.state);
    page.lines
        .push(page.frame.fill(texts.last_page, &[("state", last)]));
    let mut fields = Vec::new();
    let rules = state.incidents().paging().escalation_rules();
    if !rules.is_empty() {
        let rules = rules.iter().map(|(rule, targets)| {
            let note = match targets.as_slice() {
                [] => texts.rule_alone.to_owned(),
                targets => {
                    let names = names(texts, targets);
                    page.frame.fill(texts.rule_of, &[("targets", &names)])
                }
            };
            let label = crate::http::escape::as_typed(rule.as_str());
            Choice::marked(rule.as_str(), label, &note)
        });
        let on_call = std::iter::once(Choice::new("", texts.on_call));
        let choices = on_call.chain(rules).collect();
        fields.push(Field::radio("rule", texts.whom, choices));
    }
    let reason = Field::line("reason", texts.page_reason)
        .hint(texts.page_reason_hint)
        .required(page.frame.common)
        .focused();
    fields.push(reason);
    let fields: Vec<Field> = fields
        .into_iter()
        .map(|field| field.from(sent, problem))
        .collect();
    page.with_form(&fields, sent, problem, texts.page_submit)
        .respond(problem)
}

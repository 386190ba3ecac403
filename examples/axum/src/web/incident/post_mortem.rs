//! `/incidents/{id}/post-mortem`: links the post-mortem.

use std::sync::Arc;

use axum::extract::State;
use incident_core::IncidentId;
use incident_core::actor::Caller;
use incident_core::incident::Command;

use super::act_page::ActPage;
use super::act_texts::ActTexts;
use crate::http::authorized::Authorized;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::requests::incident::PostMortemRequest;
use crate::state::AppState;
use crate::web::form::{Field, FormFields, JsonBody, Submitted};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// Handles `GET /incidents/{id}/post-mortem`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized {
        context,
        target: id,
        ..
    }: Authorized<permission::LinkPostMortem, IncidentId>,
    _: Params<()>,
) -> WebResult {
    let nothing = FormFields::default();
    form(&state, &reader, &context.caller, id, &nothing, None).await
}

/// Handles `POST /incidents/{id}/post-mortem`.
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::LinkPostMortem, ExistingIncident>,
) -> WebResult {
    submitted.at_any_version();
    let (fields, ExistingIncident(id)) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let done = match JsonBody::of(&fields).required("url").parse() {
        Ok(PostMortemRequest { url }) => submitted.act(Command::LinkPostMortem { url }).await,
        Err(problem) => Err(problem),
    };
    match client_problems(done)? {
        Ok(_) => Ok(WebPage::see_other(
            &reader.link(&format!("/incidents/{id}#card-links")),
        )),
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
    let mut page = ActPage::new(state, reader, caller, &incident, texts.post_mortem_title);
    page.lines.push(texts.post_mortem_help.to_owned());
    if let Some(linked) = &incident.post_mortem {
        let url = linked.url.to_string();
        page.lines
            .push(page.frame.fill(texts.post_mortem_now, &[("url", &url)]));
    }
    let url = Field::line("url", texts.url)
        .hint(texts.url_hint)
        .required(page.frame.common)
        .focused()
        .from(sent, problem);
    page.with_form(&[url], sent, problem, texts.post_mortem_submit)
        .respond(problem)
}

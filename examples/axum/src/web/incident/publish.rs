//! `/incidents/{id}/publish`: shows an incident to the public, or hides it.

use std::sync::Arc;

use axum::extract::State;
use incident_core::IncidentId;
use incident_core::engine::{PreparedCommand, RequestContext};
use incident_core::incident::{Command, Publish};
use incident_core::name::{PUBLIC_BYTES, TITLE_CHARS};

use super::act_page::{ActPage, OtherAct, ShownToCustomers};
use super::act_texts::ActTexts;
use super::customers::{CustomerView, digest, public_side};
use crate::http::authorized::Authorized;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::state::AppState;
use crate::web::form::{Field, FormFields, JsonBody, Submitted};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// The value of `step` that hides an incident.
const HIDE: &str = "hide";
/// The value of `step` that only shows the result.
const PREVIEW: &str = "preview";

/// The outcome of a form.
enum PublishStep {
    Published,
    /// Customers would read something that the person has not seen.
    Unseen,
}

/// Handles `GET /incidents/{id}/publish`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized {
        context,
        target: id,
        ..
    }: Authorized<permission::Publish, IncidentId>,
    _: Params<()>,
) -> WebResult {
    let nothing = FormFields::default();
    form(&state, &reader, &context, id, &nothing, None).await
}

/// Handles `POST /incidents/{id}/publish`. What customers would read is shown first, unless the
/// person has seen exactly that.
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Publish, ExistingIncident>,
) -> WebResult {
    submitted.at_any_version();
    let (fields, ExistingIncident(id)) = (submitted.fields.clone(), submitted.target);
    let context = submitted.context().clone();
    let step = match request(&fields) {
        Ok(publish) => step(&state, submitted, publish).await,
        Err(problem) => Err(problem),
    };
    match client_problems(step)? {
        Ok(PublishStep::Published) => {
            let address = reader.link(&format!("/incidents/{id}#card-customers"));
            Ok(WebPage::see_other(&address))
        }
        Ok(PublishStep::Unseen) => form(&state, &reader, &context, id, &fields, None).await,
        Err(problem) => form(&state, &reader, &context, id, &fields, Some(&problem)).await,
    }
}

fn request(fields: &FormFields) -> Result<Publish, Problem> {
    let is_shown = fields.get("step") != HIDE;
    let body = JsonBody::of(fields).with("public", is_shown);
    match is_shown {
        true => body.text("title").text("message").parse(),
        false => body.parse(),
    }
}

async fn step(
    state: &Arc<AppState>,
    submitted: Submitted<permission::Publish, ExistingIncident>,
    publish: Publish,
) -> Result<PublishStep, Problem> {
    let context = submitted.context();
    let (id, is_shown) = (submitted.target.0, publish.public);
    let command = Command::from(publish);
    if is_shown && state.incidents().remembered(context).await?.is_none() {
        let prepared = PreparedCommand::act(state.incidents(), context, id, &command).await?;
        let after = public_side(state, prepared.incident()).await?;
        let is_seen = submitted.fields.get("seen") == digest(after.as_ref());
        if !is_seen || submitted.fields.get("step") == PREVIEW {
            return Ok(PublishStep::Unseen);
        }
    }
    let done = submitted.act(command).await;
    done.map(|_| PublishStep::Published)
}

async fn form(
    state: &AppState,
    reader: &Reader,
    context: &RequestContext,
    id: IncidentId,
    sent: &FormFields,
    problem: Option<&Problem>,
) -> WebResult {
    let incident = state.incidents().get(id).await?;
    let texts = ActTexts::of(reader.language);
    let is_public = incident.status_page.public;
    let title = if is_public {
        texts.publish_again
    } else {
        texts.publish_title
    };
    let mut page = ActPage::new(state, reader, &context.caller, &incident, title);
    if let Ok(publish) = request(sent) {
        // The preview commits nothing, so that it needs no key.
        let mut context = context.clone();
        context.key = None;
        let shown = Publish {
            public: true,
            ..publish
        };
        let command = Command::from(shown);
        let prepared = PreparedCommand::act(state.incidents(), &context, id, &command).await;
        if let Ok(prepared) = prepared {
            let after = prepared.incident();
            let public = public_side(state, after).await?;
            page.seen = digest(public.as_ref());
            page.customers = Some(ShownToCustomers {
                title: texts.will_read,
                view: CustomerView::new(&page.frame, after, public.as_ref()),
                is_preview: true,
            });
        }
    }
    let was_seen = sent.get("seen");
    let is_on_request = sent.get("step") == PREVIEW;
    if problem.is_none() && !is_on_request && !was_seen.is_empty() && was_seen != page.seen {
        page.lines.push(texts.publish_changed.to_owned());
    }
    if is_public {
        page.other = Some(OtherAct {
            title: texts.hide_title,
            help: texts.hide_help,
            submit: texts.hide_submit,
            step: HIDE,
        });
    }
    page.preview = Some(texts.preview);
    let title = Field::line("title", texts.public_title)
        .hint(texts.public_title_hint)
        .optional(page.frame.common)
        .max(TITLE_CHARS);
    let message = Field::area("message", texts.public_message)
        .hint(texts.public_message_hint)
        .optional(page.frame.common)
        .max(PUBLIC_BYTES);
    let fields = [title, message].map(|field| field.from(sent, problem));
    let submit = if is_public {
        texts.publish_update
    } else {
        texts.publish_submit
    };
    page.with_form(&fields, sent, problem, submit)
        .respond(problem)
}

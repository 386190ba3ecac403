//! `POST /incidents/{id}/updates`: an update, whose public side is shown before it is published.

use std::sync::Arc;

use axum::extract::State;
use incident_core::Timestamp;
use incident_core::engine::{CommandOutcome, PreparedCommand, RequestContext};
use incident_core::incident::{Change, Command, Status, Update};
use serde_json::json;

use super::customers::{CustomerView, digest, public_side};
use super::show::{Shown, page};
use super::update_form::UpdateDraft;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::state::AppState;
use crate::web::form::{FormFields, JsonBody, Submitted};
use crate::web::frame::{Frame, Section};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// A form for an update, read.
struct ReadUpdate {
    update: Update,
    /// Due time of the next update, if it is stated.
    next_due: Option<Timestamp>,
}

/// The outcome of a form.
enum UpdateStep {
    /// It was posted.
    Posted(CommandOutcome),
    /// Customers would read something else: the view, and the digest that confirms it.
    Preview(Box<(CustomerView, String)>),
}

/// Handles `POST /incidents/{id}/updates`.
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Update, ExistingIncident>,
) -> WebResult {
    submitted.at_any_version();
    let (fields, ExistingIncident(id)) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let step = match read(&fields, &reader) {
        Ok(read) => step(&state, &reader, submitted, read).await,
        Err(problem) => Err(problem),
    };
    let draft = match client_problems(step)? {
        Ok(UpdateStep::Posted(outcome)) => {
            let anchor = outcome.entries.first().map_or(0, |entry| entry.seq);
            let address = reader.link(&format!("/incidents/{id}#e{anchor}"));
            return Ok(WebPage::see_other(&address));
        }
        Ok(UpdateStep::Preview(preview)) => UpdateDraft {
            fields,
            problem: None,
            preview: Some(*preview),
        },
        Err(problem) => UpdateDraft {
            problem: Some(in_fields(problem, &fields)),
            fields,
            preview: None,
        },
    };
    page(&state, &reader, &caller, id, Shown::default(), draft.into()).await
}

/// Returns a problem whose pointers are the fields of the form.
fn in_fields(problem: Problem, fields: &FormFields) -> Problem {
    let is_cancelled = fields.get("status") == Status::Cancelled.name();
    problem.at_fields(|pointer| match pointer {
        "/reason" if is_cancelled => Some("cancel_reason"),
        "/comms_sent/audience" => Some("comms_audience"),
        "/comms_sent/channel" => Some("comms_channel"),
        "/comms_sent/summary" => Some("message"),
        _ => None,
    })
}

fn read(fields: &FormFields, reader: &Reader) -> Result<ReadUpdate, Problem> {
    let zone = reader.zone;
    let mut body = JsonBody::of(fields)
        .required("message")
        .text("status")
        .text("severity")
        .text("kind")
        .time("eta", zone)
        .time("occurred_at", zone)
        .text("public_message");
    // Fields of other statuses may be filled in where no script and no style hides them.
    body = match fields.get("status").parse() {
        Ok(Status::Investigating) => body.text("reason"),
        Ok(Status::Resolved) => body.time("impact_ended_at", zone),
        Ok(Status::Merged) => body.text("merged_into"),
        Ok(Status::Cancelled) => match fields.get("cancel_reason") {
            "" => body,
            reason => body.with("reason", reason),
        },
        Ok(Status::Triage | Status::Identified | Status::Mitigated | Status::Closed) | Err(_) => {
            body
        }
    };
    let corrects = fields.get("corrects").trim();
    if !corrects.is_empty() {
        let seq: u64 = corrects
            .parse()
            .map_err(|_| Problem::field("/corrects", "expected the number of an entry"))?;
        body = body.with("corrects", seq);
    }
    let (audience, channel) = (
        fields.get("comms_audience"),
        fields.get("comms_channel").trim(),
    );
    if !audience.is_empty() || !channel.is_empty() {
        let message = fields.get("message").trim();
        let sent = json!({"audience": audience, "channel": channel, "summary": message});
        body = body.with("comms_sent", sent);
    }
    let due = JsonBody::of(fields)
        .time("next_update_due_at", zone)
        .parse();
    match (body.parse(), due) {
        (Ok(update), Ok(NextDue { next_update_due_at })) => Ok(ReadUpdate {
            update,
            next_due: next_update_due_at,
        }),
        (Err(problem), Err(other)) => Err(problem.with_errors_of(&other)),
        (Err(problem), Ok(_)) | (Ok(_), Err(problem)) => Err(problem),
    }
}

/// The part of the form that changes a field.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct NextDue {
    #[serde(default)]
    next_update_due_at: Option<Timestamp>,
}

impl crate::http::body::CommandBody for NextDue {}

async fn step(
    state: &Arc<AppState>,
    reader: &Reader,
    submitted: Submitted<permission::Update, ExistingIncident>,
    read: ReadUpdate,
) -> Result<UpdateStep, Problem> {
    let command = Command::from(read.update);
    let context = submitted.context();
    // Without a status page there is nothing to confirm; a form that is sent twice has nothing to
    // confirm the second time.
    let incidents = state.incidents();
    if incidents.has_status_page() && incidents.remembered(context).await?.is_none() {
        let seen = submitted.fields.get("seen");
        let id = submitted.target.0;
        let preview = preview(state, reader, context, id, &command, seen).await?;
        if let Some(preview) = preview {
            return Ok(UpdateStep::Preview(Box::new(preview)));
        }
    }
    let next_due = read.next_due;
    let posted = submitted.run(move |incidents, context, ExistingIncident(id)| async move {
        let outcome = incidents.act(&context, id, &command).await?;
        if let Some(due) = next_due {
            // Under a key of its own, so that it too is done once.
            let context = part_of(&context, "due");
            let change = Command::Change(vec![Change::NextUpdateDueAt(Some(due))]);
            incidents.act(&context, id, &change).await?;
        }
        Ok(outcome)
    });
    posted.await.map(UpdateStep::Posted)
}

/// Returns the context of a further command of the same form.
fn part_of(context: &RequestContext, part: &str) -> RequestContext {
    let mut context = context.clone();
    if let Some(key) = &mut context.key {
        key.key = format!("{}.{part}", key.key);
    }
    context
}

/// Returns what customers will see, if that is something else than now or a text is written for
/// them, and the person has not seen it yet.
async fn preview(
    state: &AppState,
    reader: &Reader,
    context: &RequestContext,
    id: incident_core::IncidentId,
    command: &Command,
    seen: &str,
) -> Result<Option<(CustomerView, String)>, Problem> {
    let before = state.incidents().get(id).await?;
    let prepared = PreparedCommand::act(state.incidents(), context, id, command).await?;
    let after = prepared.incident();
    let (old, new) = (
        public_side(state, &before).await?,
        public_side(state, after).await?,
    );
    let has_text = matches!(command, Command::Update(update) if update.public_message.is_some());
    let (old, confirmed) = (digest(old.as_ref()), digest(new.as_ref()));
    if (old == confirmed && !has_text) || seen == confirmed {
        return Ok(None);
    }
    let frame = Frame::of(state, reader, &context.caller, Section::Incidents);
    let view = CustomerView::new(&frame, after, new.as_ref());
    Ok(Some((view, confirmed)))
}

//! `/incidents/new`: the page on which people declare an incident.

mod consequences;
mod declare_texts;
mod form;
mod known;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use incident_core::SuggestionId;
use incident_core::actor::Caller;
use incident_core::engine::CommandOutcome;
use incident_core::incident::Severity;
use incident_core::suggestion::{Suggestion, SuggestionState};

use self::consequences::{Consequences, consequences};
use self::declare_texts::DeclareTexts;
use self::form::{DeclareFields, fill_in};
use self::known::known_names;
use crate::http::authorized::Authorized;
use crate::http::escape::Html;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::query::Query;
use crate::requests::declare::DeclareRequest;
use crate::state::AppState;
use crate::web::form::{Field, FormFields, JsonBody, Submitted, Summary, form_key};
use crate::web::frame::{Frame, Section};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// The query of the page.
pub(crate) struct DeclareParams {
    suggestion: Option<SuggestionId>,
}

impl FromQuery for DeclareParams {
    const PARAMETERS: &'static [QueryParameter] = &[QueryParameter::of::<SuggestionId>(
        "suggestion",
        "The suggestion that fills the form in.",
    )];
    const IS_PAGED: bool = false;

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let suggestion = query.get("suggestion").map(str::parse).transpose();
        let suggestion = suggestion.map_err(|_| Problem::not_found("suggestion"))?;
        Ok(Self { suggestion })
    }
}

/// The names of the fields of the form.
pub(crate) const FIELDS: [&str; 22] = [
    "key",
    "title",
    "severity",
    "proposed_severity",
    "summary",
    "affected_services",
    "affected_tenants",
    "all_tenants",
    "started_at",
    "suggestion_id",
    "mode",
    "source",
    "page",
    "responder",
    "eta",
    "detected_at",
    "impact_ended_at",
    "resolved_at",
    "environment",
    "alert_key",
    "tracker_url",
    "reason",
];

/// A note on top of the form, with a link.
struct FormNote {
    text: String,
    href: Option<String>,
}

#[derive(Template)]
#[template(path = "declare.html")]
struct DeclarePage<'a> {
    frame: Frame<'a>,
    texts: &'static DeclareTexts,
    key: String,
    suggestion_id: String,
    proposed_severity: String,
    notes: Vec<FormNote>,
    summary: Option<Html>,
    what: Vec<Html>,
    place: Vec<Html>,
    say: Vec<Html>,
    rare: Vec<Html>,
    is_rare_open: bool,
    consequences: [Consequences; 4],
}

/// Handles `GET /incidents/new`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized { context, .. }: Authorized<permission::Declare>,
    Params(params): Params<DeclareParams>,
) -> WebResult {
    let frame = frame_of(&state, &reader, &context.caller);
    let (mut fields, mut notes) = (FormFields::default(), Vec::new());
    if let Some(id) = params.suggestion {
        let (found, is) = state.incidents().signals().suggestion(id).await?;
        notes = notes_of(&frame, &found.suggestion, is, found.live_incident);
        fill_in(&mut fields, &frame, &found.suggestion);
    }
    respond(&state, frame, &context.caller, &fields, notes, None).await
}

/// Shows the form with what was typed before, on its way back from the page that helps to choose a severity.
pub(crate) async fn show_filled(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    fields: &FormFields,
) -> WebResult {
    let frame = Frame::of(state, reader, caller, Section::Active);
    let frame = frame.with_main_button().at("/incidents/new");
    respond(state, frame, caller, fields, Vec::new(), None).await
}

/// Handles `POST /incidents/new`.
pub(crate) async fn declare(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::Declare>,
) -> WebResult {
    let fields = submitted.fields.clone();
    let caller = submitted.context().caller.clone();
    let done = match request(&fields, &reader) {
        Ok(request) => run(submitted, request).await,
        Err(problem) => Err(problem),
    };
    match client_problems(done)? {
        Ok(outcome) => {
            let id = outcome.incident.id;
            let query = if outcome.deduplicated {
                "?matched=true"
            } else {
                ""
            };
            let address = reader.link(&format!("/incidents/{id}{query}"));
            Ok(WebPage::see_other(&address))
        }
        Err(problem) => {
            let frame = frame_of(&state, &reader, &caller);
            respond(&state, frame, &caller, &fields, Vec::new(), Some(&problem)).await
        }
    }
}

async fn run(
    submitted: Submitted<permission::Declare>,
    request: DeclareRequest,
) -> Result<CommandOutcome, Problem> {
    let declare = request.declare()?;
    submitted
        .run(|incidents, context, ()| async move { incidents.declare(&context, &declare).await })
        .await
}

fn request(fields: &FormFields, reader: &Reader) -> Result<DeclareRequest, Problem> {
    let zone = reader.zone;
    let mut body = JsonBody::of(fields)
        .required("title")
        .required("severity")
        .text("proposed_severity")
        .text("summary")
        .list("affected_services")
        .text("suggestion_id")
        .text("mode")
        .text("source")
        .text("responder")
        .text("environment")
        .text("alert_key")
        .text("tracker_url")
        .text("reason");
    for name in [
        "started_at",
        "detected_at",
        "impact_ended_at",
        "resolved_at",
        "eta",
    ] {
        body = body.time(name, zone);
    }
    body = match fields.has("all_tenants") {
        true => body.with("affected_tenants", "all"),
        false => body.list("affected_tenants"),
    };
    body = match fields.get("page") {
        "true" => body.with("page", true),
        "false" => body.with("page", false),
        _ => body,
    };
    body.parse()
}

fn frame_of<'s>(state: &'s AppState, reader: &Reader, caller: &Caller) -> Frame<'s> {
    let frame = Frame::of(state, reader, caller, Section::Active);
    frame.with_main_button().at_own_address()
}

fn notes_of(
    frame: &Frame<'_>,
    suggestion: &Suggestion,
    state: SuggestionState,
    live: Option<incident_core::IncidentId>,
) -> Vec<FormNote> {
    let texts = DeclareTexts::of(frame.reader.language);
    let request = &suggestion.request;
    let values = [
        ("signal", request.signal.as_str()),
        ("service", request.service.as_str()),
        ("tenant", request.tenant.as_str()),
    ];
    let mut notes = vec![FormNote {
        text: frame.fill(texts.suggestion, &values),
        href: None,
    }];
    if state != SuggestionState::Open {
        notes.push(FormNote {
            text: texts.suggestion_gone.to_owned(),
            href: None,
        });
    }
    if let Some(live) = live {
        notes.push(FormNote {
            text: texts.suggestion_live.to_owned(),
            href: Some(frame.link(&format!("/incidents/{live}"))),
        });
    }
    notes
}

async fn respond(
    state: &AppState,
    frame: Frame<'_>,
    caller: &Caller,
    sent: &FormFields,
    mut notes: Vec<FormNote>,
    problem: Option<&Problem>,
) -> WebResult {
    let texts = DeclareTexts::of(frame.reader.language);
    let proposed: Result<Severity, _> = sent.get("proposed_severity").parse();
    notes.extend(proposed.map(|proposed| FormNote {
        text: frame.fill(texts.proposed, &[("severity", proposed.name())]),
        href: None,
    }));
    let known = known_names(state).await;
    let fields = DeclareFields::new(state, &frame, caller, known, sent, problem);
    let summary = problem.map(|problem| Summary::of(frame.common, problem, &fields.all()).html());
    // A person sees what is filled in, except for what a suggestion always sets.
    let usual = [
        ("mode", "live"),
        ("source", "team"),
        ("source", "suggestion"),
    ];
    let is_set = |field: &Field| {
        let value = sent.get(field.name);
        !value.is_empty() && !usual.contains(&(field.name, value))
    };
    let html = |fields: &[Field]| fields.iter().map(Field::html).collect();
    let page = DeclarePage {
        consequences: consequences(state, &frame),
        texts,
        key: form_key(sent, problem),
        suggestion_id: sent.get("suggestion_id").to_owned(),
        proposed_severity: sent.get("proposed_severity").to_owned(),
        notes,
        summary,
        what: html(&fields.what),
        place: html(&fields.place),
        say: html(&fields.say),
        is_rare_open: fields.rare.iter().any(is_set),
        rare: html(&fields.rare),
        frame,
    };
    WebPage::render(problem.map_or(StatusCode::OK, Problem::status), &page)
}

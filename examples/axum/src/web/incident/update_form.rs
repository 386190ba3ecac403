//! The form for updates on the page of an incident.

use std::sync::Arc;

use incident_core::actor::Caller;
use incident_core::incident::{Incident, Status};
use incident_core::port::IncidentFilter;

use super::acts::next_statuses;
use super::customers::CustomerView;
use super::update_fields::UpdateFields;
use super::update_texts::UpdateTexts;
use super::words::WordTexts;
use crate::http::escape::Html;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::form::{Choice, Field, FormFields, Summary, form_key};
use crate::web::frame::Frame;

/// Maximum number of incidents that may take another one in, as a menu shows them.
const TARGETS: usize = 100;

/// The form as a person left it, and the reason why it was not sent.
#[derive(Default)]
pub(super) struct UpdateDraft {
    pub(super) fields: FormFields,
    pub(super) problem: Option<Problem>,
    /// The text that customers will see, with the digest that confirms it.
    pub(super) preview: Option<(CustomerView, String)>,
}

impl UpdateDraft {
    /// Creates an empty form, or one that corrects an entry.
    pub(super) fn fresh(corrects: Option<u64>) -> Self {
        let mut draft = Self::default();
        if let Some(seq) = corrects {
            draft.fields.set("corrects", seq.to_string());
        }
        draft
    }
}

/// The form. Fields that only some statuses need are marked with them.
pub(super) struct UpdateForm {
    pub(super) texts: &'static UpdateTexts,
    pub(super) action: String,
    pub(super) key: String,
    pub(super) seen: String,
    pub(super) summary: Option<Html>,
    pub(super) preview: Option<CustomerView>,
    pub(super) title: &'static str,
    pub(super) help: Option<String>,
    pub(super) message: Html,
    /// `true` if the incident has ended, so that only a note can be added.
    pub(super) is_note: bool,
    pub(super) status: Option<Html>,
    pub(super) times: Vec<Html>,
    /// Each with the class of the statuses that need it.
    pub(super) on_status: Vec<(&'static str, Html)>,
    /// The text for customers, if there is a status page.
    pub(super) public_message: Option<Html>,
    pub(super) more: Vec<Html>,
    pub(super) is_more_open: bool,
    pub(super) submit: &'static str,
    /// `true` if its button is the main one of the page, and not the acknowledgement.
    pub(super) is_main: bool,
}

/// Creates the form.
///
/// # Errors
/// Fails if the store did not answer.
pub(super) async fn update_form(
    state: &Arc<AppState>,
    frame: &Frame<'_>,
    caller: &Caller,
    incident: &Incident,
    draft: UpdateDraft,
) -> Result<UpdateForm, Problem> {
    let language = frame.reader.language;
    let fields = UpdateFields {
        state,
        frame,
        caller,
        incident,
        sent: &draft.fields,
        problem: draft.problem.as_ref(),
        texts: UpdateTexts::of(language),
        words: WordTexts::of(language),
    };
    let statuses = next_statuses(state, caller, incident);
    let targets = match statuses.contains(&Status::Merged) {
        true => targets(state, incident).await?,
        false => Vec::new(),
    };
    let mut form = UpdateForm::new(&fields, &draft, &statuses, targets);
    form.preview = draft.preview.map(|(preview, _)| preview);
    Ok(form)
}

/// Returns the live incidents that may take another one in, newest first.
async fn targets(state: &AppState, incident: &Incident) -> Result<Vec<Choice>, Problem> {
    let filter = IncidentFilter {
        statuses: Status::live(),
        limit: TARGETS,
        skip_unreadable: true,
        ..IncidentFilter::default()
    };
    let found = state.incidents().list(&filter).await?;
    let others = found.iter().filter(|one| one.id != incident.id);
    let choice = |one: &incident_core::incident::Outline| {
        let label = format!("#{} {} {}", one.number, one.severity, one.title);
        Choice::new(&one.id.to_string(), &label)
    };
    Ok(others.map(choice).collect())
}

impl UpdateForm {
    fn new(
        of: &UpdateFields<'_>,
        draft: &UpdateDraft,
        statuses: &[Status],
        targets: Vec<Choice>,
    ) -> Self {
        let (frame, texts, incident) = (of.frame, of.texts, of.incident);
        let is_note = incident.status.is_final();
        let message = of.message();
        let status = (!statuses.is_empty()).then(|| of.status(statuses));
        let times = of.times();
        let on_status = of.on_status(statuses, targets);
        let public_message = frame.has_status_page.then(|| of.public_message());
        let more = of.more();
        let mut all = vec![&message];
        all.extend(&public_message);
        all.extend(&status);
        all.extend(&times);
        all.extend(on_status.iter().map(|(_, field)| field));
        all.extend(&more);
        let summary = of.problem;
        let summary = summary.map(|problem| Summary::of(frame.common, problem, &all).html());
        let is_filled = |field: &Field| !draft.fields.get(field.name).is_empty();
        let preview = draft.preview.as_ref();
        let html = |fields: &[Field]| fields.iter().map(Field::html).collect();
        let marked = on_status.iter();
        Self {
            texts,
            action: frame.link(&format!("/incidents/{}/updates", incident.id)),
            key: form_key(&draft.fields, of.problem),
            seen: preview.map_or_else(String::new, |(_, seen)| seen.clone()),
            summary,
            preview: None,
            title: match is_note {
                true => texts.note_title,
                false => texts.title,
            },
            help: match draft.fields.get("corrects").trim() {
                _ if is_note => Some(texts.note_help.to_owned()),
                "" => None,
                seq => Some(frame.fill(texts.correcting, &[("seq", seq)])),
            },
            message: message.html(),
            is_note,
            status: status.map(|field| field.html()),
            times: html(&times),
            on_status: marked
                .map(|(class, field)| (*class, field.html()))
                .collect(),
            public_message: public_message.map(|field| field.html()),
            is_more_open: more.iter().any(is_filled),
            more: html(&more),
            submit: match preview {
                Some((preview, _)) if preview.shown.is_some() => texts.post_public,
                Some(_) | None if is_note => texts.post_note,
                Some(_) | None => texts.post,
            },
            is_main: true,
        }
    }
}

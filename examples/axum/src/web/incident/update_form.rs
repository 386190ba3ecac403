//! The form for updates on the page of an incident.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::StatusCode;
use incident_core::TEXT_BYTES;
use incident_core::actor::{Action, Caller};
use incident_core::incident::{Audience, CancelReason, Incident, Severity, Status};
use incident_core::name::PUBLIC_BYTES;
use incident_core::port::IncidentFilter;
use incident_core::timeline::EntryKind;

use super::acts::next_statuses;
use super::customers::CustomerView;
use super::entry_texts::EntryTexts;
use super::update_texts::UpdateTexts;
use super::words::WordTexts;
use crate::http::escape::Html;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::form::{Choice, Field, FormFields, Summary, new_key};
use crate::web::frame::Frame;

/// Maximum number of incidents that may take another one in, as a menu shows them.
const TARGETS: usize = 100;
/// The reasons of a cancellation.
const CANCEL_REASONS: [CancelReason; 4] = [
    CancelReason::FalsePositive,
    CancelReason::Duplicate,
    CancelReason::External,
    CancelReason::Superseded,
];

/// What a person typed so far, and why it was not sent.
#[derive(Default)]
pub(super) struct UpdateDraft {
    pub(super) fields: FormFields,
    pub(super) problem: Option<Problem>,
    /// What customers will see, with the digest that confirms it.
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

    /// Returns the status of the page that shows it.
    pub(super) fn status(&self) -> StatusCode {
        self.problem
            .as_ref()
            .map_or(StatusCode::OK, Problem::status)
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
    pub(super) public_message: Html,
    pub(super) more: Vec<Html>,
    pub(super) is_more_open: bool,
    pub(super) submit: &'static str,
}

/// What a form is made of.
struct Maker<'a> {
    state: &'a AppState,
    frame: &'a Frame<'a>,
    caller: &'a Caller,
    incident: &'a Incident,
    draft: &'a UpdateDraft,
    texts: &'static UpdateTexts,
    words: &'static WordTexts,
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
    let maker = Maker {
        state,
        frame,
        caller,
        incident,
        draft: &draft,
        texts: UpdateTexts::of(language),
        words: WordTexts::of(language),
    };
    let statuses = next_statuses(state, caller, incident);
    let targets = match statuses.contains(&Status::Merged) {
        true => targets(state, incident).await?,
        false => Vec::new(),
    };
    let mut form = maker.form(&statuses, targets);
    form.preview = draft.preview.map(|(preview, _)| preview);
    Ok(form)
}

/// Returns the live incidents that may take another one in, newest first.
async fn targets(state: &AppState, incident: &Incident) -> Result<Vec<Choice>, Problem> {
    let live = Status::ALL.into_iter().filter(|one| one.is_live());
    let filter = IncidentFilter {
        statuses: live.collect::<BTreeSet<_>>(),
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

impl Maker<'_> {
    fn form(&self, statuses: &[Status], targets: Vec<Choice>) -> UpdateForm {
        let (texts, draft, incident) = (self.texts, self.draft, self.incident);
        let is_note = incident.status.is_final();
        let message = self.message();
        let status = (!statuses.is_empty()).then(|| self.status(statuses));
        let times = self.times();
        let on_status = self.on_status(statuses, targets);
        let public_message = self.public_message();
        let more = self.more();
        let mut all = vec![&message, &public_message];
        all.extend(&status);
        all.extend(&times);
        all.extend(on_status.iter().map(|(_, field)| field));
        all.extend(&more);
        let summary = draft
            .problem
            .as_ref()
            .map(|problem| self.summary(problem, &all));
        let names = more.iter().map(|field| field.name);
        let is_more_open = names
            .into_iter()
            .any(|name| !draft.fields.get(name).is_empty());
        let corrects = draft.fields.get("corrects").trim();
        let html = |fields: Vec<Field>| fields.iter().map(Field::html).collect();
        UpdateForm {
            texts,
            action: self
                .frame
                .link(&format!("/incidents/{}/updates", incident.id)),
            key: self.key(),
            seen: draft
                .preview
                .as_ref()
                .map_or_else(String::new, |(_, seen)| seen.clone()),
            summary,
            preview: None,
            title: if is_note {
                texts.note_title
            } else {
                texts.title
            },
            help: match corrects {
                _ if is_note => Some(texts.note_help.to_owned()),
                "" => None,
                seq => Some(self.frame.fill(texts.correcting, &[("seq", seq)])),
            },
            message: message.html(),
            is_note,
            status: status.map(|field| field.html()),
            times: html(times),
            on_status: on_status
                .iter()
                .map(|(class, field)| (*class, field.html()))
                .collect(),
            public_message: public_message.html(),
            more: html(more),
            is_more_open,
            submit: self.submit(is_note),
        }
    }

    fn submit(&self, is_note: bool) -> &'static str {
        match &self.draft.preview {
            Some((preview, _)) if preview.shown.is_some() => self.texts.post_public,
            _ if is_note => self.texts.post_note,
            _ => self.texts.post,
        }
    }

    /// Returns the key of the form: that of the last try, unless it was used.
    fn key(&self) -> String {
        let was_used = self.draft.problem.as_ref().is_some_and(is_reused);
        match self.draft.fields.get("key") {
            key if !key.is_empty() && !was_used => key.to_owned(),
            _ => new_key(),
        }
    }

    fn summary(&self, problem: &Problem, fields: &[&Field]) -> Html {
        match is_reused(problem) {
            true => Summary::note(self.frame.common, self.texts.already_sent).html(),
            false => Summary::of(self.frame.common, problem, fields).html(),
        }
    }

    /// Sets the value that was sent, and the error about it.
    fn sent(&self, field: Field) -> Field {
        field.from(&self.draft.fields, self.draft.problem.as_ref())
    }

    fn message(&self) -> Field {
        let field = Field::area("message", self.texts.message)
            .hint(self.texts.message_hint)
            .required(self.frame.common)
            .max(TEXT_BYTES);
        self.sent(field)
    }

    fn status(&self, statuses: &[Status]) -> Field {
        let current = self.frame.common.status(self.incident.status);
        let unchanged = self.frame.fill(self.texts.unchanged, &[("value", current)]);
        let others = statuses
            .iter()
            .map(|one| Choice::new(one.name(), self.frame.common.status(*one)));
        let choices = std::iter::once(Choice::new("", &unchanged)).chain(others);
        self.sent(Field::select(
            "status",
            self.texts.status,
            choices.collect(),
        ))
    }

    fn times(&self) -> Vec<Field> {
        let zone = self.frame.times.zone();
        let mut fields = Vec::new();
        if !self.incident.status.is_live() {
            return fields;
        }
        fields.push(self.sent(Field::time("eta", self.texts.eta, &zone)));
        if self.state.incidents().may(self.caller, Action::Change) {
            let next = Field::time("next_update_due_at", self.texts.next_update, &zone);
            fields.push(self.sent(next));
        }
        fields
    }

    fn on_status(&self, statuses: &[Status], targets: Vec<Choice>) -> Vec<(&'static str, Field)> {
        let texts = self.texts;
        let may = |status| statuses.contains(&status);
        let mut fields = Vec::new();
        if self.incident.status == Status::Resolved && may(Status::Investigating) {
            fields.push(("on-investigating", Field::line("reason", texts.reason)));
        }
        if may(Status::Resolved) {
            let zone = format!("{} {}", texts.impact_hint, self.frame.times.zone());
            let field = Field::time("impact_ended_at", texts.impact_ended_at, &zone);
            fields.push(("on-resolved", field));
        }
        let choose = || std::iter::once(Choice::new("", texts.choose));
        if may(Status::Cancelled) {
            let reasons =
                CANCEL_REASONS.map(|one| Choice::new(one.name(), self.words.cancel_reason(one)));
            let choices = choose().chain(reasons).collect();
            let field = Field::select("cancel_reason", texts.cancel_reason, choices);
            fields.push(("on-cancelled", field));
        }
        if may(Status::Merged) {
            let choices = choose().chain(targets).collect();
            let field = Field::select("merged_into", texts.merged_into, choices);
            fields.push(("on-merged", field.hint(texts.merged_hint)));
        }
        let sent = fields.into_iter();
        sent.map(|(class, field)| (class, self.sent(field)))
            .collect()
    }

    fn public_message(&self) -> Field {
        let hint = match self.incident.status_page.public {
            true => self.texts.public_hint_public,
            false => self.texts.public_hint_hidden,
        };
        let field = Field::area("public_message", self.texts.public_message)
            .hint(hint)
            .optional(self.frame.common)
            .max(PUBLIC_BYTES);
        self.sent(field)
    }

    fn more(&self) -> Vec<Field> {
        let (texts, frame) = (self.texts, self.frame);
        let zone = format!("{} {}", texts.occurred_hint, frame.times.zone());
        let mut fields = Vec::new();
        if !self.incident.status.is_final() {
            fields.push(self.severity());
            fields.push(self.kind());
        }
        fields.push(Field::time("occurred_at", texts.occurred_at, &zone));
        if !self.incident.status.is_final() {
            fields.push(Field::line("corrects", texts.corrects));
            let known = EntryTexts::of(frame.reader.language);
            let audiences = [
                Audience::Internal,
                Audience::Customers,
                Audience::Executives,
            ];
            let audiences = audiences.map(|one| {
                let name = serde_json::to_value(one).unwrap_or_default();
                Choice::new(name.as_str().unwrap_or_default(), known.audience(one))
            });
            let nobody = std::iter::once(Choice::new("", texts.comms_nobody));
            let choices = nobody.chain(audiences).collect();
            fields.push(Field::select(
                "comms_audience",
                texts.comms_audience,
                choices,
            ));
            fields.push(Field::line("comms_channel", texts.comms_channel).hint(texts.comms_hint));
        }
        fields.into_iter().map(|field| self.sent(field)).collect()
    }

    fn severity(&self) -> Field {
        let current = self.incident.severity;
        let unchanged = self
            .frame
            .fill(self.texts.unchanged, &[("value", current.name())]);
        let may_lower = self
            .state
            .incidents()
            .may(self.caller, Action::LowerSeverity);
        let others = Severity::ALL
            .into_iter()
            .filter(|one| *one != current && (may_lower || one.is_worse_than(current)));
        let others = others.map(|one| Choice::new(one.name(), one.name()));
        let choices = std::iter::once(Choice::new("", &unchanged)).chain(others);
        Field::select("severity", self.texts.severity, choices.collect())
    }

    fn kind(&self) -> Field {
        let kinds = [
            EntryKind::Update,
            EntryKind::Decision,
            EntryKind::Action,
            EntryKind::Observation,
            EntryKind::Hypothesis,
        ];
        let kinds = kinds.map(|one| {
            let name = serde_json::to_value(one).unwrap_or_default();
            Choice::new(name.as_str().unwrap_or_default(), self.words.kind(one))
        });
        let automatic = std::iter::once(Choice::new("", self.texts.kind_automatic));
        let choices = automatic.chain(kinds).collect();
        Field::select("kind", self.texts.kind, choices)
    }
}

/// Returns `true` if the key of a form was used for another request.
pub(super) fn is_reused(problem: &Problem) -> bool {
    problem.code() == "idempotency_key_reused"
}

//! `/incidents/{id}/affected-users/notified` and `/incidents/{id}/authority/notified`: record that
//! people were notified of lost or leaked data.

use std::sync::Arc;

use axum::extract::State;
use incident_core::actor::{Action, Caller};
use incident_core::engine::{CommandOutcome, Error};
use incident_core::incident::{Command, Incident, LossState};
use incident_core::policy::Trigger;
use incident_core::{IncidentId, PersonName, Statement, TEXT_BYTES, Timestamp};

use super::act_page::{ActDeadline, ActLink, ActPage};
use super::notified_texts::NotifiedTexts;
use crate::http::authorized::Authorized;
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::ExistingIncident;
use crate::requests::incident::NotifiedRequest;
use crate::state::AppState;
use crate::web::countdown::Countdown;
use crate::web::due_texts::DueTexts;
use crate::web::form::{Field, FormFields, JsonBody, Submitted};
use crate::web::frame::Frame;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::times::iso;

/// The field with the state of the notification as the person saw it.
const SEEN: &str = "seen";
/// The value of that field while nothing is recorded.
const OPEN: &str = "open";

/// Those who have to be notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notified {
    /// The users whose data was lost.
    Users,
    /// The authority, of a leak of data.
    Authority,
}

impl Notified {
    /// Returns the address of its page, below that of the incident.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Users => "affected-users/notified",
            Self::Authority => "authority/notified",
        }
    }

    /// Returns those that a clock is about.
    pub(super) const fn of(trigger: Trigger) -> Option<Self> {
        match trigger {
            Trigger::DataLoss => Some(Self::Users),
            Trigger::DataLeak => Some(Self::Authority),
            Trigger::Declared
            | Trigger::Unacknowledged
            | Trigger::Unmitigated
            | Trigger::Unresolved
            | Trigger::InternalUpdate
            | Trigger::PublicUpdate
            | Trigger::ExecutiveUpdate
            | Trigger::PostMortem
            | Trigger::Watch
            | Trigger::FinancialImpact
            | Trigger::CustomerEvent => None,
        }
    }

    /// Returns `true` if there is something of which they are notified.
    pub(super) fn applies(self, incident: &Incident) -> bool {
        match self {
            Self::Users => incident.data_loss_state() == LossState::Confirmed,
            Self::Authority => incident.data_leak_state() != LossState::None,
        }
    }

    /// Returns the time of the first record, and the person who made it.
    fn recorded(self, incident: &Incident) -> Option<(Timestamp, Option<&PersonName>)> {
        let (at, by) = match self {
            Self::Users => (
                incident.affected_users_notified_at,
                &incident.affected_users_notified_by,
            ),
            Self::Authority => (
                incident.authority_notified_at,
                &incident.authority_notified_by,
            ),
        };
        at.map(|at| (at, by.as_ref()))
    }

    /// Returns the state that a person saw, for the form.
    fn seen(self, incident: &Incident) -> String {
        let recorded = self.recorded(incident);
        recorded.map_or_else(|| OPEN.to_owned(), |(at, _)| iso(at))
    }

    const fn command(self, note: Statement) -> Command {
        match self {
            Self::Users => Command::MarkUsersNotified { note },
            Self::Authority => Command::MarkAuthorityNotified { note },
        }
    }

    /// Returns the title of its page, and the words on the way to it.
    pub(super) const fn title(self, texts: &NotifiedTexts) -> &'static str {
        match self {
            Self::Users => texts.users_title,
            Self::Authority => texts.authority_title,
        }
    }

    const fn help(self, texts: &NotifiedTexts) -> &'static str {
        match self {
            Self::Users => texts.users_help,
            Self::Authority => texts.authority_help,
        }
    }

    const fn hint(self, texts: &NotifiedTexts) -> &'static str {
        match self {
            Self::Users => texts.users_hint,
            Self::Authority => texts.authority_hint,
        }
    }

    const fn nothing(self, texts: &NotifiedTexts) -> &'static str {
        match self {
            Self::Users => texts.no_loss,
            Self::Authority => texts.no_leak,
        }
    }
}

/// Returns `true` if a person may export the users whose data an incident lost.
pub(super) fn may_export(state: &AppState, caller: &Caller, incident: &Incident) -> bool {
    state.incidents().may(caller, Action::ExportUsers)
        && state.incidents().has_usage()
        && Notified::Users.applies(incident)
}

/// Handles `GET /incidents/{id}/affected-users/notified`.
pub(crate) async fn show_users(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    authorized: Authorized<permission::Change, IncidentId>,
    _: Params<()>,
) -> WebResult {
    show(&state, &reader, &authorized, Notified::Users).await
}

/// Handles `POST /incidents/{id}/affected-users/notified`.
pub(crate) async fn post_users(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::Change, ExistingIncident>,
) -> WebResult {
    post(&state, &reader, submitted, Notified::Users).await
}

/// Handles `GET /incidents/{id}/authority/notified`.
pub(crate) async fn show_authority(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    authorized: Authorized<permission::Change, IncidentId>,
    _: Params<()>,
) -> WebResult {
    show(&state, &reader, &authorized, Notified::Authority).await
}

/// Handles `POST /incidents/{id}/authority/notified`.
pub(crate) async fn post_authority(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::Change, ExistingIncident>,
) -> WebResult {
    post(&state, &reader, submitted, Notified::Authority).await
}

async fn show(
    state: &AppState,
    reader: &Reader,
    authorized: &Authorized<permission::Change, IncidentId>,
    notified: Notified,
) -> WebResult {
    let form = NotifiedForm::fresh(notified, state, reader, &authorized.context.caller);
    form.respond(authorized.target).await
}

async fn post(
    state: &Arc<AppState>,
    reader: &Reader,
    mut submitted: Submitted<permission::Change, ExistingIncident>,
    notified: Notified,
) -> WebResult {
    // Further entries overwrite nothing; whether somebody else was first is checked below.
    submitted.at_any_version();
    let (sent, ExistingIncident(id)) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let done = match JsonBody::of(&sent).required("note").parse() {
        Ok(NotifiedRequest { note }) => record(state, submitted, notified, note).await,
        Err(problem) => Err(problem),
    };
    match client_problems(done)? {
        Ok(_) => Ok(WebPage::see_other(
            &reader.link(&format!("/incidents/{id}#card-facts")),
        )),
        Err(problem) => {
            let form = NotifiedForm {
                sent,
                problem: Some(problem),
                ..NotifiedForm::fresh(notified, state, reader, &caller)
            };
            form.respond(id).await
        }
    }
}

/// Records a notification, unless somebody else did since the person opened the page.
async fn record(
    state: &AppState,
    submitted: Submitted<permission::Change, ExistingIncident>,
    notified: Notified,
    note: Statement,
) -> Result<CommandOutcome, Problem> {
    let context = submitted.context();
    // A form that is sent twice saw the state before its own first record.
    if state.incidents().remembered(context).await?.is_none() {
        let incident = state.incidents().get(submitted.target.0).await?;
        let seen = submitted.fields.get(SEEN);
        if !seen.is_empty() && seen != notified.seen(&incident) {
            return Err(Error::VersionMismatch.into());
        }
    }
    submitted.act(notified.command(note)).await
}

/// The form as a person left it, and the reason why it was not sent.
struct NotifiedForm<'a> {
    notified: Notified,
    state: &'a AppState,
    reader: &'a Reader,
    caller: &'a Caller,
    sent: FormFields,
    problem: Option<Problem>,
}

impl<'a> NotifiedForm<'a> {
    fn fresh(
        notified: Notified,
        state: &'a AppState,
        reader: &'a Reader,
        caller: &'a Caller,
    ) -> Self {
        Self {
            notified,
            state,
            reader,
            caller,
            sent: FormFields::default(),
            problem: None,
        }
    }

    async fn respond(self, id: IncidentId) -> WebResult {
        let Self {
            notified,
            state,
            reader,
            caller,
            ..
        } = self;
        let incident = state.incidents().get(id).await?;
        let texts = NotifiedTexts::of(reader.language);
        let mut page = ActPage::new(state, reader, caller, &incident, notified.title(texts));
        let applies = notified.applies(&incident);
        if !applies && self.problem.is_none() {
            page.lines.push(notified.nothing(texts).to_owned());
            return page.respond(None);
        }
        page.lines.push(notified.help(texts).to_owned());
        page.deadline = deadline(state, &page.frame, &incident, notified);
        if let Some(known) = record_in_words(&page.frame, &incident, notified, texts.known) {
            page.lines.push(known);
        }
        if notified == Notified::Users && may_export(state, caller, &incident) {
            page.link = Some(ActLink {
                href: page
                    .frame
                    .link(&format!("/incidents/{id}/affected-users/export")),
                text: texts.export,
                help: texts.export_help,
            });
        }
        let problem = self.problem.map(|problem| {
            let why = refusal(&page.frame, &incident, notified, problem.code());
            match why {
                Some(why) => (problem.at("/note", why), true),
                None => (problem, false),
            }
        });
        let is_translated = matches!(problem, Some((_, true)));
        let problem = problem.as_ref().map(|(problem, _)| problem);
        let note = Field::area("note", texts.note)
            .hint(notified.hint(texts))
            .required(page.frame.common)
            .max(TEXT_BYTES)
            .focused()
            .from(&self.sent, problem);
        let note = if is_translated {
            note.translated()
        } else {
            note
        };
        page.seen = notified.seen(&incident);
        page.with_form(&[note], &self.sent, problem, texts.submit)
            .respond(problem)
    }
}

/// Returns the reason why the form was refused, in the language of the reader.
fn refusal(
    frame: &Frame<'_>,
    incident: &Incident,
    notified: Notified,
    code: &str,
) -> Option<String> {
    let texts = NotifiedTexts::of(frame.reader.language);
    match code {
        "version_mismatch" => Some(
            record_in_words(frame, incident, notified, texts.stale)
                .unwrap_or_else(|| texts.withdrawn.to_owned()),
        ),
        "data_loss_not_confirmed" | "data_leak_not_suspected" => {
            Some(notified.nothing(texts).to_owned())
        }
        _ => None,
    }
}

/// Returns a text about the first record, if there is one.
fn record_in_words(
    frame: &Frame<'_>,
    incident: &Incident,
    notified: Notified,
    text: &str,
) -> Option<String> {
    let texts = NotifiedTexts::of(frame.reader.language);
    let (at, by) = notified.recorded(incident)?;
    let person = by.map_or(texts.somebody, PersonName::as_str);
    let time = frame.times.short(at);
    Some(frame.fill(text, &[("person", person), ("time", &time)]))
}

/// Returns the deadline of the clock that runs until they are notified.
fn deadline(
    state: &AppState,
    frame: &Frame<'_>,
    incident: &Incident,
    notified: Notified,
) -> Option<ActDeadline> {
    let language = frame.reader.language;
    let (due, _) = state.incidents().reports().due_of(incident);
    let mut clocks = due.clocks.into_iter();
    let clock = clocks.find(|clock| Notified::of(clock.trigger) == Some(notified))?;
    let at = clock.deadline?;
    let texts = DueTexts::of(language);
    Some(ActDeadline {
        name: NotifiedTexts::of(language).deadline,
        time: Countdown::new(frame, at, texts.overdue, texts.due_in),
        at: frame.times.full(&at),
    })
}

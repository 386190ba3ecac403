//! The fields of the form for updates.

use incident_core::TEXT_BYTES;
use incident_core::actor::{Action, Caller};
use incident_core::incident::{Audience, CancelReason, Incident, Status};
use incident_core::name::PUBLIC_BYTES;
use incident_core::timeline::EntryKind;

use super::acts::severities;
use super::entry_texts::EntryTexts;
use super::update_texts::UpdateTexts;
use super::words::WordTexts;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::form::{Choice, Field, FormFields, wire_word};
use crate::web::frame::Frame;

/// The reasons of a cancellation.
const CANCEL_REASONS: [CancelReason; 4] = [
    CancelReason::FalsePositive,
    CancelReason::Duplicate,
    CancelReason::External,
    CancelReason::Superseded,
];

/// The fields of the form about an incident, as they were sent and with the errors of a problem.
pub(super) struct UpdateFields<'a> {
    pub(super) state: &'a AppState,
    pub(super) frame: &'a Frame<'a>,
    pub(super) caller: &'a Caller,
    pub(super) incident: &'a Incident,
    pub(super) sent: &'a FormFields,
    pub(super) problem: Option<&'a Problem>,
    pub(super) texts: &'static UpdateTexts,
    pub(super) words: &'static WordTexts,
}

impl UpdateFields<'_> {
    /// Sets the value that was sent, and the error about it.
    fn sent(&self, field: Field) -> Field {
        field.from(self.sent, self.problem)
    }

    /// Creates the field for the message to the team.
    pub(super) fn message(&self) -> Field {
        let field = Field::area("message", self.texts.message)
            .hint(self.texts.message_hint)
            .required(self.frame.common)
            .max(TEXT_BYTES);
        self.sent(field)
    }

    /// Creates the menu of statuses.
    pub(super) fn status(&self, statuses: &[Status]) -> Field {
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

    /// Creates the fields for the expected end and the next update.
    pub(super) fn times(&self) -> Vec<Field> {
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

    /// Creates the fields that only some statuses need, each with the class of them.
    pub(super) fn on_status(
        &self,
        statuses: &[Status],
        targets: Vec<Choice>,
    ) -> Vec<(&'static str, Field)> {
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

    /// Creates the field for the text for customers.
    pub(super) fn public_message(&self) -> Field {
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

    /// Creates the fields that are rarely needed.
    pub(super) fn more(&self) -> Vec<Field> {
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
            let audiences = audiences.map(|one| Choice::new(&wire_word(&one), known.audience(one)));
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
        let others = severities(self.state, self.caller, self.incident);
        let others = others.filter(|one| *one != current);
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
        let kinds = kinds.map(|one| Choice::new(&wire_word(&one), self.words.kind(one)));
        let automatic = std::iter::once(Choice::new("", self.texts.kind_automatic));
        let choices = automatic.chain(kinds).collect();
        Field::select("kind", self.texts.kind, choices)
    }
}

//! The form that ticks items of checklists: its note. The buttons of the items stand in the lists,
//! which follow changes while a note is being written.

use incident_core::{ChecklistKey, TEXT_BYTES};

use super::coordination_texts::CoordinationTexts;
use crate::http::escape::Html;
use crate::http::problem::Problem;
use crate::web::form::{Field, FormFields, Summary, form_key};
use crate::web::frame::Frame;

/// The form as a person left it, and the reason why it was not sent.
#[derive(Default)]
pub(super) struct TickDraft {
    pub(super) fields: FormFields,
    pub(super) problem: Option<Problem>,
}

impl TickDraft {
    /// Returns `true` if an item of a list was to be ticked.
    pub(super) fn is_of(&self, list: &ChecklistKey) -> bool {
        let item = self.fields.get("item").split_once('/');
        item.is_some_and(|(named, _)| named == list.as_ref())
    }
}

/// The form.
pub(super) struct TickForm {
    pub(super) key: String,
    pub(super) summary: Option<Html>,
    pub(super) note: Html,
}

impl TickForm {
    /// Creates the form.
    pub(super) fn new(frame: &Frame<'_>, draft: TickDraft) -> Self {
        let texts = CoordinationTexts::of(frame.reader.language);
        let TickDraft { fields, problem } = draft;
        let (problem, is_translated) = match problem {
            Some(problem) => placed(texts, problem),
            None => (None, false),
        };
        let note = Field::line("note", texts.note)
            .hint(texts.tick_hint)
            .optional(frame.common)
            .max(TEXT_BYTES)
            .from(&fields, problem.as_ref());
        let note = if is_translated {
            note.translated()
        } else {
            note
        };
        let summary = problem.as_ref();
        let summary = summary.map(|problem| Summary::of(frame.common, problem, &[&note]).html());
        Self {
            key: form_key(&fields, problem.as_ref()),
            summary,
            note: note.html(),
        }
    }
}

/// Returns a refusal at the field that it is shown beside, and whether it is in the language of the
/// reader.
fn placed(texts: &CoordinationTexts, problem: Problem) -> (Option<Problem>, bool) {
    let is_of_item = problem.errors().iter().any(|one| one.pointer == "/item");
    let text = match texts.refusal(problem.code()) {
        None if is_of_item => Some(texts.no_item),
        known => known,
    };
    match text {
        Some(text) => {
            let problem = Problem::new(problem.status(), problem.code(), problem.detail());
            (Some(problem.at("/note", text)), true)
        }
        None => (Some(problem), false),
    }
}

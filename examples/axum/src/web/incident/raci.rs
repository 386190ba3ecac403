//! The table of who does what, on the page of an incident.

use incident_core::incident::ResponseRole;
use incident_core::response::RACI;

use super::coordination_texts::CoordinationTexts;
use super::words::WordTexts;
use crate::web::language::Language;

/// A row: an activity, and a role with its letters in each cell.
pub(super) struct RaciLine {
    pub(super) activity: &'static str,
    pub(super) cells: Vec<(&'static str, &'static str)>,
}

/// The table.
pub(super) struct RaciView {
    pub(super) roles: Vec<&'static str>,
    pub(super) lines: Vec<RaciLine>,
}

impl RaciView {
    /// Returns the table in a language.
    pub(super) fn of(language: Language) -> Self {
        let (texts, words) = (CoordinationTexts::of(language), WordTexts::of(language));
        let name = |role: ResponseRole| words.response_role(role);
        let line = |row: &incident_core::response::RaciRow| RaciLine {
            activity: texts.activity_word(row.activity),
            cells: row
                .roles()
                .map(|(role, how)| (name(role), how.letters()))
                .collect(),
        };
        Self {
            roles: ResponseRole::ALL.into_iter().map(name).collect(),
            lines: RACI.iter().map(line).collect(),
        }
    }
}

//! Refusals of commands.

use super::Incident;
use crate::ValidationError;

/// The reason for refusing a command. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A value is invalid. **Handling:** show it; the input must change.
    #[error("validation failed")]
    Invalid(#[from] ValidationError),
    /// The state of the incident does not allow this. **Handling:** show it; load the incident
    /// again before sending another command.
    #[error("{detail}")]
    WrongState {
        /// A stable name for programs.
        code: &'static str,
        /// The sentence for people.
        detail: String,
    },
}

pub(super) fn wrong_state(code: &'static str, detail: impl Into<String>) -> Refusal {
    Refusal::WrongState {
        code,
        detail: detail.into(),
    }
}

pub(super) fn ended(incident: &Incident) -> Refusal {
    let status = incident.status;
    let detail = format!("the incident is {status}; only corrections and actions are accepted");
    wrong_state("incident_ended", detail)
}

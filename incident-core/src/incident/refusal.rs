//! Refusals: why a command was not accepted.

use super::Incident;
use crate::ValidationError;

/// Why a command was not accepted. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A value does not fit. **Handling:** show it; the input must change.
    #[error("not acceptable")]
    Invalid(#[from] ValidationError),
    /// The incident is in a state that does not allow this. **Handling:** show
    /// it; load the incident again before asking something else.
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
    let detail = format!("the incident is {status}; it takes corrections and actions only");
    wrong_state("incident_ended", detail)
}

//! Kinds of timeline entries.

use serde::{Deserialize, Serialize};

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The incident was declared.
    Declaration,
    /// An update, with or without a change of status.
    Update,
    /// A responder acknowledged the incident.
    Acknowledgement,
    /// A field has a new value.
    Change,
    /// A decision, such as "19:10 feature X switched off".
    Decision,
    /// Containment, mitigation, root cause, fix.
    Action,
    /// An observation.
    Observation,
    /// An unconfirmed explanation.
    Hypothesis,
    /// A message that was sent.
    Comms,
    /// The outcome of a page.
    PageOutcome,
    /// A request to page again.
    PageRequest,
    /// It was shown to the public, or hidden.
    Visibility,
    /// A post-mortem was linked.
    PostMortem,
    /// A corrected version of an earlier entry.
    Correction,
    /// An item of a checklist was ticked.
    Checklist,
    /// A role changed hands.
    RoleChange,
}

impl EntryKind {
    /// Returns `true` if people may choose it for an update.
    #[must_use]
    pub const fn is_written_by_people(self) -> bool {
        matches!(
            self,
            Self::Update
                | Self::Decision
                | Self::Action
                | Self::Observation
                | Self::Hypothesis
                | Self::Comms
                | Self::Correction
        )
    }
}

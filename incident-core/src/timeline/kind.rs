//! Kinds of timeline entries.

use serde::{Deserialize, Serialize};

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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

/// The kinds that people may choose for an update.
#[cfg(feature = "schemars")]
pub(crate) enum UpdateKind {}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for UpdateKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UpdateKind".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut kinds = EntryKind::ALL.to_vec();
        kinds.retain(|kind| kind.is_written_by_people());
        schemars::json_schema!({
            "type": "string",
            "description": "A kind of entry that people write.",
            "enum": kinds,
        })
    }
}

impl EntryKind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
        Self::Declaration,
        Self::Update,
        Self::Acknowledgement,
        Self::Change,
        Self::Decision,
        Self::Action,
        Self::Observation,
        Self::Hypothesis,
        Self::Comms,
        Self::PageOutcome,
        Self::PageRequest,
        Self::Visibility,
        Self::PostMortem,
        Self::Correction,
        Self::Checklist,
        Self::RoleChange,
    ];

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

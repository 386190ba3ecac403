//! Small vocabularies of an incident: mode, source, roles, optional facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::incident::{Level, Priority};
use crate::{
    HttpsUrl, IncidentId, Money, Name, Percent, PersonName, Text, Timestamp, ValidationError,
};

/// The mode of an incident: live, entered afterwards, or an exercise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Happening now.
    #[default]
    Live,
    /// Entered afterwards: pages no one, starts no clocks, counts for the SLA.
    Retrospective,
    /// An exercise: pages only on request, is never published and never billed.
    Drill,
}

impl Mode {
    /// Returns its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Retrospective => "retrospective",
            Self::Drill => "drill",
        }
    }
}

/// The source of the report that led to an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Monitoring fired.
    Monitoring,
    /// A customer reported it.
    Customer,
    /// A member of the team noticed it.
    #[default]
    Team,
    /// A partner reported it.
    Partner,
    /// A suggestion of the correlation engine was followed.
    Suggestion,
}

/// A role in the response to one incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResponseRole {
    /// Leads; exactly one live holder.
    IncidentCommander,
    /// Investigates.
    TechLead,
    /// Informs.
    Communicator,
    /// Writes the timeline.
    Scribe,
    /// Knows the subject.
    SubjectMatterExpert,
    /// Helps.
    Responder,
}

/// A role held by a person for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct RoleAssignment {
    /// The role.
    pub role: ResponseRole,
    /// The holder.
    pub person: PersonName,
    /// Start of the assignment.
    pub assumed_at: Timestamp,
    /// End of the assignment; absent while held.
    pub renounced_at: Option<Timestamp>,
}

/// The reason for a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Nothing was wrong.
    FalsePositive,
    /// It was already declared.
    Duplicate,
    /// The problem is not ours.
    External,
    /// Overtaken by something else.
    Superseded,
}

impl CancelReason {
    /// Returns its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FalsePositive => "false_positive",
            Self::Duplicate => "duplicate",
            Self::External => "external",
            Self::Superseded => "superseded",
        }
    }

    /// Parses the name of a reason.
    ///
    /// # Errors
    /// Fails if the text is none of the four names.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        match text {
            "false_positive" => Ok(Self::FalsePositive),
            "duplicate" => Ok(Self::Duplicate),
            "external" => Ok(Self::External),
            "superseded" => Ok(Self::Superseded),
            _ => Err(ValidationError::new(
                "reason",
                "one of false_positive, duplicate, external, superseded",
            )),
        }
    }
}

/// The part of the platform that is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All of it.
    All,
    /// Some regions.
    Regions,
    /// Some segments of customers.
    Segments,
}

impl Scope {
    /// Returns its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Regions => "regions",
            Self::Segments => "segments",
        }
    }
}

/// The state of knowledge about lost or leaked data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LossState {
    /// It did not happen.
    None,
    /// It may have happened.
    Suspected,
    /// It happened.
    Confirmed,
}

/// Lost data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataLoss {
    /// The state of knowledge.
    pub state: LossState,
    /// The data concerned, and how the loss is known.
    #[serde(default)]
    pub note: Option<Text>,
}

/// Data that others could read who had no right to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataLeak {
    /// The state of knowledge.
    pub state: LossState,
    /// The data concerned, and how the leak is known.
    #[serde(default)]
    pub note: Option<Text>,
}

/// The link to a post-mortem, and who recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostMortem {
    /// Address of the document.
    pub url: HttpsUrl,
    /// The actor who linked it.
    pub linked_by: Actor,
    /// Time at which it was linked.
    pub linked_at: Timestamp,
}

/// The ending of an incident that turned out not to be one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Cancelled for a reason.
    Cancelled(CancelReason),
    /// Merged into another incident.
    MergedInto(IncidentId),
}

/// Optional facts that messages, rules and post-mortems use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Facts {
    /// Free labels.
    pub labels: BTreeMap<Name, Text>,
    /// The symptom.
    pub symptom: Option<Text>,
    /// The effect on users.
    pub impact_text: Option<Text>,
    /// The part of the platform that is hit.
    pub scope: Option<Scope>,
    /// The cause.
    pub cause: Option<Text>,
    /// The resolution.
    pub resolution: Option<Text>,
    /// The next steps.
    pub next_steps: Option<Text>,
    /// Lost data.
    pub data_loss: Option<DataLoss>,
    /// Leaked data.
    pub data_leak: Option<DataLeak>,
    /// If `true`, it blocks a paying customer on the day of their event.
    pub customer_event_day: Option<bool>,
    /// The share of users hit, as estimated by a person.
    pub users_hit_percent: Option<Percent>,
    /// Revenue lost per hour, as estimated by a person.
    pub revenue_per_hour: Option<Money>,
    /// Impact on users, for the priority.
    pub impact: Option<Level>,
    /// Urgency, for the priority.
    pub urgency: Option<Level>,
    /// A class of failures, used to find recurring ones.
    pub failure_class: Option<Name>,
    /// The channel of the team's chat.
    pub channel: Option<Name>,
    /// Address of the call that the team is on.
    pub bridge_url: Option<HttpsUrl>,
    /// Time of the post-mortem meeting; it may be in the future.
    pub post_mortem_at: Option<Timestamp>,
    /// The supplier's ticket or incident.
    pub vendor_reference: Option<Name>,
}

impl Facts {
    /// Returns the priority if impact and urgency are both known.
    #[must_use]
    pub fn priority(&self) -> Option<Priority> {
        Some(Priority::of(self.impact?, self.urgency?))
    }
}

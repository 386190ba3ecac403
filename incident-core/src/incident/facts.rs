//! Small vocabularies of an incident: mode, source, roles, optional facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::incident::{Level, Priority};
use crate::{
    HttpsUrl, IncidentId, Money, Name, Percent, PersonName, Text, Timestamp, ValidationError,
};

/// Whether an incident is happening, entered afterwards, or an exercise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Happening now.
    #[default]
    Live,
    /// Entered afterwards: pages nobody, runs no clocks, counts for SLA.
    Retrospective,
    /// An exercise: pages only when asked, is never published and never billed.
    Drill,
}

impl Mode {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Retrospective => "retrospective",
            Self::Drill => "drill",
        }
    }
}

/// Where an incident came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Monitoring fired.
    Monitoring,
    /// A customer reported it.
    Customer,
    /// Somebody of the team saw it.
    #[default]
    Team,
    /// A partner reported it.
    Partner,
    /// A suggestion of the correlation engine was followed.
    Suggestion,
}

/// A role in the response to one incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// Who holds a role, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// The role.
    pub role: ResponseRole,
    /// Who holds it.
    pub person: PersonName,
    /// Since when.
    pub assumed_at: Timestamp,
    /// Until when; absent while held.
    pub renounced_at: Option<Timestamp>,
}

/// Why an incident was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Nothing was wrong.
    FalsePositive,
    /// Somebody had declared it already.
    Duplicate,
    /// Not ours.
    External,
    /// Overtaken by something else.
    Superseded,
}

impl CancelReason {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FalsePositive => "false_positive",
            Self::Duplicate => "duplicate",
            Self::External => "external",
            Self::Superseded => "superseded",
        }
    }

    /// Reads the name of a reason.
    ///
    /// # Errors
    /// None of the four.
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

/// What part of the platform is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Regions => "regions",
            Self::Segments => "segments",
        }
    }
}

/// Whether data was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossState {
    /// None.
    None,
    /// Perhaps.
    Suspected,
    /// Yes.
    Confirmed,
}

/// What is known about lost data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataLoss {
    /// Whether data was lost.
    pub state: LossState,
    /// What, and how that is known.
    #[serde(default)]
    pub note: Option<Text>,
}

/// The link to a post-mortem, with who recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostMortem {
    /// Where the document lies.
    pub url: HttpsUrl,
    /// Who linked it.
    pub linked_by: Actor,
    /// When.
    pub linked_at: Timestamp,
}

/// How an incident ended without being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Cancelled for a reason.
    Cancelled(CancelReason),
    /// Merged into another incident.
    MergedInto(IncidentId),
}

/// Optional facts that messages, rules and post-mortems use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Free labels.
    pub labels: BTreeMap<Name, Text>,
    /// What is seen to go wrong.
    pub symptom: Option<Text>,
    /// What that means for users.
    pub impact_text: Option<Text>,
    /// What part of the platform.
    pub scope: Option<Scope>,
    /// Why it happened.
    pub cause: Option<Text>,
    /// What ended it.
    pub resolution: Option<Text>,
    /// What is done next.
    pub next_steps: Option<Text>,
    /// Whether data was lost.
    pub data_loss: Option<DataLoss>,
    /// The share of users hit, as somebody judged it.
    pub users_hit_percent: Option<Percent>,
    /// Revenue lost per hour, as somebody judged it.
    pub revenue_per_hour: Option<Money>,
    /// Impact on users, for the priority.
    pub impact: Option<Level>,
    /// Urgency, for the priority.
    pub urgency: Option<Level>,
    /// A class of failures, to find those that recur.
    pub failure_class: Option<Name>,
}

impl Facts {
    /// The priority, where impact and urgency are both known.
    #[must_use]
    pub fn priority(&self) -> Option<Priority> {
        Some(Priority::of(self.impact?, self.urgency?))
    }
}

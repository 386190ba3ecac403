//! Who acts, in which role, and what a role may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{PersonName, ValidationError};

/// What kind of actor did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A human.
    Person,
    /// A part of the host's own platform.
    Service,
    /// An outside system: monitoring, a pager.
    Integration,
}

/// Who does something. The host authenticates; the library records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// Person, service or integration.
    pub kind: ActorKind,
    /// The name the host knows it by.
    pub name: PersonName,
}

impl Actor {
    /// A person.
    #[must_use]
    pub const fn person(name: PersonName) -> Self {
        Self {
            kind: ActorKind::Person,
            name,
        }
    }
}

/// A role the host gives to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads everything but the audit.
    Viewer,
    /// Works on incidents.
    Responder,
    /// Leads: closes, cancels, merges, reopens, lowers a severity.
    Commander,
    /// A viewer who reads the audit and decides about credits.
    Billing,
    /// May do all, redaction included.
    Admin,
}

impl Role {
    /// Every role, with its name.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Viewer, "viewer"),
        (Self::Responder, "responder"),
        (Self::Commander, "commander"),
        (Self::Billing, "billing"),
        (Self::Admin, "admin"),
    ];
}

impl FromStr for Role {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        Self::ALL
            .into_iter()
            .find_map(|(role, name)| (name == text).then_some(role))
            .ok_or_else(|| {
                ValidationError::new(
                    "role",
                    "one of viewer, responder, commander, billing, admin",
                )
            })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL
            .into_iter()
            .find_map(|(role, name)| (role == *self).then_some(name));
        f.write_str(name.unwrap_or_default())
    }
}

/// An actor together with the role the host found for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Who it is.
    pub actor: Actor,
    /// In which role.
    pub role: Role,
}

impl Caller {
    /// A person in a role.
    ///
    /// ```
    /// use incident_core::actor::{Caller, Role};
    ///
    /// let anna = Caller::person("anna".parse()?, Role::Responder);
    /// # Ok::<(), incident_core::ValidationError>(())
    /// ```
    #[must_use]
    pub const fn person(name: PersonName, role: Role) -> Self {
        Self {
            actor: Actor::person(name),
            role,
        }
    }
}

/// Something that needs a right. Names are those of the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Read incidents, timelines, reports.
    Read,
    /// Read and verify the audit trail.
    ReadAudit,
    /// Declare an incident.
    Declare,
    /// Declare a SEV1 or SEV2 that pages nobody.
    DeclareUnpaged,
    /// Acknowledge an incident.
    Acknowledge,
    /// Write an update, with or without a change of status.
    Update,
    /// Change fields.
    Change,
    /// Lower a severity.
    LowerSeverity,
    /// Show an incident to the public, or hide it.
    Publish,
    /// Link a post-mortem.
    LinkPostMortem,
    /// Page on-call again.
    Page,
    /// Close.
    Close,
    /// Cancel.
    Cancel,
    /// Merge into another incident.
    Merge,
    /// Reopen a resolved incident.
    Reopen,
    /// Correct an incident that has ended.
    CorrectEnded,
    /// Say that an outage touches more months than one incident does.
    LongOutage,
    /// Erase the free text of an entry.
    Redact,
    /// Send a suggestion or an alert.
    Suggest,
    /// Send usage events.
    RecordUsage,
    /// Approve or waive a credit.
    DecideCredit,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 21] = [
        Self::Read,
        Self::ReadAudit,
        Self::Declare,
        Self::DeclareUnpaged,
        Self::Acknowledge,
        Self::Update,
        Self::Change,
        Self::LowerSeverity,
        Self::Publish,
        Self::LinkPostMortem,
        Self::Page,
        Self::Close,
        Self::Cancel,
        Self::Merge,
        Self::Reopen,
        Self::CorrectEnded,
        Self::LongOutage,
        Self::Redact,
        Self::Suggest,
        Self::RecordUsage,
        Self::DecideCredit,
    ];

    /// The name used in audit entries.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadAudit => "read_audit",
            Self::Declare => "declare",
            Self::DeclareUnpaged => "declare_unpaged",
            Self::Acknowledge => "acknowledge",
            Self::Update => "update",
            Self::Change => "change",
            Self::LowerSeverity => "lower_severity",
            Self::Publish => "publish",
            Self::LinkPostMortem => "link_post_mortem",
            Self::Page => "page",
            Self::Close => "close",
            Self::Cancel => "cancel",
            Self::Merge => "merge",
            Self::Reopen => "reopen",
            Self::CorrectEnded => "correct_ended",
            Self::LongOutage => "long_outage",
            Self::Redact => "redact",
            Self::Suggest => "suggest",
            Self::RecordUsage => "record_usage",
            Self::DecideCredit => "decide_credit",
        }
    }
}

const RESPONDER: [Action; 9] = [
    Action::Declare,
    Action::Acknowledge,
    Action::Update,
    Action::Change,
    Action::Publish,
    Action::LinkPostMortem,
    Action::Page,
    Action::Suggest,
    Action::RecordUsage,
];

const COMMANDER: [Action; 9] = [
    Action::ReadAudit,
    Action::DeclareUnpaged,
    Action::LowerSeverity,
    Action::Close,
    Action::Cancel,
    Action::Merge,
    Action::Reopen,
    Action::CorrectEnded,
    Action::LongOutage,
];

/// Which role may do what. The default is the shipped table; a host grants and
/// revokes, or starts from [`Permissions::none`].
///
/// ```
/// use incident_core::actor::{Action, Permissions, Role};
/// let table = Permissions::default().grant(Role::Responder, Action::Close);
/// assert!(table.allows(Role::Responder, Action::Close));
/// assert!(!table.allows(Role::Viewer, Action::Declare));
/// assert!(table.allows(Role::Admin, Action::Redact));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions(BTreeSet<(Role, Action)>);

impl Permissions {
    /// A table in which nobody may do anything but the admin, who may do all.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Also allows `role` to do `action`.
    #[must_use]
    pub fn grant(mut self, role: Role, action: Action) -> Self {
        self.0.insert((role, action));
        self
    }

    /// No longer allows `role` to do `action`.
    #[must_use]
    pub fn revoke(mut self, role: Role, action: Action) -> Self {
        self.0.remove(&(role, action));
        self
    }

    /// Whether `role` may do `action`. An admin may do all.
    #[must_use]
    pub fn allows(&self, role: Role, action: Action) -> bool {
        role == Role::Admin || self.0.contains(&(role, action))
    }
}

impl Default for Permissions {
    fn default() -> Self {
        let mut table = BTreeSet::new();
        for role in [
            Role::Viewer,
            Role::Responder,
            Role::Commander,
            Role::Billing,
        ] {
            table.insert((role, Action::Read));
        }
        for action in RESPONDER {
            table.insert((Role::Responder, action));
            table.insert((Role::Commander, action));
        }
        for action in COMMANDER {
            table.insert((Role::Commander, action));
        }
        table.insert((Role::Billing, Action::ReadAudit));
        table.insert((Role::Billing, Action::DecideCredit));
        Self(table)
    }
}

//! Actors, their roles, and the actions that a role allows.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{PersonName, ValidationError};

/// The kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A human.
    Person,
    /// A part of the host's own platform.
    Service,
    /// An outside system, such as monitoring or a pager.
    Integration,
}

/// The author of an action. The host authenticates it; the library records it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// Person, service or integration.
    pub kind: ActorKind,
    /// The name by which the host knows the actor.
    pub name: PersonName,
}

impl Actor {
    /// Returns the policy as an actor: a service that decides by its rules.
    pub(crate) fn policy() -> Self {
        Self {
            kind: ActorKind::Service,
            name: PersonName::policy(),
        }
    }

    /// Returns `true` if it is the policy, which acts by its rules.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        *self == Self::policy()
    }

    /// Creates an actor that is a person.
    #[must_use]
    pub const fn person(name: PersonName) -> Self {
        Self {
            kind: ActorKind::Person,
            name,
        }
    }
}

/// A role that the host gives to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads everything except the audit trail.
    Viewer,
    /// Works on incidents.
    Responder,
    /// Leads the response: closes, cancels, merges, reopens, lowers a severity.
    Commander,
    /// Reads what a viewer reads and the audit trail, and decides about credits.
    Billing,
    /// May do everything, redaction included.
    Admin,
}

impl Role {
    /// All roles, each with its name.
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

/// An actor together with the role that the host found for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The actor.
    pub actor: Actor,
    /// The role of the actor.
    pub role: Role,
}

impl Caller {
    /// Creates a caller that is a person in a role.
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

/// An action that needs a right, under the name that the audit trail uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Reading incidents, timelines and reports.
    Read,
    /// Reading and verifying the audit trail.
    ReadAudit,
    /// Declaring an incident.
    Declare,
    /// Declaring a SEV1 or SEV2 that does not page.
    DeclareUnpaged,
    /// Acknowledging an incident.
    Acknowledge,
    /// Writing an update, with or without a change of status.
    Update,
    /// Changing fields.
    Change,
    /// Lowering a severity.
    LowerSeverity,
    /// Showing an incident to the public, or hiding it.
    Publish,
    /// Linking a post-mortem.
    LinkPostMortem,
    /// Paging on-call again.
    Page,
    /// Closing an incident.
    Close,
    /// Cancelling an incident.
    Cancel,
    /// Merging an incident into another one.
    Merge,
    /// Reopening a resolved incident.
    Reopen,
    /// Correcting an incident that has ended.
    CorrectEnded,
    /// Declaring or entering an outage that touches more months than one incident usually may.
    LongOutage,
    /// Erasing the free text of an entry.
    Redact,
    /// Sending a suggestion or an alert.
    Suggest,
    /// Dismissing a suggestion.
    DismissSuggestion,
    /// Sending usage events.
    RecordUsage,
    /// Approving or waiving a credit.
    DecideCredit,
    /// Exporting the names of the users whose data was lost.
    ExportUsers,
    /// Taking a role in the response from its holder.
    OverrideRole,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 24] = [
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
        Self::DismissSuggestion,
        Self::RecordUsage,
        Self::DecideCredit,
        Self::ExportUsers,
        Self::OverrideRole,
    ];

    /// Returns the name that audit entries use.
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
            Self::DismissSuggestion => "dismiss_suggestion",
            Self::RecordUsage => "record_usage",
            Self::DecideCredit => "decide_credit",
            Self::ExportUsers => "export_users",
            Self::OverrideRole => "override_role",
        }
    }
}

const RESPONDER: [Action; 10] = [
    Action::Declare,
    Action::Acknowledge,
    Action::Update,
    Action::Change,
    Action::Publish,
    Action::LinkPostMortem,
    Action::Page,
    Action::Suggest,
    Action::DismissSuggestion,
    Action::RecordUsage,
];

const COMMANDER: [Action; 11] = [
    Action::ReadAudit,
    Action::DeclareUnpaged,
    Action::LowerSeverity,
    Action::Close,
    Action::Cancel,
    Action::Merge,
    Action::Reopen,
    Action::CorrectEnded,
    Action::LongOutage,
    Action::ExportUsers,
    Action::OverrideRole,
];

/// The actions that each role may do.
///
/// The default is the shipped table; a host grants and revokes, or starts from
/// [`Permissions::none`].
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
    /// Creates a table that allows everything to the admin and nothing to any other role.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Adds the right of `role` to do `action`.
    #[must_use]
    pub fn grant(mut self, role: Role, action: Action) -> Self {
        self.0.insert((role, action));
        self
    }

    /// Removes the right of `role` to do `action`.
    #[must_use]
    pub fn revoke(mut self, role: Role, action: Action) -> Self {
        self.0.remove(&(role, action));
        self
    }

    /// Returns whether `role` may do `action`. An admin may do everything.
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

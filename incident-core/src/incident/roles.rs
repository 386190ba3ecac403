//! Roles in the response to an incident: their holders, and the steps by which they change hands.

use serde::{Deserialize, Serialize};

use super::{ResponseRole, RoleAssignment, State};
use crate::{PersonName, Statement, Timestamp};

/// Maximum number of times that a person assumes a role of one incident.
pub const MAX_ROLE_INTERVALS: usize = 200;

impl ResponseRole {
    /// All roles, the leading one first.
    pub const ALL: [Self; 6] = [
        Self::IncidentCommander,
        Self::TechLead,
        Self::Communicator,
        Self::Scribe,
        Self::SubjectMatterExpert,
        Self::Responder,
    ];

    /// Returns its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IncidentCommander => "incident_commander",
            Self::TechLead => "tech_lead",
            Self::Communicator => "communicator",
            Self::Scribe => "scribe",
            Self::SubjectMatterExpert => "subject_matter_expert",
            Self::Responder => "responder",
        }
    }

    /// Returns `true` if at most one person holds it at a time.
    #[must_use]
    pub const fn has_one_holder(self) -> bool {
        !matches!(self, Self::SubjectMatterExpert | Self::Responder)
    }

    /// Returns its name in a sentence.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::IncidentCommander => "incident commander",
            Self::TechLead => "tech lead",
            Self::Communicator => "communicator",
            Self::Scribe => "scribe",
            Self::SubjectMatterExpert => "subject-matter expert",
            Self::Responder => "responder",
        }
    }
}

/// A step by which a role changes hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoleStep {
    /// A person begins to hold it.
    Assume,
    /// Its holder gives it to another person.
    HandOver,
    /// Its holder gives it up.
    Renounce,
}

/// A change of a role. Serde reads it from the body of a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    /// The step.
    pub action: RoleStep,
    /// The role.
    pub role: ResponseRole,
    /// The person who assumes, hands over or renounces it. If absent: the caller; for a handover of
    /// a role with one holder, its holder.
    pub person: Option<PersonName>,
    /// The person who takes it over; needed for a handover, and only for one.
    pub to: Option<PersonName>,
    /// A note for the timeline; needed for a handover.
    pub note: Option<Statement>,
}

/// A role that changed hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleChanged {
    /// The role.
    pub role: ResponseRole,
    /// The person who no longer holds it.
    pub from: Option<PersonName>,
    /// The person who holds it from now on.
    pub to: Option<PersonName>,
    /// The note.
    pub note: Option<Statement>,
}

impl RoleChanged {
    /// Returns the sentence of its entry.
    pub(crate) fn sentence(&self) -> String {
        let role = self.role.noun();
        let mut sentence = match (&self.from, &self.to) {
            (Some(from), Some(to)) => format!("{from} handed the role {role} over to {to}"),
            (None, Some(to)) => format!("{to} assumed the role {role}"),
            (Some(from), None) => format!("{from} renounced the role {role}"),
            (None, None) => format!("the role {role} is as it was"),
        };
        if let Some(note) = &self.note {
            sentence.push_str(&format!("\nNote: {note}"));
        }
        sentence
    }
}

impl State {
    /// Lists the present holders of a role, in the order in which they assumed it.
    pub fn holders(&self, role: ResponseRole) -> impl Iterator<Item = &PersonName> {
        let held = self.roles.iter().filter(move |one| one.role == role);
        held.filter(|one| one.renounced_at.is_none())
            .map(|one| &one.person)
    }

    /// Returns the incident commander at present; none until a person assumes the role.
    #[must_use]
    pub fn commander(&self) -> Option<&PersonName> {
        self.holders(ResponseRole::IncidentCommander).next()
    }

    /// Returns `true` if a person holds a role at present.
    #[must_use]
    pub fn holds(&self, person: &PersonName, role: ResponseRole) -> bool {
        self.holders(role).any(|one| one == person)
    }

    /// Ends one interval and begins another, as far as the change has them.
    pub(super) fn change_role(&mut self, change: &RoleChanged, now: Timestamp) {
        if let Some(from) = &change.from {
            let mut held = self.roles.iter_mut();
            let held = held.find(|one| {
                one.role == change.role && one.person == *from && one.renounced_at.is_none()
            });
            if let Some(held) = held {
                // A clock that steps back must not end an interval before its start.
                held.renounced_at = Some(now.max(held.assumed_at));
            }
        }
        self.roles
            .extend(change.to.clone().map(|person| RoleAssignment {
                role: change.role,
                person,
                assumed_at: now,
                renounced_at: None,
            }));
    }

    /// Makes the first person who acknowledges the responder, where there is none.
    pub(super) fn respond(&mut self, person: &PersonName, now: Timestamp) {
        if self.responder.is_some() {
            return;
        }
        self.responder = Some(person.clone());
        let role = ResponseRole::Responder;
        if !self.holds(person, role) && self.roles.len() < MAX_ROLE_INTERVALS {
            let change = RoleChanged {
                role,
                from: None,
                to: Some(person.clone()),
                note: None,
            };
            self.change_role(&change, now);
        }
    }
}

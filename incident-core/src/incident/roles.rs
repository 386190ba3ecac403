//! Roles in the response to an incident: their holders, and the steps by which they change hands.

use serde::{Deserialize, Serialize};

use super::limits::{self, MAX_ROLE_INTERVALS};
use super::refusal::{ended, wrong_state};
use super::{Event, Incident, Refusal, ResponseRole, RoleAssignment, State};
use crate::actor::{Actor, ActorKind};
use crate::{PersonName, Statement, Timestamp, ValidationError};

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
    const fn noun(self) -> &'static str {
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

/// Returns `true` if a change takes a role from its holder, and the caller neither is that holder
/// nor leads the response.
pub(super) fn overrides_holder(incident: &Incident, change: &ChangeRole, by: &Actor) -> bool {
    let Ok(from) = giver(incident, change, by) else {
        return false;
    };
    let leads = by.kind == ActorKind::Person && incident.commander() == Some(&by.name);
    let holds = by.kind == ActorKind::Person && from == by.name;
    change.action != RoleStep::Assume && !holds && !leads
}

/// Decides a change of a role. The right to take it from another person was checked before.
pub(super) fn change_role(
    incident: &Incident,
    change: &ChangeRole,
    by: &Actor,
) -> Result<Vec<Event>, Refusal> {
    if incident.status.is_final() {
        return Err(ended(incident));
    }
    if change.to.is_some() && change.action != RoleStep::HandOver {
        let expected = "no value, because only a handover has one";
        return Err(ValidationError::new("to", expected).into());
    }
    let changed = match change.action {
        RoleStep::Assume => assume(incident, change, by)?,
        RoleStep::HandOver => hand_over(incident, change, by)?,
        RoleStep::Renounce => renounce(incident, change, by)?,
    };
    if changed.to.is_some() {
        room(incident, change, &changed)?;
    }
    Ok(vec![Event::RoleChanged(changed)])
}

fn assume(incident: &Incident, change: &ChangeRole, by: &Actor) -> Result<RoleChanged, Refusal> {
    let person = named_or_self(change, by)?;
    not_held(incident, change.role, &person)?;
    let holder = incident.holders(change.role).next();
    if let Some(holder) = holder.filter(|_| change.role.has_one_holder()) {
        let detail = format!(
            "{holder} is the {} of this incident; hand the role over instead",
            change.role.noun()
        );
        return Err(wrong_state("role_held", detail));
    }
    Ok(RoleChanged {
        role: change.role,
        from: None,
        to: Some(person),
        note: change.note.clone(),
    })
}

fn hand_over(incident: &Incident, change: &ChangeRole, by: &Actor) -> Result<RoleChanged, Refusal> {
    let to = change.to.clone();
    let to = to.ok_or_else(|| ValidationError::new("to", "the person who takes the role over"))?;
    let from = holding(incident, change, by)?;
    if from == to {
        let expected = "another person than the one who holds the role";
        return Err(ValidationError::new("to", expected).into());
    }
    not_held(incident, change.role, &to)?;
    if change.note.is_none() {
        let expected = "a note for the person who takes the role over";
        return Err(ValidationError::new("note", expected).into());
    }
    Ok(RoleChanged {
        role: change.role,
        from: Some(from),
        to: Some(to),
        note: change.note.clone(),
    })
}

fn renounce(incident: &Incident, change: &ChangeRole, by: &Actor) -> Result<RoleChanged, Refusal> {
    let from = holding(incident, change, by)?;
    if change.role == ResponseRole::IncidentCommander && incident.status.is_live() {
        let detail = "an active incident keeps its incident commander; hand the role over instead";
        return Err(wrong_state("commander_needed", detail));
    }
    Ok(RoleChanged {
        role: change.role,
        from: Some(from),
        to: None,
        note: change.note.clone(),
    })
}

fn named_or_self(change: &ChangeRole, by: &Actor) -> Result<PersonName, ValidationError> {
    match (&change.person, by.kind) {
        (Some(person), _) => Ok(person.clone()),
        (None, ActorKind::Person) => Ok(by.name.clone()),
        (None, ActorKind::Service | ActorKind::Integration) => Err(ValidationError::new(
            "person",
            "the name of a person, because the caller is not one",
        )),
    }
}

/// Returns the person who gives a role up or hands it over, who may not hold it.
fn giver(
    incident: &Incident,
    change: &ChangeRole,
    by: &Actor,
) -> Result<PersonName, ValidationError> {
    let sole = incident
        .holders(change.role)
        .next()
        .filter(|_| change.role.has_one_holder() && change.action == RoleStep::HandOver);
    match (&change.person, sole) {
        (None, Some(holder)) => Ok(holder.clone()),
        (Some(_) | None, _) => named_or_self(change, by),
    }
}

fn holding(incident: &Incident, change: &ChangeRole, by: &Actor) -> Result<PersonName, Refusal> {
    let from = giver(incident, change, by)?;
    if incident.holds(&from, change.role) {
        return Ok(from);
    }
    let detail = format!(
        "{from} is not the {} of this incident; only a role that is held can be handed over or renounced",
        change.role.noun()
    );
    Err(wrong_state("role_not_held", detail))
}

fn not_held(incident: &Incident, role: ResponseRole, person: &PersonName) -> Result<(), Refusal> {
    if incident.holds(person, role) {
        let detail = format!("{person} holds the role {} already", role.noun());
        return Err(wrong_state("role_held_already", detail));
    }
    Ok(())
}

/// Checks that the incident has room for one more interval.
fn room(incident: &Incident, change: &ChangeRole, changed: &RoleChanged) -> Result<(), Refusal> {
    if incident.roles.len() >= MAX_ROLE_INTERVALS {
        let detail = format!(
            "the roles of this incident changed hands {MAX_ROLE_INTERVALS} times, the maximum"
        );
        return Err(wrong_state("too_many_role_changes", detail));
    }
    let mut after = State::clone(incident);
    after.change_role(changed, incident.last_recorded_at);
    let checked = limits::size(Some(incident), &after, &["person"]);
    let field = match change.action {
        RoleStep::HandOver => "to",
        RoleStep::Assume | RoleStep::Renounce => "person",
    };
    Ok(checked.map_err(|wrong| wrong.at(field))?)
}

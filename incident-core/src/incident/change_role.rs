//! Decisions on changes of roles.

use super::limits;
use super::refusal::{ended, wrong_state};
use super::roles::{ChangeRole, MAX_ROLE_INTERVALS, RoleChanged, RoleStep};
use super::{Event, Incident, Refusal, ResponseRole, State};
use crate::actor::{Actor, ActorKind};
use crate::{PersonName, ValidationError};

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

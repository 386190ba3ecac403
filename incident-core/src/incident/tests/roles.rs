//! Roles in the response: who may hold one, and how it changes hands.

use std::time::Duration;

use super::resolved;
use crate::actor::{Action, Actor, ActorKind};
use crate::incident::limits::MAX_ROLE_INTERVALS;
use crate::incident::{
    ChangeRole, Command, Event, Incident, Refusal, ResponseRole, RoleAssignment, RoleStep, Status,
    decide, rights_for,
};
use crate::policy::Policy;
use crate::testing::an_incident;
use crate::timeline::{EntryDraft, EntryKind};
use crate::{PersonName, Statement, Timestamp};

fn person(name: &str) -> PersonName {
    PersonName::new(name).unwrap()
}

fn actor(name: &str) -> Actor {
    Actor::person(person(name))
}

/// Reads `step role [person=..] [to=..] [note=..]`.
fn change(text: &str) -> ChangeRole {
    let mut words = text.split(' ');
    let step = words.next().unwrap();
    let role = words.next().unwrap();
    let mut json = serde_json::json!({"action": step, "role": role});
    for word in words {
        let (field, value) = word.split_once('=').unwrap();
        json[field] = value.into();
    }
    serde_json::from_value(json).unwrap()
}

fn step(incident: &mut Incident, by: &Actor, text: &str) -> Result<(), String> {
    let now = incident
        .last_recorded_at
        .saturating_add(Duration::from_secs(60));
    let command = Command::ChangeRole(Box::new(change(text)));
    if rights_for(incident, &command, by).contains(&Action::OverrideRole) {
        return Err("override_role".to_owned());
    }
    forced(incident, by, text, now)
}

/// Runs a command whose rights are not in question.
fn forced(incident: &mut Incident, by: &Actor, text: &str, now: Timestamp) -> Result<(), String> {
    let command = Command::ChangeRole(Box::new(change(text)));
    let events = decide(incident, &command, by, now, &Policy::default());
    let events = events.map_err(|refusal| match refusal {
        Refusal::Invalid(invalid) => invalid.field().to_owned(),
        Refusal::WrongState { code, .. } => code.to_owned(),
    })?;
    for event in &events {
        let draft = EntryDraft::of(event, incident, by, now).unwrap();
        let seq = incident.count_entry(&draft);
        incident.apply(event, seq, now, &Policy::default());
    }
    Ok(())
}

fn held(incident: &Incident) -> String {
    let all = ResponseRole::ALL.into_iter().flat_map(|role| {
        let holders = incident.holders(role);
        holders.map(move |one| format!("{}={one}", role.name()))
    });
    all.collect::<Vec<_>>().join(" ")
}

/// Each row: by whom, the command, and the refusal or the holders afterwards. Every row starts from
/// the same incident: anna commands, ben is the tech lead, cleo and dan are responders.
#[test]
fn the_table_of_role_changes() {
    const START: &str = "incident_commander=anna tech_lead=ben responder=cleo responder=dan";
    for (by, command, expected) in [
        (
            "eve",
            "assume scribe",
            "incident_commander=anna tech_lead=ben scribe=eve responder=cleo responder=dan",
        ),
        (
            "eve",
            "assume scribe person=ben",
            "incident_commander=anna tech_lead=ben scribe=ben responder=cleo responder=dan",
        ),
        (
            "eve",
            "assume subject_matter_expert",
            "incident_commander=anna tech_lead=ben subject_matter_expert=eve responder=cleo responder=dan",
        ),
        (
            "eve",
            "assume responder",
            "incident_commander=anna tech_lead=ben responder=cleo responder=dan responder=eve",
        ),
        // A role with one holder is not taken from its holder by assuming it.
        ("eve", "assume incident_commander", "role_held"),
        ("eve", "assume tech_lead", "role_held"),
        ("anna", "assume tech_lead", "role_held"),
        // The same person twice.
        ("ben", "assume tech_lead", "role_held_already"),
        ("cleo", "assume responder", "role_held_already"),
        ("eve", "assume responder person=cleo", "role_held_already"),
        // A handover: by the holder, or by the one who leads.
        (
            "anna",
            "hand_over incident_commander to=eve note=n",
            "incident_commander=eve tech_lead=ben responder=cleo responder=dan",
        ),
        (
            "ben",
            "hand_over tech_lead to=eve note=n",
            "incident_commander=anna tech_lead=eve responder=cleo responder=dan",
        ),
        (
            "anna",
            "hand_over tech_lead to=eve note=n",
            "incident_commander=anna tech_lead=eve responder=cleo responder=dan",
        ),
        (
            "cleo",
            "hand_over responder to=eve note=n",
            "incident_commander=anna tech_lead=ben responder=dan responder=eve",
        ),
        (
            "anna",
            "hand_over responder person=cleo to=eve note=n",
            "incident_commander=anna tech_lead=ben responder=dan responder=eve",
        ),
        // By the wrong person.
        (
            "ben",
            "hand_over incident_commander to=ben note=n",
            "override_role",
        ),
        (
            "eve",
            "hand_over incident_commander to=eve note=n",
            "override_role",
        ),
        ("eve", "hand_over tech_lead to=eve note=n", "override_role"),
        (
            "dan",
            "hand_over responder person=cleo to=eve note=n",
            "override_role",
        ),
        ("eve", "hand_over responder to=dan note=n", "role_not_held"),
        ("anna", "hand_over scribe to=eve note=n", "role_not_held"),
        (
            "anna",
            "hand_over tech_lead person=cleo to=eve note=n",
            "role_not_held",
        ),
        // Its parts.
        ("anna", "hand_over incident_commander note=n", "to"),
        ("anna", "hand_over incident_commander to=eve", "note"),
        ("anna", "hand_over incident_commander to=anna note=n", "to"),
        (
            "cleo",
            "hand_over responder to=dan note=n",
            "role_held_already",
        ),
        ("eve", "assume scribe to=ben", "to"),
        ("ben", "renounce tech_lead to=eve", "to"),
        // Renouncing.
        (
            "ben",
            "renounce tech_lead",
            "incident_commander=anna responder=cleo responder=dan",
        ),
        (
            "dan",
            "renounce responder note=n",
            "incident_commander=anna tech_lead=ben responder=cleo",
        ),
        (
            "anna",
            "renounce responder person=dan",
            "incident_commander=anna tech_lead=ben responder=cleo",
        ),
        ("ben", "renounce responder person=dan", "override_role"),
        ("ben", "renounce scribe", "role_not_held"),
        ("anna", "renounce incident_commander", "commander_needed"),
    ] {
        let (mut incident, anna, _) = an_incident();
        for setup in [
            "assume tech_lead person=ben",
            "assume responder person=cleo",
            "assume responder person=dan",
        ] {
            step(&mut incident, &anna, setup).unwrap();
        }
        assert_eq!(held(&incident), START);
        let found = match step(&mut incident, &actor(by), command) {
            Ok(()) => held(&incident),
            Err(refusal) => {
                assert_eq!(held(&incident), START, "a refusal changes nothing");
                refusal
            }
        };
        assert_eq!(found, expected, "{by}: {command}");
    }
}

#[test]
fn a_caller_with_the_right_takes_a_role_from_its_holder() {
    let (mut incident, _, now) = an_incident();
    let command = Command::ChangeRole(Box::new(change(
        "hand_over incident_commander to=eve note=absent",
    )));
    let rights = rights_for(&incident, &command, &actor("eve"));
    assert_eq!(rights, [Action::Change, Action::OverrideRole]);
    let later = now.saturating_add(Duration::from_secs(60));
    forced(
        &mut incident,
        &actor("eve"),
        "hand_over incident_commander to=eve note=absent",
        later,
    )
    .unwrap();
    let interval = |name: &str, from: Timestamp, until: Option<Timestamp>| RoleAssignment {
        role: ResponseRole::IncidentCommander,
        person: person(name),
        assumed_at: from,
        renounced_at: until,
    };
    assert_eq!(
        incident.roles,
        [
            interval("anna", now, Some(later)),
            interval("eve", later, None)
        ]
    );
}

/// A program of the same name as the holder is not the holder.
#[test]
fn only_a_person_holds_a_role_by_itself() {
    let (mut incident, _, _) = an_incident();
    let bot = |name: &str| Actor {
        kind: ActorKind::Integration,
        name: person(name),
    };
    let by = bot("anna");
    assert_eq!(
        step(&mut incident, &by, "assume scribe"),
        Err("person".to_owned())
    );
    assert_eq!(
        step(
            &mut incident,
            &by,
            "hand_over incident_commander to=eve note=n"
        ),
        Err("override_role".to_owned())
    );
    assert_eq!(step(&mut incident, &by, "assume scribe person=eve"), Ok(()));
    // Without a commander anybody may name one.
    incident.state_mut().roles.clear();
    assert_eq!(
        step(&mut incident, &by, "assume incident_commander person=eve"),
        Ok(())
    );
    assert_eq!(incident.commander(), Some(&person("eve")));
}

#[test]
fn roles_change_until_the_incident_has_ended() {
    for (status, expected) in [
        (Status::Mitigated, Ok(())),
        (Status::Resolved, Ok(())),
        (Status::Closed, Err("incident_ended".to_owned())),
        (Status::Cancelled, Err("incident_ended".to_owned())),
        (Status::Merged, Err("incident_ended".to_owned())),
    ] {
        let (mut incident, anna, _) = an_incident();
        incident.state_mut().status = status;
        assert_eq!(
            step(&mut incident, &anna, "assume scribe"),
            expected,
            "{status}"
        );
    }
    // After the end of the outage the commander may go.
    let (mut incident, anna, _) = an_incident();
    resolved(incident.state_mut());
    assert_eq!(
        step(&mut incident, &anna, "renounce incident_commander"),
        Ok(())
    );
    assert_eq!(incident.commander(), None);
}

#[test]
fn each_change_is_one_entry_that_programs_can_read() {
    let (incident, anna, now) = an_incident();
    for (text, sentence, delta) in [
        (
            "assume scribe",
            "anna assumed the role scribe",
            "roles/scribe: anna",
        ),
        (
            "hand_over incident_commander to=ben note=watch",
            "anna handed the role incident commander over to ben\nNote: watch",
            "roles/incident_commander: anna -> ben",
        ),
    ] {
        let command = Command::ChangeRole(Box::new(change(text)));
        let events = decide(&incident, &command, &anna, now, &Policy::default()).unwrap();
        assert!(matches!(events.as_slice(), [Event::RoleChanged(_)]));
        let entry = EntryDraft::of(&events[0], &incident, &anna, now).unwrap();
        assert_eq!(entry.kind, EntryKind::RoleChange);
        assert_eq!(entry.message.as_str(), sentence);
        assert_eq!(entry.changes[0].sentence(), delta);
    }
}

/// The intervals are part of every load of the incident.
#[test]
fn roles_change_hands_so_many_times() {
    let (mut incident, anna, _) = an_incident();
    while incident.roles.len() < MAX_ROLE_INTERVALS {
        step(&mut incident, &anna, "assume scribe").unwrap();
        step(&mut incident, &anna, "renounce scribe").unwrap();
    }
    let refused = step(&mut incident, &anna, "assume scribe");
    assert_eq!(refused, Err("too_many_role_changes".to_owned()));
    let refused = step(
        &mut incident,
        &anna,
        "hand_over incident_commander to=ben note=n",
    );
    assert_eq!(refused, Err("too_many_role_changes".to_owned()));
}

#[test]
fn the_first_to_acknowledge_becomes_the_responder() {
    let (mut incident, anna, now) = an_incident();
    let ack = |incident: &mut Incident, by: Actor| {
        incident.state_mut().acknowledged_at = None;
        incident.apply(
            &Event::Acknowledged { at: now, by },
            2,
            now,
            &Policy::default(),
        );
    };
    ack(&mut incident, actor("ben"));
    assert_eq!(incident.responder, Some(anna.name), "one was named already");
    assert_eq!(incident.holders(ResponseRole::Responder).count(), 0);

    incident.state_mut().responder = None;
    ack(&mut incident, actor("ben"));
    assert_eq!(incident.responder, Some(person("ben")));
    assert!(incident.holds(&person("ben"), ResponseRole::Responder));

    // Held already: not twice.
    incident.state_mut().responder = None;
    ack(&mut incident, actor("ben"));
    assert_eq!(incident.holders(ResponseRole::Responder).count(), 1);

    // A vendor's app is no person.
    let mut incident = an_incident().0;
    incident.state_mut().responder = None;
    let pager = Actor {
        kind: ActorKind::Integration,
        name: person("pager"),
    };
    ack(&mut incident, pager);
    assert_eq!(
        (
            incident.responder.clone(),
            incident.holders(ResponseRole::Responder).count()
        ),
        (None, 0)
    );
}

/// Names are the host's and may be as long as names are; a note is free text.
#[test]
fn names_and_notes_are_checked() {
    let (incident, anna, now) = an_incident();
    let blank = || serde_json::from_str::<PersonName>("\"\u{200b}\"").unwrap();
    let note = || serde_json::from_str::<Statement>("\"\u{200b}\"").unwrap();
    let base = change("hand_over incident_commander to=ben note=n");
    for (command, field) in [
        (
            ChangeRole {
                person: Some(blank()),
                ..base.clone()
            },
            "person",
        ),
        (
            ChangeRole {
                to: Some(blank()),
                ..base.clone()
            },
            "to",
        ),
        (
            ChangeRole {
                note: Some(note()),
                ..base.clone()
            },
            "note",
        ),
    ] {
        let command = Command::ChangeRole(Box::new(command));
        match decide(&incident, &command, &anna, now, &Policy::default()) {
            Err(Refusal::Invalid(invalid)) => assert_eq!(invalid.field(), field),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(base.action, RoleStep::HandOver);
}

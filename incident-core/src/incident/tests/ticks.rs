//! Ticked items of checklists.

use crate::actor::Actor;
use crate::incident::limits::MAX_TICKS;
use crate::incident::{Command, Event, Incident, Refusal, Status, TickItem, Update, decide};
use crate::policy::Policy;
use crate::testing::an_incident;
use crate::timeline::{EntryDraft, EntryKind};
use crate::{ChecklistKey, PersonName, Statement, Text};

fn key(text: &str) -> ChecklistKey {
    ChecklistKey::new(text).unwrap()
}

fn tick(item: &str, restarts: bool) -> TickItem {
    TickItem {
        text: Text::new("Scope is known").unwrap(),
        restarts,
        ..TickItem::new(key("triage"), key(item), None)
    }
}

fn run(incident: &mut Incident, by: &Actor, command: &Command) -> Result<usize, String> {
    let now = incident.last_recorded_at;
    let events = decide(incident, command, by, now, &Policy::default());
    let events = events.map_err(|refusal| match refusal {
        Refusal::Invalid(invalid) => invalid.field().to_owned(),
        Refusal::WrongState { code, .. } => code.to_owned(),
    })?;
    for event in &events {
        let draft = EntryDraft::of(event, incident, by, now).unwrap();
        let seq = incident.count_entry(&draft);
        incident.apply(event, seq, now, &Policy::default());
    }
    Ok(events.len())
}

fn ticked(incident: &mut Incident, by: &Actor, one: TickItem) -> Result<usize, String> {
    run(incident, by, &Command::Tick(Box::new(one)))
}

#[test]
fn the_first_tick_is_recorded_and_a_second_one_changes_nothing() {
    let (mut incident, anna, now) = an_incident();
    let ben = Actor::person(PersonName::new("ben").unwrap());
    assert_eq!(ticked(&mut incident, &anna, tick("scope", false)), Ok(1));
    assert_eq!(ticked(&mut incident, &ben, tick("scope", false)), Ok(0));
    assert_eq!(incident.ticks.len(), 1);
    let found = incident.ticked(&key("triage"), &key("scope")).unwrap();
    assert_eq!((&found.by, found.at, found.seq), (&anna.name, now, 1));
    // A note would be lost.
    let noted = TickItem {
        note: Some(Statement::new("me too").unwrap()),
        ..tick("scope", false)
    };
    assert_eq!(
        ticked(&mut incident, &ben, noted),
        Err("already_ticked".to_owned())
    );
    for status in [Status::Closed, Status::Cancelled, Status::Merged] {
        incident.state_mut().status = status;
        let refused = ticked(&mut incident, &ben, tick("severity", false));
        assert_eq!(refused, Err("incident_ended".to_owned()));
    }
}

#[test]
fn a_tick_is_an_entry_with_the_text_of_the_item() {
    let (incident, anna, now) = an_incident();
    let noted = TickItem {
        note: Some(Statement::new("two regions").unwrap()),
        ..tick("scope", false)
    };
    let event = Event::Ticked {
        tick: Box::new(noted),
        by: anna.name.clone(),
    };
    let entry = EntryDraft::of(&event, &incident, &anna, now).unwrap();
    assert_eq!(entry.kind, EntryKind::Checklist);
    assert_eq!(
        entry.message.as_str(),
        "ticked triage/scope: Scope is known\nNote: two regions"
    );
    assert_eq!(entry.changes[0].sentence(), "checklists/triage/scope: true");
}

#[test]
fn a_reopen_opens_the_lists_of_the_resolution() {
    let (mut incident, anna, _) = an_incident();
    ticked(&mut incident, &anna, tick("stays", false)).unwrap();
    ticked(&mut incident, &anna, tick("again", true)).unwrap();
    let resolve = Update::to_status(Statement::new("fixed").unwrap(), Status::Resolved);
    run(&mut incident, &anna, &resolve.into()).unwrap();
    assert_eq!(incident.ticks.len(), 2, "a resolution keeps them");
    let reopen = Update {
        reason: Some(Statement::new("it is back").unwrap()),
        ..Update::to_status(Statement::new("again").unwrap(), Status::Investigating)
    };
    run(&mut incident, &anna, &reopen.into()).unwrap();
    let items: Vec<&str> = incident.ticks.iter().map(|one| one.item.as_ref()).collect();
    assert_eq!(items, ["stays"]);
}

/// A tick is not undone; its entry is corrected, as every entry is.
#[test]
fn a_correction_of_its_entry_opens_the_item_again() {
    let (mut incident, anna, _) = an_incident();
    ticked(&mut incident, &anna, tick("wrong", false)).unwrap();
    ticked(&mut incident, &anna, tick("right", false)).unwrap();
    let correct = Update {
        corrects: Some(1),
        ..Update::new(Statement::new("not yet").unwrap())
    };
    run(&mut incident, &anna, &correct.into()).unwrap();
    let items: Vec<&str> = incident.ticks.iter().map(|one| one.item.as_ref()).collect();
    assert_eq!(items, ["right"]);
    assert_eq!(ticked(&mut incident, &anna, tick("wrong", false)), Ok(1));
}

#[test]
fn ticks_of_an_incident_are_bounded() {
    let (mut incident, anna, _) = an_incident();
    for n in 0..MAX_TICKS {
        ticked(&mut incident, &anna, tick(&format!("i{n}"), false)).unwrap();
    }
    let refused = ticked(&mut incident, &anna, tick("more", false));
    assert_eq!(refused, Err("too_many_ticks".to_owned()));
}

//! Tests of what is due.

use std::time::Duration;

use crate::incident::{
    Change, Command, DataLeak, DataLoss, Event, FiredMark, Incident, LossState, Mode, Publish,
    Severity, Status, Update, decide,
};
use crate::policy::{Policy, Trigger};
use crate::response::*;
use crate::{Money, Statement, Timestamp, testing};

fn after(start: Timestamp, minutes: u64) -> Timestamp {
    start.saturating_add(Duration::from_secs(minutes * 60))
}

/// Runs a command on an incident at a time, without the engine.
fn run(incident: &mut Incident, command: &Command, now: Timestamp) {
    let (_, anna, _) = testing::an_incident();
    let policy = Policy::default();
    for event in decide(incident, command, &anna, now, &policy).unwrap() {
        incident.apply(&event, 2, now, &policy);
    }
}

/// Fires everything that is due at a time, and returns it as `rule level`.
fn fire(incident: &mut Incident, now: Timestamp) -> Vec<String> {
    let policy = Policy::default();
    let due = due(incident, &policy, now);
    let fired = due
        .firings
        .iter()
        .map(|one| format!("{} {}", one.rule, one.n));
    let fired = fired.collect();
    for one in due.firings {
        incident.apply(&Event::RuleFired(one), 0, now, &policy);
    }
    assert!(
        crate::response::due(incident, &policy, now)
            .firings
            .is_empty()
    );
    fired
}

fn says(status: Option<Status>, severity: Option<Severity>) -> Command {
    let mut update = Update::new(Statement::new("news").unwrap());
    (update.status, update.severity) = (status, severity);
    if status == Some(Status::Investigating) {
        update.reason = Some(Statement::new("again").unwrap());
    }
    update.into()
}

#[test]
fn a_level_fires_once_and_the_highest_alone() {
    let (mut incident, _, start) = testing::an_incident();
    assert_eq!(fire(&mut incident, start), ["sev2-declared 0"]);
    assert!(fire(&mut incident, after(start, 14)).is_empty());
    // Nobody looked for two hours: the acknowledgement, the update and the resolution.
    let due = due(&incident, &Policy::default(), after(start, 125));
    let late: Vec<bool> = due.firings.iter().map(|one| one.late).collect();
    assert_eq!(late, [true; 3]);
    let skipped: Vec<u32> = due.firings.iter().map(|one| one.skipped).collect();
    assert_eq!(skipped, [0, 1, 1]);
    let fired = fire(&mut incident, after(start, 125));
    assert_eq!(
        fired,
        ["sev2-unresolved 0", "unacknowledged 1", "internal-update 1"]
    );
    assert!(fire(&mut incident, after(start, 126)).is_empty());
}

/// A rule that is a minute late to the microsecond is not marked, and one after that is.
#[test]
fn lateness_begins_after_a_minute() {
    let (incident, _, start) = testing::an_incident();
    for (micros, late) in [(0, false), (60_000_000, false), (60_000_001, true)] {
        let now = start.saturating_add(Duration::from_micros(micros));
        let due = due(&incident, &Policy::default(), now);
        assert_eq!(due.firings[0].late, late, "{micros}");
    }
}

#[test]
fn what_stops_a_clock_stops_its_rules() {
    let (mut incident, _, start) = testing::an_incident();
    fire(&mut incident, start);
    run(
        &mut incident,
        &Command::Acknowledge { at: None },
        after(start, 10),
    );
    run(&mut incident, &says(None, None), after(start, 14));
    // The update moved its clock, and nobody has to acknowledge any more.
    assert!(fire(&mut incident, after(start, 28)).is_empty());
    assert_eq!(fire(&mut incident, after(start, 29)), ["internal-update 0"]);
    run(
        &mut incident,
        &says(Some(Status::Resolved), None),
        after(start, 40),
    );
    assert!(fire(&mut incident, after(start, 99)).is_empty());
    assert_eq!(fire(&mut incident, after(start, 100)), ["watch 0"]);
    // A reopen starts all clocks again, and what fired before may fire again.
    run(
        &mut incident,
        &says(Some(Status::Investigating), None),
        after(start, 200),
    );
    assert_eq!(fire(&mut incident, after(start, 200)), ["sev2-declared 0"]);
    run(
        &mut incident,
        &says(Some(Status::Cancelled), None).cancelled(),
        after(start, 201),
    );
    assert!(fire(&mut incident, after(start, 9_999)).is_empty());
}

impl Command {
    /// Returns the update with a reason that ends an incident.
    fn cancelled(self) -> Self {
        let Self::Update(mut update) = self else {
            return self;
        };
        update.reason = Some(Statement::new("duplicate").unwrap());
        Self::Update(update)
    }
}

#[test]
fn a_worse_severity_sets_the_deadlines_again_and_a_lesser_one_ends_rules() {
    let (mut incident, _, start) = testing::an_incident();
    fire(&mut incident, start);
    run(
        &mut incident,
        &says(None, Some(Severity::Sev1)),
        after(start, 10),
    );
    let due = due(&incident, &Policy::default(), after(start, 10));
    assert!(due.firings.iter().all(|one| !one.late), "{:?}", due.firings);
    let fired = fire(&mut incident, after(start, 10));
    assert_eq!(
        fired,
        ["sev1-declared 0", "unacknowledged 0", "executive-update 0"]
    );
    run(
        &mut incident,
        &says(None, Some(Severity::Sev4)),
        after(start, 12),
    );
    assert!(fire(&mut incident, after(start, 5_000)).is_empty());
    // The same severity again: its rules fired for this start.
    run(
        &mut incident,
        &says(None, Some(Severity::Sev1)),
        after(start, 5_001),
    );
    let fired = fire(&mut incident, after(start, 5_001));
    assert_eq!(
        fired,
        ["sev1-unmitigated 0", "unacknowledged 1", "unresolved 1"]
    );
}

#[test]
fn facts_have_clocks_that_outlast_the_resolution() {
    let (mut incident, _, start) = testing::an_incident();
    fire(&mut incident, start);
    let state = LossState::Suspected;
    let leak = Change::DataLeak(Some(DataLeak { state, note: None }));
    let state = LossState::Confirmed;
    let loss = Change::DataLoss(Some(DataLoss { state, note: None }));
    let event = Change::CustomerEventDay(Some(true));
    let money = |minor, code: &str| Money {
        minor,
        currency: code.parse().unwrap(),
    };
    let lost = |money| Change::RevenuePerHour(Some(money));
    run(
        &mut incident,
        &Command::Change(vec![leak, loss, event, lost(money(999_999, "XAF"))]),
        after(start, 1),
    );
    assert_eq!(
        fire(&mut incident, after(start, 1)),
        ["data-leak 0", "data-loss 0", "customer-event 0"]
    );
    // Another currency is not compared.
    for (money, fires) in [
        (money(9_000_000, "EUR"), false),
        (money(1_000_000, "XAF"), true),
    ] {
        run(
            &mut incident,
            &Command::Change(vec![lost(money)]),
            after(start, 2),
        );
        assert_eq!(
            fire(&mut incident, after(start, 2)).len(),
            usize::from(fires)
        );
    }
    run(
        &mut incident,
        &says(Some(Status::Resolved), None),
        after(start, 3),
    );
    let clock = |incident: &Incident, trigger| {
        let clocks = clocks(incident, &Policy::default());
        clocks.into_iter().find(|clock| clock.trigger == trigger)
    };
    let deadline = clock(&incident, Trigger::DataLeak).and_then(|clock| clock.deadline);
    assert_eq!(deadline, Some(after(start, 1 + 72 * 60)));
    let note = Statement::new("sent").unwrap();
    run(
        &mut incident,
        &Command::MarkAuthorityNotified { note: note.clone() },
        after(start, 60),
    );
    run(
        &mut incident,
        &Command::MarkUsersNotified { note },
        after(start, 61),
    );
    for trigger in [Trigger::DataLeak, Trigger::DataLoss, Trigger::CustomerEvent] {
        assert_eq!(clock(&incident, trigger), None, "{trigger:?}");
    }
    let (_, anna, _) = testing::an_incident();
    assert_eq!(incident.authority_notified_by, Some(anna.name.clone()));
    assert_eq!(incident.affected_users_notified_by, Some(anna.name));
}

/// The last firing of each rule is kept as it was, whatever the policy says later; an incident of
/// before that field reads without it.
#[test]
fn the_last_firing_of_a_rule_is_kept() {
    let (mut incident, _, start) = testing::an_incident();
    fire(&mut incident, start);
    fire(&mut incident, after(start, 125));
    let kept = |incident: &Incident, rule: &str| {
        let kept = incident.clocks.firings.get(rule).unwrap();
        let groups: Vec<String> = kept.notify.iter().map(ToString::to_string).collect();
        (kept.n, kept.late, kept.due_at, groups.join(", "))
    };
    assert_eq!(
        kept(&incident, "sev2-declared"),
        (0, false, start, "lead, on-call".to_owned())
    );
    assert_eq!(
        kept(&incident, "unacknowledged"),
        (1, true, after(start, 25), "lead".to_owned())
    );
    let mut stored = serde_json::to_value(&incident).unwrap();
    let clocks = stored["clocks"].as_object_mut().unwrap();
    assert!(clocks.remove("firings").is_some());
    let read: Incident = serde_json::from_value(stored).unwrap();
    assert!(read.clocks.firings.is_empty() && !read.clocks.fired.is_empty());
}

#[test]
fn the_status_page_is_owed_an_update_while_the_incident_is_public() {
    let (mut incident, _, start) = testing::an_incident();
    fire(&mut incident, start);
    let publish = |public| {
        Command::Publish(Publish {
            public,
            title: None,
            message: None,
        })
    };
    run(&mut incident, &publish(true), after(start, 5));
    let is_due = |incident: &mut Incident, minutes| {
        fire(incident, after(start, minutes)).contains(&"public-update 0".to_owned())
    };
    assert!(!is_due(&mut incident, 64));
    assert!(is_due(&mut incident, 65));
    let mut update = Update::new(Statement::new("news").unwrap());
    update.public_message = Some("A fix is on its way.".parse().unwrap());
    run(&mut incident, &update.into(), after(start, 70));
    assert!(!is_due(&mut incident, 129));
    assert!(is_due(&mut incident, 130));
    run(&mut incident, &publish(false), after(start, 131));
    assert!(!is_due(&mut incident, 999));
}

#[test]
fn exercises_and_what_is_entered_afterwards_escalate_to_no_one() {
    let (incident, _, start) = testing::an_incident();
    let of = |mode| {
        let mut incident = incident.clone();
        incident.state_mut().mode = mode;
        incident
    };
    let (drill, afterwards) = (of(Mode::Drill), of(Mode::Retrospective));
    let policy = Policy::default();
    assert!(!due(&drill, &policy, start).clocks.is_empty());
    assert_eq!(due(&drill, &policy, after(start, 9_999)).firings, []);
    assert_eq!(
        due(&afterwards, &policy, after(start, 9_999)),
        Due::default()
    );
    let silent = explain(&drill, &policy);
    assert!(silent.iter().all(|one| one.silent == Some(Silence::Mode)));
    // A staging incident wakes no management; a rule that names the environment does.
    let mut staging = incident;
    staging.state_mut().environment = "staging".parse().unwrap();
    assert_eq!(due(&staging, &policy, start).firings, []);
    let mut named = policy;
    named.rules[2]
        .environments
        .insert("staging".parse().unwrap());
    assert_eq!(
        due(&staging, &named, start).firings[0].rule.as_str(),
        "sev2-declared"
    );
}

/// The explanation and the answer are one computation: what is explained as next by a time is what
/// fires at that time, at every minute of two days and for every mark.
#[test]
fn explanations_agree_with_what_is_due() {
    let (mut incident, _, start) = testing::an_incident();
    let policy = Policy::default();
    for minutes in 0..48 * 60 {
        let now = after(start, minutes);
        let due = due(&incident, &policy, now);
        let explained: Vec<String> = explain(&incident, &policy)
            .into_iter()
            .filter(|one| one.next.as_ref().is_some_and(|next| next.due_at <= now))
            .map(|one| one.rule.to_string())
            .collect();
        let firing: Vec<String> = due.firings.iter().map(|one| one.rule.to_string()).collect();
        assert_eq!(explained, firing, "{minutes}");
        let next = explain(&incident, &policy)
            .into_iter()
            .filter_map(|one| one.next);
        let next = next.map(|next| next.due_at).filter(|at| *at > now).min();
        if due.firings.is_empty() {
            assert_eq!(due.next_at, next, "{minutes}");
        }
        if minutes % 7 == 0 {
            fire(&mut incident, now);
        }
        if minutes == 500 {
            run(&mut incident, &says(Some(Status::Resolved), None), now);
        }
        if minutes == 900 {
            run(&mut incident, &says(Some(Status::Investigating), None), now);
        }
    }
    let mark = incident.clocks.fired.values().next().copied();
    assert!(mark.is_some_and(|FiredMark { epoch, .. }| epoch > 0));
}

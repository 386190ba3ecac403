//! Approvals of risky actions: who gives one, who does not, and what is recorded.

use crate::actor::{Actor, ActorKind};
use crate::incident::limits::MAX_APPROVALS;
use crate::incident::{
    ApprovalStep, Command, Incident, Refusal, ResponseRole, RiskApprovalState, RoleAssignment,
    Status, decide,
};
use crate::policy::Policy;
use crate::testing::an_incident;
use crate::timeline::{EntryDraft, EntryKind};
use crate::{PersonName, Statement};

fn statement(text: &str) -> Statement {
    Statement::new(text).unwrap()
}

fn actor(name: &str) -> Actor {
    Actor::person(PersonName::new(name).unwrap())
}

/// Reads `request`, `approve 1`, `refuse 1`, `withdraw 1`.
fn step(text: &str) -> ApprovalStep {
    let (what, number) = text.split_once(' ').unwrap_or((text, "0"));
    let number = number.parse().unwrap();
    let reason = statement("too late");
    match what {
        "request" => ApprovalStep::Request {
            text: statement("roll back release 42"),
        },
        "approve" => ApprovalStep::Approve { number, note: None },
        "refuse" => ApprovalStep::Refuse { number, reason },
        "withdraw" => ApprovalStep::Withdraw { number, reason },
        other => panic!("{other}"),
    }
}

fn run(incident: &mut Incident, by: &Actor, step: ApprovalStep) -> Result<EntryDraft, String> {
    let now = incident.last_recorded_at;
    let command = Command::Approve(step);
    let events = decide(incident, &command, by, now, &Policy::default());
    let events = events.map_err(|refusal| match refusal {
        Refusal::Invalid(invalid) => invalid.field().to_owned(),
        Refusal::WrongState { code, .. } => code.to_owned(),
    })?;
    assert_eq!(events.len(), 1);
    let draft = EntryDraft::of(&events[0], incident, by, now).unwrap();
    let seq = incident.count_entry(&draft);
    incident.apply(&events[0], seq, now, &Policy::default());
    Ok(draft)
}

fn command_to(incident: &mut Incident, name: &str) {
    let now = incident.last_recorded_at;
    for held in &mut incident.state_mut().roles {
        held.renounced_at = Some(now);
    }
    incident.state_mut().roles.push(RoleAssignment {
        role: ResponseRole::IncidentCommander,
        person: PersonName::new(name).unwrap(),
        assumed_at: now,
        renounced_at: None,
    });
}

/// Each row is a story of one incident that anna commands: steps, and what comes of the last one.
#[test]
fn the_table_of_approvals() {
    for (steps, expected) in [
        ("ben request", "requested"),
        ("ben request; anna approve 1", "requested"),
        ("ben request; anna approve 1; cleo approve 1", "approved"),
        ("ben request; cleo approve 1; anna approve 1", "approved"),
        // Not by the person who requested it, nor twice by one person, nor by two who do not lead.
        ("ben request; ben approve 1", "requester_cannot_approve"),
        (
            "ben request; anna approve 1; ben approve 1",
            "requester_cannot_approve",
        ),
        (
            "ben request; anna approve 1; anna approve 1",
            "already_approved",
        ),
        (
            "ben request; cleo approve 1; cleo approve 1",
            "already_approved",
        ),
        (
            "ben request; cleo approve 1; dan approve 1",
            "commander_missing",
        ),
        ("anna request", "requester_is_commander"),
        // The commander at the time of each decision counts.
        (
            "ben request; anna approve 1; > cleo; cleo approve 1",
            "approved",
        ),
        (
            "ben request; anna approve 1; > cleo; dan approve 1",
            "approved",
        ),
        (
            "ben request; cleo approve 1; > dan; anna approve 1",
            "commander_missing",
        ),
        (
            "ben request; cleo approve 1; > dan; dan approve 1",
            "approved",
        ),
        (
            "ben request; > ben; ben approve 1",
            "requester_cannot_approve",
        ),
        // Refused and withdrawn.
        ("ben request; cleo refuse 1", "refused"),
        ("ben request; anna approve 1; cleo refuse 1", "refused"),
        ("ben request; ben refuse 1", "requester_cannot_refuse"),
        ("ben request; ben withdraw 1", "withdrawn"),
        ("ben request; anna withdraw 1", "not_the_requester"),
        // Decided once.
        (
            "ben request; cleo refuse 1; anna approve 1",
            "approval_decided",
        ),
        (
            "ben request; ben withdraw 1; anna approve 1",
            "approval_decided",
        ),
        (
            "ben request; ben withdraw 1; cleo refuse 1",
            "approval_decided",
        ),
        (
            "ben request; anna approve 1; cleo approve 1; ben withdraw 1",
            "approval_decided",
        ),
        (
            "ben request; anna approve 1; cleo approve 1; dan refuse 1",
            "approval_decided",
        ),
        // Numbers.
        ("ben request; anna approve 2", "number"),
        ("anna approve 0", "number"),
        ("ben request; ben request; anna approve 2", "requested"),
    ] {
        let (mut incident, _, _) = an_incident();
        let mut found = String::new();
        for one in steps.split("; ") {
            let (who, what) = one.split_once(' ').unwrap();
            if who == ">" {
                command_to(&mut incident, what);
                continue;
            }
            let before = incident.clone();
            found = match run(&mut incident, &actor(who), step(what)) {
                Ok(_) => incident.approvals.last().unwrap().state.name().to_owned(),
                Err(refusal) => {
                    assert_eq!(incident, before, "a refusal changes nothing");
                    refusal
                }
            };
        }
        assert_eq!(found, expected, "{steps}");
    }
}

#[test]
fn who_asked_and_who_approved_is_recorded() {
    let (mut incident, anna, now) = an_incident();
    let asked = run(&mut incident, &actor("ben"), step("request")).unwrap();
    let first = run(&mut incident, &actor("cleo"), step("approve 1")).unwrap();
    let noted = ApprovalStep::Approve {
        number: 1,
        note: Some(statement("go")),
    };
    let second = run(&mut incident, &anna, noted).unwrap();
    let entries = [asked, first, second];
    assert!(
        entries
            .iter()
            .all(|entry| entry.kind == EntryKind::Decision)
    );
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} | {}", entry.message, entry.changes[0].sentence()))
        .collect();
    assert_eq!(
        lines,
        [
            "approval 1 requested: roll back release 42 | approvals/1: requested",
            "approval 1 given by a backup; one more person has to approve | approvals/1: requested -> requested",
            "approval 1 given by the incident commander; the approval is complete\nNote: go | approvals/1: requested -> approved",
        ]
    );
    let approval = incident.approval(1).unwrap();
    assert_eq!(approval.state, RiskApprovalState::Approved);
    assert_eq!(
        (
            approval.requested_by.as_str(),
            approval.requested_at,
            approval.seq
        ),
        ("ben", now, 1)
    );
    let given: Vec<_> = approval
        .given
        .iter()
        .map(|one| (one.by.as_str(), one.as_commander, one.seq))
        .collect();
    assert_eq!(given, [("cleo", false, 2), ("anna", true, 3)]);
    assert_eq!(approval.ended, None);

    run(&mut incident, &actor("ben"), step("request")).unwrap();
    let entry = run(&mut incident, &actor("ben"), step("withdraw 2")).unwrap();
    assert_eq!(entry.message.as_str(), "approval 2 withdrawn: too late");
    let ended = incident.approval(2).unwrap().ended.clone().unwrap();
    assert_eq!((ended.by.as_str(), ended.seq), ("ben", 5));
}

#[test]
fn only_people_approve_and_nothing_is_approved_after_the_end() {
    let (mut incident, _, _) = an_incident();
    let bot = |name: &str| Actor {
        kind: ActorKind::Integration,
        name: PersonName::new(name).unwrap(),
    };
    // A program may request one, also if it is called as the commander.
    run(&mut incident, &bot("anna"), step("request")).unwrap();
    let refused = run(&mut incident, &bot("deploy"), step("approve 1"));
    assert_eq!(refused.unwrap_err(), "approver_is_no_person");
    for status in [Status::Closed, Status::Cancelled, Status::Merged] {
        incident.state_mut().status = status;
        for what in ["request", "approve 1", "refuse 1", "withdraw 1"] {
            let refused = run(&mut incident, &actor("cleo"), step(what));
            assert_eq!(refused.unwrap_err(), "incident_ended", "{status} {what}");
        }
    }
}

#[test]
fn approvals_of_an_incident_are_bounded() {
    let (mut incident, _, _) = an_incident();
    for _ in 0..MAX_APPROVALS {
        run(&mut incident, &actor("ben"), step("request")).unwrap();
    }
    let refused = run(&mut incident, &actor("ben"), step("request"));
    assert_eq!(refused.unwrap_err(), "too_many_approvals");

    // Their texts count with the other texts of the incident.
    let (mut incident, _, _) = an_incident();
    let long = ApprovalStep::Request {
        text: statement(&"x".repeat(16 * 1024)),
    };
    let mut taken = 0;
    let refused = loop {
        match run(&mut incident, &actor("ben"), long.clone()) {
            Ok(_) => taken += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!((refused.as_str(), taken), ("text", 7));
}

/// The copy of the text goes with the entry that requested it.
#[test]
fn a_redaction_erases_the_text_of_the_approval() {
    let (mut incident, _, now) = an_incident();
    run(&mut incident, &actor("ben"), step("request")).unwrap();
    run(&mut incident, &actor("ben"), step("request")).unwrap();
    incident.state_mut().erase_text_of(1, now);
    assert_eq!(incident.approval(1).unwrap().text, None);
    assert!(incident.approval(2).unwrap().text.is_some());
    // It can still be decided about.
    run(&mut incident, &actor("cleo"), step("refuse 1")).unwrap();
    let stored = serde_json::to_string(&incident).unwrap();
    assert_eq!(serde_json::from_str::<Incident>(&stored).unwrap(), incident);
}

//! Warnings, by the state of an incident.

use std::time::Duration;

use crate::actor::Actor;
use crate::incident::{Mode, Status};
use crate::incident::{PostMortem, Severity, State, TickItem, TickedItem};
use crate::policy::Policy;
use crate::response::{Checklists, Warning, WarningCode, warnings};
use crate::testing::an_incident;
use crate::{HttpsUrl, PersonName, Text};

fn found(change: impl FnOnce(&mut State)) -> Vec<WarningCode> {
    let (mut incident, _, now) = an_incident();
    change(incident.state_mut());
    let all = warnings(&incident, &Checklists::default(), &Policy::default(), now);
    all.iter().map(Warning::code).collect()
}

fn resolved(state: &mut State) {
    state.status = Status::Resolved;
    state.next_update_due_at = None;
}

fn cause(state: &mut State) {
    state.facts.cause = Some(Text::new("a bad release").unwrap());
}

#[test]
fn the_table_of_warnings() {
    use WarningCode::{NoCause, NoCommander, NoPostMortem, UpdateOverdue, VerifyIncomplete};
    let due = |state: &mut State, seconds: u64| {
        let at = state.declared_at;
        state.next_update_due_at = Some(if seconds == 0 {
            at
        } else {
            at.saturating_sub(Duration::from_secs(seconds))
        });
    };
    type Case = (fn(&mut State), Vec<WarningCode>);
    let cases: [Case; 12] = [
        (|_| {}, vec![]),
        (|state| state.roles.clear(), vec![NoCommander]),
        (
            |state| {
                state.roles.clear();
                state.mode = Mode::Retrospective;
            },
            vec![],
        ),
        (|state| state.status = Status::Mitigated, vec![NoCause]),
        (
            |state| {
                state.status = Status::Mitigated;
                cause(state);
            },
            vec![],
        ),
        (resolved, vec![VerifyIncomplete, NoCause, NoPostMortem]),
        (
            |state| {
                resolved(state);
                state.facts.cause = Some(Text::new("  ").unwrap());
                state.severity = Severity::Sev3;
            },
            vec![VerifyIncomplete, NoCause],
        ),
        (
            |state| {
                resolved(state);
                cause(state);
                state.mode = Mode::Drill;
            },
            vec![VerifyIncomplete],
        ),
        (
            |state| {
                resolved(state);
                state.mode = Mode::Retrospective;
            },
            vec![NoCause, NoPostMortem],
        ),
        (
            |state| {
                resolved(state);
                cause(state);
                state.post_mortem = Some(PostMortem {
                    url: HttpsUrl::new("https://wiki.example/1").unwrap(),
                    linked_by: Actor::person(PersonName::new("anna").unwrap()),
                    linked_at: state.declared_at,
                });
            },
            vec![VerifyIncomplete],
        ),
        (|state| state.status = Status::Closed, vec![]),
        (|state| state.status = Status::Cancelled, vec![]),
    ];
    for (nth, (change, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found(change), expected, "case {nth}");
    }
    // Due now is not overdue yet.
    assert_eq!(found(|state| due(state, 0)), []);
    assert_eq!(found(|state| due(state, 1)), [UpdateOverdue]);
}

#[test]
fn a_complete_list_is_not_warned_of() {
    let (mut incident, anna, now) = an_incident();
    resolved(incident.state_mut());
    let lists = Checklists::default();
    let verify = lists
        .iter()
        .find(|one| one.name.as_ref() == "verify")
        .unwrap();
    for (nth, item) in verify.items.iter().enumerate() {
        let all = warnings(&incident, &lists, &Policy::default(), now);
        let open = Warning::VerifyIncomplete {
            done: nth,
            total: verify.items.len(),
        };
        assert_eq!(all.first(), Some(&open));
        let tick = TickItem::new(verify.name.clone(), item.id.clone(), None);
        incident.state_mut().ticks.push(TickedItem {
            list: tick.list,
            item: tick.item,
            by: anna.name.clone(),
            at: now,
            seq: 2,
            restarts: true,
        });
    }
    let all = warnings(&incident, &lists, &Policy::default(), now);
    assert_eq!(all.first(), Some(&Warning::NoCause));
}

//! Warnings: things that are easily forgotten in a response. They never block.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Checklists;
use crate::Timestamp;
use crate::incident::{Incident, Mode, Status};
use crate::policy::Policy;

/// The kind of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// A live incident has no incident commander.
    NoCommander,
    /// The update that the policy promises is overdue.
    UpdateOverdue,
    /// It is mitigated or resolved, and no cause is recorded.
    NoCause,
    /// It is resolved, and items of the list `verify` are open.
    VerifyIncomplete,
    /// It is resolved, has to have a post-mortem before it is closed, and has none.
    NoPostMortem,
}

/// A warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A live incident has no incident commander.
    NoCommander,
    /// The update that the policy promises was due at this time.
    UpdateOverdue {
        /// The time at which it was due.
        due_at: Timestamp,
    },
    /// It is mitigated or resolved, and no cause is recorded.
    NoCause,
    /// It is resolved, and items of the list `verify` are open.
    VerifyIncomplete {
        /// Number of ticked items.
        done: usize,
        /// Number of all items.
        total: usize,
    },
    /// It is resolved, has to have a post-mortem before it is closed, and has none.
    NoPostMortem,
}

impl Warning {
    /// Returns its kind.
    #[must_use]
    pub const fn code(&self) -> WarningCode {
        match self {
            Self::NoCommander => WarningCode::NoCommander,
            Self::UpdateOverdue { .. } => WarningCode::UpdateOverdue,
            Self::NoCause => WarningCode::NoCause,
            Self::VerifyIncomplete { .. } => WarningCode::VerifyIncomplete,
            Self::NoPostMortem => WarningCode::NoPostMortem,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommander => f.write_str(
                "the incident has no incident commander; one person should assume the role",
            ),
            Self::UpdateOverdue { due_at } => write!(f, "an update was due at {due_at}"),
            Self::NoCause => f.write_str("no cause is recorded"),
            Self::VerifyIncomplete { done, total } => write!(
                f,
                "the incident was resolved with {done} of {total} items of the list verify ticked"
            ),
            Self::NoPostMortem => {
                f.write_str("no post-mortem is linked; the incident cannot be closed without one")
            }
        }
    }
}

/// Returns the warnings about an incident, in the order in which they are worth acting on. Pure,
/// and blocks nothing.
///
/// A retrospective has no clocks and no commander to miss; a drill is warned of like a live one,
/// except that it needs no post-mortem. An incident that has ended gets none.
#[must_use]
pub fn warnings(
    incident: &Incident,
    checklists: &Checklists,
    policy: &Policy,
    now: Timestamp,
) -> Vec<Warning> {
    let mut found = Vec::new();
    let is_resolved = incident.status == Status::Resolved;
    if incident.status.is_live() && incident.mode != Mode::Retrospective {
        found.extend(
            incident
                .commander()
                .is_none()
                .then_some(Warning::NoCommander),
        );
        let overdue = incident.next_update_due_at.filter(|due| *due < now);
        found.extend(overdue.map(|due_at| Warning::UpdateOverdue { due_at }));
    }
    if is_resolved {
        let verify = checklists
            .progress(incident)
            .find(|one| one.list.name.as_ref() == Checklists::VERIFY);
        let verify = verify.filter(|one| one.open() > 0 && incident.mode != Mode::Retrospective);
        found.extend(verify.map(|one| Warning::VerifyIncomplete {
            done: one.done(),
            total: one.items.len(),
        }));
    }
    let nears_its_end = is_resolved || incident.status == Status::Mitigated;
    let cause = incident.facts.cause.as_ref();
    let has_cause = cause.is_some_and(|cause| !cause.as_str().trim().is_empty());
    found.extend((nears_its_end && !has_cause).then_some(Warning::NoCause));
    let needs_post_mortem = is_resolved
        && incident.mode != Mode::Drill
        && policy.of(incident.severity).post_mortem_required
        && incident.post_mortem.is_none();
    found.extend(needs_post_mortem.then_some(Warning::NoPostMortem));
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::actor::Actor;
    use crate::incident::{PostMortem, Severity, State, TickItem, TickedItem};
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
}

use std::time::Duration;

use super::{asked, name, paged, resolved, with};
use crate::incident::repeat::repeated;
use crate::incident::{AlertRepeat, may_stand_for};
use crate::incident::{Declare, Event, Incident, Mode, Severity, State};
use crate::paging::{Paging, PagingState};
use crate::policy::Policy;
use crate::{IncidentId, Timestamp};
use uuid::Uuid;

fn holder(change: impl FnOnce(&mut State)) -> Incident {
    with(|state| {
        state.alert_key = Some(name("cpu"));
        change(state);
    })
}

#[test]
fn only_what_would_page_stands_for_what_would_page() {
    let may = |holder: &Incident, asked: &Declare| may_stand_for(holder, asked, &Policy::default());
    let plain = holder(|_| {});
    assert!(may(&plain, &asked()));
    for (what, asked) in [
        (
            "another key",
            Declare {
                alert_key: Some(name("disk")),
                ..asked()
            },
        ),
        (
            "no key",
            Declare {
                alert_key: None,
                ..asked()
            },
        ),
        (
            "another environment",
            Declare {
                environment: Some(name("staging")),
                ..asked()
            },
        ),
        (
            "a drill",
            Declare {
                mode: Mode::Drill,
                ..asked()
            },
        ),
        (
            "a retrospective",
            Declare {
                mode: Mode::Retrospective,
                ..asked()
            },
        ),
    ] {
        assert!(!may(&plain, &asked), "{what}");
    }
    let named = Declare {
        environment: Some(name("production")),
        ..asked()
    };
    assert!(may(&plain, &named));
    for (what, other) in [
        ("ended", holder(resolved)),
        ("a drill", holder(|state| state.mode = Mode::Drill)),
        (
            "staging",
            holder(|state| state.environment = name("staging")),
        ),
        ("moved", holder(|state| state.alert_moved = true)),
    ] {
        assert!(!may(&other, &asked()), "{what}");
    }
    // An incident that paged no one stands for an alert that would page no one either.
    let silent = holder(|state| state.paging = Paging::none());
    assert!(!may(&silent, &asked()));
    assert!(may(
        &silent,
        &Declare {
            page: Some(false),
            ..asked()
        }
    ));
}

#[test]
fn the_alerts_of_one_that_may_stand_are_its_own_and_those_it_took_over() {
    let of = |incident: &Incident| {
        incident
            .alerts()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let both = |state: &mut State| state.merged_alerts = vec![name("disk")];
    assert_eq!(of(&holder(both)), ["cpu", "disk"]);
    let moved = holder(|state| {
        both(state);
        state.alert_moved = true;
    });
    assert_eq!(of(&moved), ["disk"]);
    assert_eq!(of(&holder(resolved)), [""; 0]);
    assert!(holder(|_| {}).has_alerts());
    assert!(with(both).has_alerts());
    assert!(!with(|_| {}).has_alerts());
}

#[test]
fn another_one_takes_over_the_alert_that_it_names() {
    let other = IncidentId::from_uuid(Uuid::from_u64_pair(7 << 12, 9));
    let relate = |key: Option<&str>| {
        holder(|state| {
            state.merged_alerts = vec![name("disk"), name("net")];
            let key = key.map(name);
            state.relate(other, key.as_ref());
        })
    };
    for (key, moved, merged) in [
        (None, false, ["disk", "net"].as_slice()),
        (Some("cpu"), true, &["disk", "net"]),
        (Some("disk"), false, &["net"]),
        (Some("other"), false, &["disk", "net"]),
    ] {
        let incident = relate(key);
        let left: Vec<String> = incident
            .merged_alerts
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            (incident.alert_moved, left.as_slice()),
            (
                moved,
                merged
                    .iter()
                    .map(|one| (*one).to_owned())
                    .collect::<Vec<_>>()
                    .as_slice()
            ),
            "{key:?}"
        );
        assert_eq!(incident.related, [other]);
    }
}

#[test]
fn a_repeat_raises_notes_and_pages_where_it_has_to() {
    let (_, now) = paged();
    let ago = |seconds| Some(now.saturating_sub(Duration::from_secs(seconds)));
    let repeat = |severity, pages| AlertRepeat {
        key: name("cpu"),
        severity,
        pages,
    };
    let decide =
        |noted_at: Option<Timestamp>, change: &dyn Fn(&mut State), repeat: &AlertRepeat| {
            let incident = holder(|state| {
                state.repeats.count = 4;
                state.repeats.noted_at = noted_at;
                change(state);
            });
            let Event::AlertRepeated(found) = repeated(&incident, repeat, now) else {
                panic!("no repeat");
            };
            assert_eq!(found.count, 5);
            (found.raised, found.noted, found.pages)
        };
    let as_it_is: &dyn Fn(&mut State) = &|_| {};
    let given_up: &dyn Fn(&mut State) = &|state| state.paging.state = PagingState::GivenUp;
    let taken: &dyn Fn(&mut State) = &|state| {
        state.paging.state = PagingState::GivenUp;
        state.paging.acknowledged = true;
        state.acknowledged_at = Some(state.declared_at);
    };
    let (worse, same) = (Severity::Sev1, Severity::Sev2);
    for (noted_at, change, severity, pages, expected) in [
        (None, as_it_is, same, true, (None, true, false)),
        (ago(599), as_it_is, same, true, (None, false, false)),
        (ago(600), as_it_is, same, true, (None, true, false)),
        (ago(1), as_it_is, worse, true, (Some(worse), true, false)),
        (
            ago(601),
            as_it_is,
            Severity::Sev3,
            true,
            (None, true, false),
        ),
        (None, given_up, same, true, (None, true, true)),
        (None, given_up, same, false, (None, true, false)),
        (ago(1), given_up, same, true, (None, false, false)),
        (None, taken, same, true, (None, true, false)),
    ] {
        let found = decide(noted_at, change, &repeat(severity, pages));
        assert_eq!(found, expected, "{noted_at:?} {severity} {pages}");
    }
}

#[test]
fn a_repeat_is_counted_and_its_entry_remembered() {
    let (_, now) = paged();
    let repeat = AlertRepeat {
        key: name("cpu"),
        severity: Severity::Sev2,
        pages: false,
    };
    let mut incident = holder(|_| {});
    let mut counted = |seconds: u64| {
        let now = now.saturating_add(Duration::from_secs(seconds));
        let event = repeated(&incident, &repeat, now);
        incident.apply(&event, 2, now, &Policy::default());
        (incident.repeats.count, incident.repeats.noted_at)
    };
    assert_eq!(counted(0), (1, Some(now)));
    // No entry of its own.
    assert_eq!(counted(60), (2, Some(now)));
    let later = now.saturating_add(Duration::from_secs(600));
    assert_eq!(counted(600), (3, Some(later)));
}

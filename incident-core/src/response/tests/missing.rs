//! Tests of what is missing.

use std::time::Duration;

use crate::incident::{Event, Incident};
use crate::paging::Paging;
use crate::policy::Policy;
use crate::response::*;
use crate::{Timestamp, testing};

fn after(start: Timestamp, minutes: u64) -> Timestamp {
    start.saturating_add(Duration::from_secs(minutes * 60))
}

fn all_before(time: Timestamp) -> EndedBefore {
    EndedBefore {
        pages: time,
        notices: time,
    }
}

/// Lets half a day pass of which nobody does anything. Returns the incident, and all that fired and was
/// sent, as an audit trail records it.
fn half_a_day() -> (Incident, Vec<RecordedFiring>, Timestamp) {
    let (mut incident, _, start) = testing::an_incident();
    // Its page is not what these tests are about.
    incident.state_mut().paging = Paging::none();
    let policy = Policy::default();
    let mut recorded = Vec::new();
    for minute in 0..12 * 60 {
        let now = after(start, minute);
        for fired in due(&incident, &policy, now).firings {
            let ended = fired.notify.iter().map(|group| EndedNotice {
                group: group.to_string(),
                channel: "chat".to_owned(),
                outcome: "sent".to_owned(),
                at: now,
            });
            recorded.push(RecordedFiring {
                rule: fired.rule.clone(),
                place: (fired.epoch, fired.n),
                due_at: Some(fired.due_at),
                at: now,
                late: fired.late,
                groups: String::new(),
                notices: fired.notify.len() as u64,
                ended: ended.collect(),
            });
            incident.apply(&Event::RuleFired(fired), 0, now, &policy);
        }
        let found = missing(&incident, &policy, &recorded, all_before(now), now);
        assert_eq!(found, [], "minute {minute}");
    }
    (incident, recorded, after(start, 12 * 60))
}

#[test]
fn a_firing_that_is_not_recorded_is_missing() {
    let (incident, recorded, now) = half_a_day();
    assert!(recorded.len() > 5, "{recorded:?}");
    let rules = recorded.iter().map(|firing| &firing.rule);
    for rule in rules {
        let mut others = recorded.clone();
        others.retain(|firing| firing.rule != *rule);
        let found = missing(&incident, &Policy::default(), &others, all_before(now), now);
        let is_it = |one: &Missing| matches!(one, Missing::Firing { rule: of, .. } if of == rule);
        assert!(found.len() == 1 && is_it(&found[0]), "{rule}: {found:?}");
    }
}

#[test]
fn a_notice_without_an_end_is_missing_once_the_outbox_was_empty() {
    let (incident, recorded, now) = half_a_day();
    for nth in 0..recorded.len() {
        let mut lost = recorded.clone();
        lost[nth].ended.pop();
        let of = |lost: &[RecordedFiring], notices| {
            let ended = EndedBefore {
                pages: now,
                notices,
            };
            missing(&incident, &Policy::default(), lost, ended, now)
        };
        let expected = Missing::Notice {
            rule: recorded[nth].rule.clone(),
            since: recorded[nth].at,
        };
        assert_eq!(of(&lost, now), [expected]);
        // One that waits may be this one.
        assert_eq!(of(&lost, recorded[nth].at), []);
        // One that ended twice stands for no other.
        let again = lost[nth].ended.first().cloned();
        lost[nth].ended.extend(again);
        assert_eq!(lost[nth].unfinished(), 1);
    }
}

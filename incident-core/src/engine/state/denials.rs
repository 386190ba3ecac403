//! Repeated refusals, counted and summed up in one audit entry, so that a caller without rights
//! cannot fill the audit trail.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Timestamp;
use crate::actor::{Action, Actor};
use crate::audit::{AuditDraft, AuditOutcome};

/// Maximum number of refusals of one actor in a minute that have an entry each. A person who errs
/// has a few; a script in a loop would fill the audit trail, which can never be emptied.
const APART: u32 = 5;

/// The time in which the refusals of an actor are counted together.
const TOGETHER: Duration = Duration::from_secs(60);

/// Maximum number of actors whose refusals are counted at a time. For a further one the oldest
/// count is written at once.
const MAX_ACTORS: usize = 10_000;

/// The refusals of each actor in its last minute.
#[derive(Debug, Default)]
pub(in crate::engine) struct Denials(Mutex<BTreeMap<Actor, Minute>>);

/// The refusals of one actor in a minute, from the first one on.
#[derive(Clone, Debug)]
struct Minute {
    began: Timestamp,
    last: Timestamp,
    apart: u32,
    /// The refusals without an entry of their own.
    counted: BTreeMap<Action, u64>,
}

impl Minute {
    const fn beginning(now: Timestamp) -> Self {
        Self {
            began: now,
            last: now,
            apart: 0,
            counted: BTreeMap::new(),
        }
    }

    /// Returns `true` if the minute is over; a clock that went back ends it too.
    fn is_over(&self, now: Timestamp) -> bool {
        now < self.began || now.since(self.began) >= TOGETHER
    }

    /// Returns the entry that sums up the refusals that were only counted.
    fn summary(self, actor: &Actor) -> Option<AuditDraft> {
        let all: u64 = self.counted.values().sum();
        if all == 0 {
            return None;
        }
        let each = self.counted.iter();
        let each: Vec<String> = each
            .map(|(action, count)| format!("{}={count}", action.name()))
            .collect();
        Some(AuditDraft {
            incident_id: None,
            at: self.last,
            actor: actor.clone(),
            action: "denied_calls".to_owned(),
            outcome: AuditOutcome::Denied,
            detail: BTreeMap::from([
                ("count".to_owned(), all.to_string()),
                ("actions".to_owned(), each.join(",")),
                ("from".to_owned(), self.began.to_string()),
                ("until".to_owned(), self.last.to_string()),
            ]),
        })
    }
}

impl Denials {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Actor, Minute>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a refusal. Returns whether it has an entry of its own, and the entry of a minute that
    /// it ended or displaced.
    pub(in crate::engine) fn note(
        &self,
        actor: &Actor,
        action: Action,
        now: Timestamp,
    ) -> (bool, Option<AuditDraft>) {
        let mut minutes = self.lock();
        let known = minutes.remove(actor);
        let over = known.as_ref().is_some_and(|minute| minute.is_over(now));
        let (mut minute, summary) = match known {
            Some(minute) if over => (Minute::beginning(now), minute.summary(actor)),
            Some(minute) => (minute, None),
            None => (Minute::beginning(now), make_room(&mut minutes)),
        };
        minute.last = now;
        let apart = minute.apart < APART;
        if apart {
            minute.apart += 1;
        } else {
            *minute.counted.entry(action).or_default() += 1;
        }
        minutes.insert(actor.clone(), minute);
        (apart, summary)
    }

    /// Removes the minutes that are over at a time, and returns their entries.
    pub(in crate::engine) fn over(&self, now: Timestamp) -> Vec<AuditDraft> {
        let mut minutes = self.lock();
        let all = std::mem::take(&mut *minutes);
        let (over, left): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, minute)| minute.is_over(now));
        minutes.extend(left);
        let drafts = over.into_iter();
        drafts
            .filter_map(|(actor, minute)| minute.summary(&actor))
            .collect()
    }

    pub(in crate::engine) fn all(&self) -> Vec<AuditDraft> {
        let all = std::mem::take(&mut *self.lock()).into_iter();
        all.filter_map(|(actor, minute)| minute.summary(&actor))
            .collect()
    }
}

/// Removes the minute that began first if there is no room for another one, and returns its entry.
fn make_room(minutes: &mut BTreeMap<Actor, Minute>) -> Option<AuditDraft> {
    if minutes.len() < MAX_ACTORS {
        return None;
    }
    let first = minutes.iter().min_by_key(|(_, minute)| minute.began);
    let actor = first.map(|(actor, _)| actor.clone())?;
    minutes.remove(&actor)?.summary(&actor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PersonName;

    fn actor(n: usize) -> Actor {
        Actor::person(PersonName::new(&format!("actor-{n}")).unwrap())
    }

    fn at(second: u64) -> Timestamp {
        let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
        start.saturating_add(Duration::from_secs(second))
    }

    #[test]
    fn five_a_minute_have_an_entry_and_the_rest_is_one() {
        let denials = Denials::default();
        let note = |second| denials.note(&actor(1), Action::Declare, at(second));
        for second in 0..5 {
            assert_eq!(note(second), (true, None));
        }
        assert_eq!(note(59), (false, None));
        denials.note(&actor(1), Action::ReadAudit, at(59));
        assert_eq!(denials.over(at(59)), []);
        // The first refusal of the next minute returns the count of the last one.
        let (apart, summary) = note(60);
        let summary = summary.unwrap();
        assert!(apart);
        assert_eq!(summary.detail["count"], "2");
        assert_eq!(summary.detail["actions"], "read_audit=1,declare=1");
        for second in 61..70 {
            note(second);
        }
        assert_eq!(denials.over(at(120))[0].detail["count"], "5");
        assert!(denials.lock().is_empty());
        // A clock that went back starts another minute.
        assert_eq!(note(3), (true, None));
        assert_eq!(note(1), (true, None));
    }

    /// S11: the number of actors that are counted is bounded.
    #[test]
    fn actors_are_bounded() {
        let denials = Denials::default();
        for n in 0..MAX_ACTORS + 10 {
            for _ in 0..=APART {
                denials.note(&actor(n), Action::Declare, at(n as u64 / 1_000));
            }
        }
        assert_eq!(denials.lock().len(), MAX_ACTORS);
        let (_, written) = denials.note(&actor(MAX_ACTORS + 10), Action::Declare, at(59));
        assert!(written.is_some_and(|one| one.detail["count"] == "1"));
        assert_eq!(denials.all().len(), MAX_ACTORS - 1);
    }
}

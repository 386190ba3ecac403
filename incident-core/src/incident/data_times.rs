//! The times from which on lost and leaked data are known, for the clocks that begin with them.

use super::{LossState, State};
use crate::Timestamp;

impl State {
    /// Returns the state of knowledge about lost data; none if it is not stated.
    #[must_use]
    pub fn data_loss_state(&self) -> LossState {
        let known = self.facts.data_loss.as_ref();
        known.map_or(LossState::None, |one| one.state)
    }

    /// Returns the state of knowledge about leaked data; none if it is not stated.
    #[must_use]
    pub fn data_leak_state(&self) -> LossState {
        let known = self.facts.data_leak.as_ref();
        known.map_or(LossState::None, |one| one.state)
    }

    /// Sets the times from which on a leak is suspected and a loss is confirmed, as its facts say
    /// since `now`. A run that goes on keeps its first time; one that ended has none.
    pub(super) fn time_data(&mut self, now: Timestamp) {
        let leaked = self.data_leak_state() != LossState::None;
        let lost = self.data_loss_state() == LossState::Confirmed;
        self.data_leak_suspected_at = leaked.then(|| self.data_leak_suspected_at.unwrap_or(now));
        self.data_loss_confirmed_at = lost.then(|| self.data_loss_confirmed_at.unwrap_or(now));
        self.affected_users_notified_at = self.affected_users_notified_at.filter(|_| lost);
        self.authority_notified_at = self.authority_notified_at.filter(|_| leaked);
        self.affected_users_notified_by = self.affected_users_notified_by.take().filter(|_| lost);
        self.authority_notified_by = self.authority_notified_by.take().filter(|_| leaked);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Text;
    use crate::incident::declare::{NewIds, declare};
    use crate::incident::limits::tests::an_incident;
    use crate::incident::{
        Change, Command, DataLeak, DataLoss, Declare, Event, Incident, Refusal, Severity, decide,
    };
    use crate::policy::Policy;
    use crate::{IncidentId, PublicId, Statement, Title};

    fn lost(state: LossState) -> Option<DataLoss> {
        Some(DataLoss { state, note: None })
    }

    fn leaked(state: LossState) -> Option<DataLeak> {
        let note = Some(Text::new("seen in a log").unwrap());
        Some(DataLeak { state, note })
    }

    fn change(incident: &mut Incident, change: Change, at: Timestamp) {
        incident.apply(&Event::Changed(change), 2, at, &Policy::default());
    }

    /// The 72 hours of GDPR count from the first suspicion; what is suspected no more and again
    /// begins again.
    #[test]
    fn a_leak_is_timed_from_its_first_suspicion() {
        let (mut incident, _, now) = an_incident();
        let at = |hours| now.saturating_add(Duration::from_hours(hours));
        for (hours, state, expected) in [
            (1, leaked(LossState::None), None),
            (2, leaked(LossState::Suspected), Some(at(2))),
            (3, leaked(LossState::Confirmed), Some(at(2))),
            (4, leaked(LossState::Suspected), Some(at(2))),
            (5, leaked(LossState::None), None),
            (6, leaked(LossState::Confirmed), Some(at(6))),
            (7, None, None),
        ] {
            change(&mut incident, Change::DataLeak(state), at(hours));
            assert_eq!(incident.data_leak_suspected_at, expected, "hour {hours}");
            assert_eq!(incident.data_loss_confirmed_at, None);
        }
    }

    /// A loss is confirmed from the first confirmation of the present run; a suspicion is not one.
    #[test]
    fn a_loss_is_timed_from_its_confirmation() {
        let (mut incident, _, now) = an_incident();
        let at = |hours| now.saturating_add(Duration::from_hours(hours));
        for (hours, state, expected) in [
            (1, lost(LossState::Suspected), None),
            (2, lost(LossState::Confirmed), Some(at(2))),
            (3, lost(LossState::Confirmed), Some(at(2))),
            (4, lost(LossState::Suspected), None),
            (5, lost(LossState::Confirmed), Some(at(5))),
            (6, None, None),
        ] {
            change(&mut incident, Change::DataLoss(state), at(hours));
            assert_eq!(incident.data_loss_confirmed_at, expected, "hour {hours}");
            assert_eq!(incident.data_leak_suspected_at, None);
        }
    }

    /// Users are written to about a confirmed loss, and again about another one.
    #[test]
    fn users_are_notified_of_a_confirmed_loss() {
        let (mut incident, anna, now) = an_incident();
        let at = |hours| now.saturating_add(Duration::from_hours(hours));
        let note = Statement::made("a letter to all");
        let mark = |incident: &mut Incident, at: Timestamp| {
            let command = Command::MarkUsersNotified { note: note.clone() };
            let events = decide(incident, &command, &anna, at, &Policy::default())?;
            for event in &events {
                incident.apply(event, 3, at, &Policy::default());
            }
            let by = incident.affected_users_notified_by.clone();
            assert_eq!(by.as_ref(), Some(&anna.name));
            Ok::<_, Refusal>(incident.affected_users_notified_at)
        };
        for state in [None, lost(LossState::None), lost(LossState::Suspected)] {
            change(&mut incident, Change::DataLoss(state), now);
            let refused = mark(&mut incident, now);
            let Err(Refusal::WrongState { code, .. }) = refused else {
                panic!("not refused: {refused:?}")
            };
            assert_eq!(code, "data_loss_not_confirmed");
        }
        change(
            &mut incident,
            Change::DataLoss(lost(LossState::Confirmed)),
            at(1),
        );
        assert_eq!(mark(&mut incident, at(2)).unwrap(), Some(at(2)));
        assert_eq!(mark(&mut incident, at(3)).unwrap(), Some(at(2)));
        change(
            &mut incident,
            Change::DataLoss(lost(LossState::Suspected)),
            at(4),
        );
        assert_eq!(incident.affected_users_notified_at, None);
        assert_eq!(incident.affected_users_notified_by, None);
        change(
            &mut incident,
            Change::DataLoss(lost(LossState::Confirmed)),
            at(5),
        );
        assert_eq!(mark(&mut incident, at(6)).unwrap(), Some(at(6)));
    }

    #[test]
    fn facts_of_a_declaration_are_timed_with_it() {
        let (_, anna, now) = an_incident();
        let mut asked = Declare::new(Title::made("a leak"), Severity::Sev1);
        asked.facts.data_leak = leaked(LossState::Suspected);
        asked.facts.data_loss = lost(LossState::Confirmed);
        let ids = NewIds {
            id: IncidentId::from_uuid(uuid::Uuid::from_u128(3)),
            public_id: PublicId::from_uuid(uuid::Uuid::from_u128(4)),
            number: 3,
        };
        let made = declare(&asked, &anna, ids, Vec::new(), now, &Policy::default()).unwrap();
        assert_eq!(made.data_leak_suspected_at, Some(now));
        assert_eq!(made.data_loss_confirmed_at, Some(now));
        // An incident of before these fields reads without them.
        let mut stored = serde_json::to_value(&made).unwrap();
        let fields = stored.as_object_mut().unwrap();
        assert!(fields.remove("data_leak_suspected_at").is_some());
        assert!(fields.remove("data_loss_confirmed_at").is_some());
        let facts = fields.get_mut("facts").unwrap().as_object_mut().unwrap();
        for new in ["data_leak", "channel", "bridge_url", "vendor_reference"] {
            assert!(facts.remove(new).is_some(), "{new}");
        }
        let read: Incident = serde_json::from_value(stored).unwrap();
        assert_eq!(read.data_leak_suspected_at, None);
        assert_eq!((&read.facts.data_leak, &read.facts.channel), (&None, &None));
    }
}

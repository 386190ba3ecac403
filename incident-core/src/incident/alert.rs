//! Alerts of an incident: those that it stands for, and the incidents related by them.

use serde::{Deserialize, Serialize};

use super::{Incident, Mode, Severity, State};
use crate::{IncidentId, Name, Timestamp};

/// Maximum number of related incidents stored with one; the oldest are dropped. They are a hint
/// for people, stored with every write of the incident, and a flapping alert adds one each time.
const MAX_RELATED: usize = 20;

/// Maximum number of alerts of merged incidents that one stands for; the oldest are dropped. A
/// repeat of a dropped one opens an incident of its own.
const MAX_MERGED: usize = 100;

/// A count of the repeats of an incident's alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRepeats {
    /// Number of repeats.
    pub count: u64,
    /// Time of the last entry about a repeat.
    pub noted_at: Option<Timestamp>,
}

/// An alert that came again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRepeat {
    /// The alert.
    pub key: Name,
    /// The severity that it names now.
    pub severity: Severity,
    /// Set if it would page someone if no incident stood for it.
    pub pages: bool,
}

/// The effect of a repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRepeated {
    /// The alert.
    pub key: Name,
    /// Number of repeats, this one included.
    pub count: u64,
    /// The new severity, if it is worse than that of the incident.
    pub raised: Option<Severity>,
    /// Set if it has an entry in the timeline: the first time, at every raise, and else at most
    /// once in ten minutes.
    pub noted: bool,
    /// Set if on-call is paged again, because the page of the incident was dead-lettered.
    pub pages: bool,
}

impl State {
    pub(super) fn count_repeat(&mut self, repeated: &AlertRepeated, now: Timestamp) {
        self.repeats.count = repeated.count;
        if repeated.noted {
            self.repeats.noted_at = Some(now);
        }
    }

    /// Adds an incident that was declared for the same alert. With `takes_over`, that one stands
    /// for the alert from now on.
    pub(super) fn relate(&mut self, to: IncidentId, takes_over: Option<&Name>) {
        self.related.retain(|known| *known != to);
        self.related.push(to);
        let over = self.related.len().saturating_sub(MAX_RELATED);
        self.related.drain(..over);
        if let Some(key) = takes_over {
            self.alert_moved |= self.alert_key.as_ref() == Some(key);
            self.merged_alerts.retain(|merged| merged != key);
        }
    }

    pub(super) fn stand_for(&mut self, alerts: &[Name]) {
        for key in alerts {
            let own = self.alert_key.as_ref() == Some(key);
            if own {
                self.alert_moved = false;
            } else if !self.merged_alerts.contains(key) {
                self.merged_alerts.push(key.clone());
            }
        }
        let over = self.merged_alerts.len().saturating_sub(MAX_MERGED);
        self.merged_alerts.drain(..over);
    }
}

impl Incident {
    /// Lists the alerts that it stands for: those of a live incident that is no drill and no
    /// retrospective. In one environment no two incidents stand for one alert.
    pub fn alerts(&self) -> impl Iterator<Item = &Name> {
        let may = self.status.is_live() && self.mode == Mode::Live;
        let own = self.alert_key.iter().filter(|_| !self.alert_moved);
        own.chain(&self.merged_alerts).filter(move |_| may)
    }

    /// Returns `true` if it was ever declared for an alert, or took one over.
    #[must_use]
    pub fn has_alerts(&self) -> bool {
        self.alert_key.is_some() || !self.merged_alerts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// S10: the newest of each are stored.
    #[test]
    fn related_incidents_and_merged_alerts_are_bounded() {
        let (mut incident, _, _) = crate::incident::limits::tests::an_incident();
        let state = incident.state_mut();
        let id = |n: usize| IncidentId::from_uuid(Uuid::from_u64_pair(7 << 12, n as u64));
        let alert = |n: usize| Name::made(&format!("alert-{n}"));
        for n in 0..MAX_RELATED {
            state.relate(id(n), None);
        }
        assert_eq!(
            (state.related.len(), state.related[0]),
            (MAX_RELATED, id(0))
        );
        state.relate(id(MAX_RELATED), None);
        assert_eq!(
            (state.related.len(), state.related[0]),
            (MAX_RELATED, id(1))
        );
        let alerts: Vec<Name> = (0..MAX_MERGED).map(alert).collect();
        state.stand_for(&alerts);
        assert_eq!(state.merged_alerts, alerts);
        state.stand_for(&[alert(MAX_MERGED)]);
        assert_eq!(state.merged_alerts.len(), MAX_MERGED);
        assert!(!state.merged_alerts.contains(&alert(0)));
    }
}

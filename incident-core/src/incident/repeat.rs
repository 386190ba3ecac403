//! Repeats of an alert: the incident that may stand for one, and the effect of a repeat on it.

use std::time::Duration;

use super::{AlertRepeat, AlertRepeated, Declare, Event, Incident, Mode};
use crate::paging::PagingState;
use crate::policy::Policy;
use crate::{Name, Timestamp};

/// Returns `true` if an incident may stand for the alert of a declaration.
///
/// It may if it is live and no drill or retrospective, in the same environment, and paged someone
/// unless the declaration would page no one either. Otherwise the declaration becomes an incident
/// of its own, so that no alert is swallowed by an incident that woke no one.
///
/// A drill and a retrospective never attach to a live incident.
#[must_use]
pub fn may_stand_for(holder: &Incident, asked: &Declare, policy: &Policy) -> bool {
    let key = asked.alert_key.as_ref();
    let environment = asked.environment.as_ref().map(Name::as_str);
    key.is_some_and(|key| holder.alerts().any(|held| held == key))
        && asked.mode == Mode::Live
        && holder.environment.as_str() == environment.unwrap_or(Incident::PRODUCTION)
        && (holder.paging.state != PagingState::None || !asked.pages(policy))
}

/// Minimum time between two entries about repeats that change nothing. Alertmanager repeats every
/// few minutes for as long as an alert fires: a week would be thousands of entries without news.
const ENTRY_EVERY: Duration = Duration::from_secs(10 * 60);

/// Decides the effect of a repeat on the incident that stands for the alert. The severity rises and
/// never falls by itself.
pub(super) fn repeated(incident: &Incident, repeat: &AlertRepeat, now: Timestamp) -> Event {
    let raised = repeat
        .severity
        .is_worse_than(incident.severity)
        .then_some(repeat.severity);
    let quiet = incident
        .repeats
        .noted_at
        .is_some_and(|noted| now < noted.saturating_add(ENTRY_EVERY));
    let noted = raised.is_some() || !quiet;
    let given_up = incident.paging.state == PagingState::GivenUp && !incident.is_acknowledged();
    Event::AlertRepeated(AlertRepeated {
        key: repeat.key.clone(),
        count: incident.repeats.count.saturating_add(1),
        raised,
        noted,
        pages: noted && given_up && repeat.pages,
    })
}

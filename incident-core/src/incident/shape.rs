//! Who shaped what an incident's credits are computed from.

use super::{Event, Incident};
use crate::PersonName;
use crate::actor::Actor;

impl Incident {
    /// Notes who made an incident or changed what its credits are computed from: the
    /// outage, the tenants, how much of the platform was hit, whether it counts, and
    /// whether it is over.
    pub(crate) fn note_shaping(&mut self, event: &Event, before: &Self, by: &Actor) {
        let began = matches!(event, Event::Declared);
        if began || !self.has_figure_of(before) {
            let name = PersonName::clone(&by.name);
            self.state_mut().shaped_by.insert(name);
        }
    }

    fn has_figure_of(&self, other: &Self) -> bool {
        self.started_at == other.started_at
            && self.earlier == other.earlier
            && self.reopened_at == other.reopened_at
            && self.impact_ended_at == other.impact_ended_at
            && self.resolved_at == other.resolved_at
            && self.affected_tenants == other.affected_tenants
            && self.facts.scope == other.facts.scope
            && self.mode == other.mode
            && self.environment == other.environment
            && self.ending == other.ending
            && self.status.is_live() == other.status.is_live()
    }
}

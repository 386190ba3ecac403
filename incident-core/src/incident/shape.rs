//! Who shaped what an incident's credits are computed from.

use super::{Event, Incident, State};
use crate::PersonName;
use crate::actor::Actor;

impl State {
    /// Adds to those who shaped it, each once.
    pub(super) fn note_shapers<'a>(&mut self, names: impl IntoIterator<Item = &'a PersonName>) {
        for name in names {
            if !self.shaped_by.contains(name) {
                let all = self.shaped_by.iter().chain([name]);
                self.shaped_by = all.cloned().collect();
            }
        }
    }
}

impl Incident {
    /// Notes who made an incident or changed what its credits are computed from: the
    /// outage, the tenants, how much of the platform was hit, whether it counts, and
    /// whether it is over.
    pub(crate) fn note_shaping(&mut self, event: &Event, before: &Self, by: &Actor) {
        let began = matches!(event, Event::Declared);
        if began || !self.has_figure_of(before) {
            self.state_mut().note_shapers([&by.name]);
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

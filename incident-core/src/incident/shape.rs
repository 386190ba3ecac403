//! The people who shaped the facts that an incident's credits are computed from.

use super::{Event, Incident, SlaFacts, State};
use crate::PersonName;
use crate::actor::Actor;

impl State {
    /// Adds people to those who shaped it, each once.
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
    /// Notes the actor who declared an incident or changed what its credits are computed from.
    ///
    /// That is the outage, the tenants, how much of the platform was hit, whether the incident
    /// counts, and whether it is over.
    pub(crate) fn note_shaping(&mut self, event: &Event, before: &Self, by: &Actor) {
        let began = matches!(event, Event::Declared { .. });
        if began || SlaFacts::of(self) != SlaFacts::of(before) {
            self.state_mut().note_shapers([&by.name]);
        }
    }
}

//! Queries of what is due.

use std::sync::Arc;

use crate::engine::{Error, ReportsHandle};
use crate::incident::Incident;
use crate::port::IncidentFilter;
use crate::response::{Due, RuleState, due, explain};
use crate::{IncidentId, Timestamp};

/// An incident with what is due for it.
#[derive(Clone, Debug)]
pub struct DueIncident {
    /// The incident.
    pub incident: Arc<Incident>,
    /// Its clocks, the levels that are due, and the time of the next one.
    pub due: Due,
}

impl ReportsHandle<'_> {
    /// Lists the incidents that are active, or of which a rule is due at some time, each with what
    /// is due for it now; by (`declared_at`, `id`) descending, after `after`, at most `limit`.
    ///
    /// Incidents are read whole: request few at a time.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn due(
        self,
        after: Option<(Timestamp, IncidentId)>,
        limit: usize,
    ) -> Result<Vec<DueIncident>, Error> {
        let this = self.0;
        let filter = IncidentFilter {
            with_clocks: true,
            after,
            limit,
            ..IncidentFilter::default()
        };
        let found = this.load_matching(&filter).await?;
        let (policy, now) = (&this.inner.settings.policy, this.inner.now());
        let with_due = |incident: Arc<Incident>| DueIncident {
            due: due(&incident, policy, now),
            incident,
        };
        Ok(found.into_iter().map(with_due).collect())
    }

    /// Returns what is due for an incident now, and the state of every rule for it.
    #[must_use]
    pub fn due_of(self, incident: &Incident) -> (Due, Vec<RuleState>) {
        let engine = &self.0.inner;
        let policy = &engine.settings.policy;
        (
            due(incident, policy, engine.now()),
            explain(incident, policy),
        )
    }
}

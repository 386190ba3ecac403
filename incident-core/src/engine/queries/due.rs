//! Queries of what is due.

use std::sync::Arc;

use crate::audit::{AuditEntry, Chain};
use crate::engine::{Error, Incidents, ReportsHandle};
use crate::incident::Incident;
use crate::port::{AuditQuery, IncidentFilter};
use crate::response::{
    Due, FIRE_RULE, NOTIFY, RecordedFiring, RuleState, due, explain, recorded_firings,
};
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

    /// Returns the rules that fired for an incident, as the audit trail records them, each with the
    /// outcome of its notices; in the order in which they fired.
    ///
    /// # Errors
    /// Fails if the store did not answer, or an entry is unreadable.
    pub async fn recorded_firings(self, id: IncidentId) -> Result<Vec<RecordedFiring>, Error> {
        self.0.recorded_firings(id).await
    }
}

/// Number of audit entries that are read at a time.
const ENTRIES: usize = 500;

impl Incidents {
    pub(in crate::engine) async fn recorded_firings(
        &self,
        id: IncidentId,
    ) -> Result<Vec<RecordedFiring>, Error> {
        let mut entries = self.audit_of(id, FIRE_RULE).await?;
        entries.extend(self.audit_of(id, NOTIFY).await?);
        Ok(recorded_firings(&entries))
    }

    /// Reads all audit entries of an incident with one action.
    async fn audit_of(&self, id: IncidentId, action: &str) -> Result<Vec<AuditEntry>, Error> {
        let mut query = AuditQuery {
            chain: Some(Chain::Incident(id)),
            action: Some(action.to_owned()),
            limit: ENTRIES,
            ..AuditQuery::default()
        };
        let mut entries: Vec<AuditEntry> = Vec::new();
        loop {
            let read = self.store.audit(&query, self.left()?).await?;
            let is_last = read.len() < ENTRIES;
            let place = |last: &AuditEntry| (last.payload.at, last.chain, last.seq);
            query.after = read.last().map(place);
            entries.extend(read);
            if is_last {
                return Ok(entries);
            }
        }
    }
}

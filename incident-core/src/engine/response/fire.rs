//! The pass in which rules of the policy fire.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::Actor;
use crate::audit::AuditDraft;
use crate::engine::commands::prepare::PreparedCommand;
use crate::engine::conflict::MAX_CONFLICT_RETRIES;
use crate::engine::{Error, Incidents, WorkerHandle};
use crate::incident::{Event, Incident, RuleFired};
use crate::port::{IncidentFilter, StoreError};
use crate::response::due;
use crate::{IncidentId, Timestamp, failpoint};

/// Maximum number of incidents in one pass. A worker looks every second; the rest comes with the
/// next pass, as an incident that was seen is due later.
const MAX_PER_PASS: usize = 100;

/// The result of one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fired {
    /// Number of incidents that were looked at.
    pub incidents: usize,
    /// Number of rules that fired.
    pub rules: usize,
    /// `true` if more incidents may be due.
    pub more: bool,
}

impl WorkerHandle<'_> {
    /// Fires the rules that are due: each becomes a timeline entry, an audit entry, notices and
    /// pages, in one commit.
    ///
    /// Call it after an [`EngineEvent`](crate::engine::EngineEvent) and once a second; several
    /// passes may run at a time, in one process or in many. Of two that decide on one incident the
    /// second is refused by the store and finds nothing due, so that each level of a rule fires
    /// once. What fell due while no worker ran fires once, at the highest level of its rule.
    ///
    /// Dropping the future is safe: an incident is committed with all that fired, or not at all.
    ///
    /// # Errors
    /// Fails if the store could not list the incidents that are due. The failure of a single
    /// incident is logged, and the next pass tries it again.
    pub async fn fire_rules(self) -> Result<Fired, Error> {
        self.0.on_relay().fire_due().await
    }
}

impl Incidents {
    async fn fire_due(&self) -> Result<Fired, Error> {
        let filter = IncidentFilter {
            due_by: Some(self.inner.now()),
            limit: MAX_PER_PASS,
            // One unreadable incident must not keep the rules of others from firing.
            skip_unreadable: true,
            ..IncidentFilter::default()
        };
        let timeout = self.inner.settings.store_deadline;
        let found = self.store.list(&filter, timeout).await?;
        let mut fired = Fired {
            incidents: found.len(),
            rules: 0,
            more: found.len() >= MAX_PER_PASS,
        };
        for incident in found {
            let id = incident.id;
            match self.begun().fire_of(incident).await {
                Ok(rules) => fired.rules += rules.unwrap_or_default(),
                Err(error) => tracing::error!(
                    incident.id = %id,
                    error = &error as &dyn std::error::Error,
                    "could not fire the escalation rules of an incident; retrying"
                ),
            }
        }
        Ok(fired)
    }

    /// Fires the rules of one incident, or writes the time of the next firing. Returns the number of
    /// rules that fired; `None` if there was nothing to write.
    pub(super) async fn fire_of(&self, incident: Arc<Incident>) -> Result<Option<usize>, Error> {
        let (id, mut before) = (incident.id, incident);
        let _turn = self.turn(id).await?;
        for _ in 0..MAX_CONFLICT_RETRIES {
            failpoint::hit("before_fire");
            let now = self.inner.now().max(before.last_recorded_at);
            let Some((prepared, rules)) = self.prepare_fire(&before, now)? else {
                return Ok(None);
            };
            match self.commit(prepared).await {
                Err(Error::Store(StoreError::Conflict)) => before = self.get(id).await?,
                Err(error) => return Err(error),
                Ok(_) => {
                    failpoint::hit("after_fire");
                    return Ok(Some(rules));
                }
            }
        }
        // Others write it all the time; the next pass tries again.
        Ok(None)
    }

    /// Decides what fires for an incident. `None` if nothing does and the time of the next firing
    /// is already stored.
    fn prepare_fire(
        &self,
        before: &Arc<Incident>,
        now: Timestamp,
    ) -> Result<Option<(PreparedCommand, usize)>, Error> {
        let due = due(before, &self.inner.settings.policy, now);
        let known = due.next_at == before.clocks.due_at && due.deadline() == before.clocks.deadline;
        if due.firings.is_empty() && known {
            return Ok(None);
        }
        let policy = Actor::policy();
        let mut prepared = PreparedCommand::new(Arc::clone(before));
        let audit = due
            .firings
            .iter()
            .map(|fired| audit_of(before.id, fired, &policy, now));
        prepared.commit.audit.extend(audit);
        let rules = due.firings.len();
        let events: Vec<Event> = due.firings.into_iter().map(Event::RuleFired).collect();
        let expected = Some(before.revision);
        self.inner
            .stage(&mut prepared, before, expected, &events, &policy, now)?;
        Ok(Some((prepared, rules)))
    }
}

fn audit_of(id: IncidentId, fired: &RuleFired, by: &Actor, now: Timestamp) -> AuditDraft {
    let detail = [
        ("rule", fired.rule.to_string()),
        ("trigger", fired.trigger.name().to_owned()),
        ("epoch", fired.epoch.to_string()),
        ("level", fired.n.to_string()),
        ("due_at", fired.due_at.to_string()),
        ("late", fired.late.to_string()),
    ];
    let detail: BTreeMap<String, String> =
        detail.map(|(name, value)| (name.to_owned(), value)).into();
    AuditDraft::allowed(by.clone(), now, Some(id), "fire_rule", detail)
}

//! The pass in which rules of the policy fire.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::Actor;
use crate::audit::AuditDraft;
use crate::engine::commands::prepare::PreparedCommand;
use crate::engine::conflict::MAX_CONFLICT_RETRIES;
use crate::engine::{Alarm, EngineEvent, Error, Incidents, WorkerHandle};
use crate::incident::{Event, Incident, RuleFired};
use crate::port::{IncidentFilter, StoreError};
use crate::response::{FIRE_RULE, LATE_AFTER, due};
use crate::{IncidentId, Timestamp, failpoint};

/// The result of one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fired {
    /// Number of incidents that were looked at.
    pub incidents: usize,
    /// Number of incidents that were written: a rule fired, or the next one is due at another time.
    pub written: usize,
    /// Number of rules that fired.
    pub rules: usize,
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
        let this = self.0.on_relay();
        let due = IncidentFilter {
            due_by: Some(this.inner.now()),
            ..IncidentFilter::default()
        };
        this.fire_matching(due).await
    }
}

impl Incidents {
    /// Fires the rules of all incidents that match, each by itself: those that cannot be fired do not keep the
    /// pass from the others.
    pub(super) async fn fire_matching(&self, mut filter: IncidentFilter) -> Result<Fired, Error> {
        filter.skip_unreadable = true;
        let mut pages = self.pages(filter);
        let mut fired = Fired::default();
        while let Some(incident) = pages.next().await? {
            fired.incidents += 1;
            let id = incident.id;
            match self.begun().fire_of(incident).await {
                Ok(rules) => {
                    fired.written += usize::from(rules.is_some());
                    fired.rules += rules.unwrap_or_default();
                }
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
    async fn fire_of(&self, incident: Arc<Incident>) -> Result<Option<usize>, Error> {
        let (id, mut before) = (incident.id, incident);
        let _turn = self.turn(id).await?;
        for _ in 0..MAX_CONFLICT_RETRIES {
            failpoint::hit("before_fire");
            let now = self.inner.now().max(before.last_recorded_at);
            let Some((prepared, fired)) = self.prepare_fire(&before, now)? else {
                return Ok(None);
            };
            match self.commit(prepared).await {
                Err(Error::Store(StoreError::Conflict)) => before = self.get(id).await?,
                Err(error) => return Err(error),
                Ok(_) => {
                    failpoint::hit("after_fire");
                    self.raise_late(&before, &fired, now);
                    return Ok(Some(fired.len()));
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
    ) -> Result<Option<(PreparedCommand, Vec<RuleFired>)>, Error> {
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
            .map(|fired| audit_of(before.id, fired, self.count_notices(fired), &policy, now));
        prepared.commit.audit.extend(audit);
        let events: Vec<Event> = due.firings.iter().cloned().map(Event::RuleFired).collect();
        let expected = Some(before.revision);
        self.inner
            .stage(&mut prepared, before, expected, &events, &policy, now)?;
        Ok(Some((prepared, due.firings)))
    }

    /// Returns the number of notices of a firing: one for each group and each of its channels.
    fn count_notices(&self, fired: &RuleFired) -> usize {
        let groups = fired.notify.iter();
        groups
            .map(|group| self.inner.channels_of(group).count())
            .sum()
    }

    /// Raises an alarm for each rule that fired late, unless the last write made it due in the past,
    /// such as a leak that was suspected hours ago.
    fn raise_late(&self, before: &Incident, fired: &[RuleFired], now: Timestamp) {
        let incident_id = before.id;
        let is_late = |fired: &&RuleFired| {
            fired.late && now.since(fired.due_at.max(before.last_recorded_at)) > LATE_AFTER
        };
        for late in fired.iter().filter(is_late) {
            let (rule, since) = (&late.rule, late.due_at);
            tracing::error!(incident.id = %incident_id, %rule, %since, "an escalation rule fired late");
            self.inner.emit(&EngineEvent {
                alarm: Some(Alarm::EscalationLate {
                    incident_id,
                    rule: rule.clone(),
                    since,
                }),
                ..EngineEvent::default()
            });
        }
    }
}

fn audit_of(
    id: IncidentId,
    fired: &RuleFired,
    notices: usize,
    by: &Actor,
    now: Timestamp,
) -> AuditDraft {
    let detail = [
        ("rule", fired.rule.to_string()),
        ("trigger", fired.trigger.name().to_owned()),
        ("epoch", fired.epoch.to_string()),
        ("level", fired.n.to_string()),
        ("due_at", fired.due_at.to_string()),
        ("late", fired.late.to_string()),
        ("groups", fired.groups()),
        ("notices", notices.to_string()),
    ];
    let detail: BTreeMap<String, String> =
        detail.map(|(name, value)| (name.to_owned(), value)).into();
    AuditDraft::allowed(by.clone(), now, Some(id), FIRE_RULE, detail)
}

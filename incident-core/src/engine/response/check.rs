//! The check that what the policy asks for has happened.

use std::sync::Arc;
use std::time::Duration;

use crate::Timestamp;
use crate::engine::{Alarm, EngineEvent, Error, Incidents, WorkerHandle};
use crate::incident::Incident;
use crate::port::IncidentFilter;
use crate::response::{EndedBefore, MISSING_AFTER, Missing, due, missing};

/// Time for which a firing is checked: a notice is given up after a day.
const CHECKED_FOR: Duration = Duration::from_secs(26 * 60 * 60);

impl WorkerHandle<'_> {
    /// Compares what is due by the policy with what the audit trail records, and raises an
    /// [`Alarm::EscalationMissing`] or [`Alarm::PageOverdue`] for each rule, notice or page that is
    /// more than five minutes late without a trace. Returns their number.
    ///
    /// It finds what a fault would otherwise hide: a worker that skips an incident, a message that
    /// disappeared from the outbox. Call it every few minutes; an alarm is raised again each time
    /// while its cause lasts. It writes nothing.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn check_escalations(self) -> Result<usize, Error> {
        self.0.on_relay().check_all().await
    }
}

impl Incidents {
    async fn check_all(&self) -> Result<usize, Error> {
        // Read before the incidents: what was committed before its times has ended.
        let ended = self.ended_before().await?;
        let mut pages = self.pages(IncidentFilter {
            with_clocks: true,
            skip_unreadable: true,
            ..IncidentFilter::default()
        });
        let mut count = 0;
        while let Some(incident) = pages.next().await? {
            count += self.check_one(&incident, ended).await;
        }
        Ok(count)
    }

    async fn ended_before(&self) -> Result<EndedBefore, Error> {
        let (now, timeout) = (self.inner.now(), self.inner.settings.store_deadline);
        Ok(EndedBefore::of(&self.store.backlog(timeout).await?, now))
    }

    /// Checks an incident, and raises the alarms. A failure is logged: it must not keep others from being
    /// checked.
    async fn check_one(&self, incident: &Arc<Incident>, ended: EndedBefore) -> usize {
        match self.begun().missing_of(incident, ended).await {
            Ok(missing) => {
                for one in &missing {
                    self.inner.emit(&EngineEvent {
                        alarm: Some(alarm(incident, one)),
                        ..EngineEvent::default()
                    });
                }
                missing.len()
            }
            Err(error) => {
                tracing::error!(
                    incident.id = %incident.id,
                    error = &error as &dyn std::error::Error,
                    "could not check the escalations of an incident; retrying"
                );
                0
            }
        }
    }

    /// Returns what is missing for an incident at two looks: between the reads of the first one a page may
    /// have been retried, or a rule may have fired.
    async fn missing_of(
        &self,
        incident: &Arc<Incident>,
        ended: EndedBefore,
    ) -> Result<Vec<Missing>, Error> {
        let (policy, now) = (&self.inner.settings.policy, self.inner.now());
        let by = now.saturating_sub(MISSING_AFTER);
        if !is_to_be_checked(incident, now) && due(incident, policy, by).firings.is_empty() {
            return Ok(Vec::new());
        }
        let recorded = self.recorded_firings(incident.id).await?;
        let mut found = missing(incident, policy, &recorded, ended, now);
        if !found.is_empty() {
            let ended = self.ended_before().await?;
            let incident = self.get(incident.id).await?;
            let recorded = self.recorded_firings(incident.id).await?;
            let again = missing(&incident, policy, &recorded, ended, self.inner.now());
            found.retain(|one| again.contains(one));
        }
        Ok(found)
    }
}

/// Returns `true` if an incident has pages or recent firings.
fn is_to_be_checked(incident: &Incident, now: Timestamp) -> bool {
    let since = now.saturating_sub(CHECKED_FOR);
    let fired = incident.clocks.fired.values().map(|mark| mark.at);
    let paged = incident.escalations.iter().map(|one| one.requested_at);
    let paged = paged.chain(incident.paging.begun_at);
    fired.chain(paged).any(|at| since <= at)
}

fn alarm(incident: &Incident, missing: &Missing) -> Alarm {
    let incident_id = incident.id;
    match missing {
        Missing::Firing { rule, since } => {
            tracing::error!(incident.id = %incident_id, %rule, %since, "an escalation rule is due and has not fired");
            escalation(incident, rule, *since)
        }
        Missing::Notice { rule, since } => {
            tracing::error!(incident.id = %incident_id, %rule, %since, "a notice of an escalation rule was not sent and is not in the outbox");
            escalation(incident, rule, *since)
        }
        Missing::Page { rule, since } => {
            let rule = rule.as_ref().map_or("none", |rule| rule.as_str());
            tracing::error!(incident.id = %incident_id, rule, %since, "a page was not accepted and is not in the outbox");
            Alarm::PageOverdue {
                incident_id,
                since: *since,
                target: None,
            }
        }
    }
}

fn escalation(incident: &Incident, rule: &crate::RuleName, since: Timestamp) -> Alarm {
    Alarm::EscalationMissing {
        incident_id: incident.id,
        rule: rule.clone(),
        since,
    }
}

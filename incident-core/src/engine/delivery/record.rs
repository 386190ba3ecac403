//! Recording an outcome: the incident's paging, its entries, audit and message in one commit.

use std::sync::Arc;

use super::deliver::Delivery;
use super::outcome::{
    DeliveryOutcome, alarm, audit_of, audit_of_waiting, pager_actor, timeline_messages,
};
use crate::commit::{Commit, IncidentWrite};
use crate::engine::{EngineEvent, Error, Incidents, metrics};
use crate::incident::Incident;
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{DeliveryResult, PageAction, PageEvent, PagingState};
use crate::port::StoreError;
use crate::timeline::{EntryDraft, EntryKind};
use crate::{Text, Timestamp, failpoint};

impl Incidents {
    /// Completes a message of which nothing else is recorded.
    pub(in crate::engine) async fn reschedule(
        &self,
        claim: &Claim,
        outcome: JobOutcome,
    ) -> Result<(), Error> {
        let commit = Commit {
            completes: Some(claim.complete(outcome)),
            ..Commit::default()
        };
        let timeout = self.inner.settings.store_deadline;
        self.store.commit(commit, timeout).await?;
        Ok(())
    }

    /// Records an outcome and notifies listeners. Starts over if the incident was written
    /// meanwhile.
    pub(in crate::engine) async fn record(
        &self,
        delivery: &Delivery<'_>,
        outcome: &DeliveryOutcome,
    ) -> Result<(), Error> {
        let Delivery { claim, page, .. } = delivery;
        let timeout = self.inner.settings.store_deadline;
        loop {
            let before = self.get(page.incident_id).await?;
            let mut commit = Commit {
                completes: Some(claim.complete(outcome.outcome.clone())),
                ..Commit::default()
            };
            let after = self.record_in(&mut commit, &before, page, outcome)?;
            failpoint::hit("before_mark");
            match self.store.commit(commit, timeout).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {
                    failpoint::hit("after_mark");
                    self.recorded(delivery, outcome, &after);
                    return Ok(());
                }
            }
        }
    }

    /// Adds the changes of an outcome to a commit, and returns the incident after them.
    fn record_in(
        &self,
        commit: &mut Commit,
        before: &Incident,
        page: &PageEvent,
        outcome: &DeliveryOutcome,
    ) -> Result<Arc<Incident>, StoreError> {
        let now = self.inner.now().max(before.last_recorded_at);
        let mut after = before.clone();
        let attempt = outcome.attempt.as_ref();
        update_paging_summary(&mut after, page, outcome, now);
        let attempted = attempt.map(|attempt| audit_of(page, attempt, now));
        let grouped = outcome.behind.as_ref();
        let grouped = grouped.map(|covering| audit_of_waiting(covering, page, now));
        commit.audit.extend(attempted.into_iter().chain(grouped));
        let target = attempt.map_or("none", |attempt| attempt.target.name());
        let mut drafts = Vec::new();
        for message in timeline_messages(page, outcome) {
            let (kind, by) = (EntryKind::PageOutcome, pager_actor(target));
            let draft = EntryDraft::new(kind, by, now, Text::cut(&message));
            after.count_entry(&draft);
            drafts.push(draft);
        }
        after.state_mut().revision = before.revision.next();
        let after = Arc::new(after);
        let expected = Some(before.revision);
        let salt = || self.inner.ids.salt();
        let write = IncidentWrite::new(Arc::clone(&after), expected, drafts, salt)?;
        commit.writes.push(write);
        let again = self.resolve_resend(&after, page, outcome, self.inner.now());
        commit.outbox.extend(again);
        Ok(after)
    }

    /// Runs what follows in this process once an outcome is committed.
    fn recorded(&self, delivery: &Delivery<'_>, outcome: &DeliveryOutcome, after: &Incident) {
        let Delivery { claim, page, .. } = delivery;
        if outcome.is_acceptance(page) {
            let waited = self.inner.now().since(claim.message.committed_at);
            metrics::accepted(page.severity, waited);
            self.track_confirmation(after);
            self.record_open_alert(after, page);
        }
        let paging = after.paging_of(page.rule.as_ref());
        let target = paging.and_then(|paging| paging.target.clone());
        self.inner.emit(&EngineEvent {
            incidents: vec![page.incident_id],
            alarm: alarm(claim, page, outcome, target),
            ..EngineEvent::default()
        });
    }
}

/// Updates the incident's summary of its page.
fn update_paging_summary(
    after: &mut Incident,
    page: &PageEvent,
    outcome: &DeliveryOutcome,
    now: Timestamp,
) {
    let Some(paging) = after.paging_mut(page.rule.as_ref()) else {
        return;
    };
    let attempt = outcome.attempt.as_ref();
    paging.possible_double_wakes += u32::from(attempt.is_some_and(|one| one.perhaps_twice));
    if page.epoch != paging.epoch {
        return;
    }
    paging.waits_behind = outcome.behind.as_ref().map(|leader| leader.id);
    if outcome.overdue.is_some() {
        paging.overdue_at = Some(now);
    }
    if let Some(attempt) = attempt
        && page.action == PageAction::Trigger
    {
        paging.attempts += 1;
        paging.target = Some(attempt.target.clone());
        match &attempt.answer {
            DeliveryResult::Accepted(receipt) => {
                paging.touch(&attempt.target);
                paging.state = PagingState::Accepted;
                paging.accepted_at = Some(now);
                paging.receipt = Some(receipt.clone());
                paging.error = None;
            }
            DeliveryResult::Unknown => {
                paging.touch(&attempt.target);
                paging.state = PagingState::Failing;
                paging.error = Some(format!("{}: no response", attempt.target));
            }
            DeliveryResult::NotSent(not_sent) => {
                paging.state = PagingState::Failing;
                paging.error = Some(format!("{}: {}", attempt.target, not_sent.reason.words()));
            }
        }
    }
    paging.next_attempt_at = None;
    match (page.action, &outcome.outcome) {
        (PageAction::Trigger, JobOutcome::DeadLettered { .. }) => {
            paging.state = PagingState::GivenUp;
            paging
                .error
                .get_or_insert_with(|| "no pager is configured".to_owned());
        }
        (PageAction::Trigger, JobOutcome::Retry { due_at, .. }) => {
            paging.next_attempt_at = Some(*due_at)
        }
        (
            PageAction::Acknowledge | PageAction::Resolve,
            JobOutcome::Done | JobOutcome::DeadLettered { .. },
        ) if paging.accepted_at.is_none() => {
            paging.state = PagingState::Superseded;
        }
        _ => {}
    }
}

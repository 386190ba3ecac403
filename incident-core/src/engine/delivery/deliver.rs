//! One step in the life of a page: ask what is next, do it, keep the outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::gates::Next;
use super::outcome::{
    Attempt, DeliveryOutcome, alarm, audit_of, audit_of_waiting, pager_actor, timeline_messages,
};
use super::resend::is_stale_resend;
use crate::audit::AuditDraft;
use crate::commit::{Commit, IncidentWrite};
use crate::engine::commands::stage::StagedChange;
use crate::engine::{EngineEvent, Error, Incidents, metrics};
use crate::incident::{Incident, Severity};
use crate::outbox::{Claim, JobOutcome, LeaseCompletion};
use crate::paging::{
    DeliveryLog, DeliveryMode, DeliveryResult, FailoverPolicy, NextAction, NotSent, NotSentReason,
    PageAction, PageEvent, PagingState, TargetId, next_step,
};
use crate::port::StoreError;
use crate::timeline::{EntryDraft, EntryKind};
use crate::{Text, Timestamp, failpoint};

impl Incidents {
    pub(in crate::engine) async fn deliver(
        &self,
        claim: Claim,
        mut page: PageEvent,
        sent: &AtomicBool,
    ) -> Result<(), Error> {
        let incident = self.get(page.incident_id).await?;
        if incident.redacted_at.is_some() {
            // It may have been claimed before the words were erased in the outbox.
            page.reword(&incident);
        }
        let policy = self.failover(page.pressing());
        let (goal, targets) = self.targets(&incident, &page, &claim.message.log);
        let mut log = claim.message.log.clone();
        let stale = match page.action {
            PageAction::Trigger => is_stale_trigger(&incident, &page),
            PageAction::Acknowledge | PageAction::Resolve | PageAction::Reprioritise => {
                page.is_resend && is_stale_resend(&incident, &page)
            }
        };
        if stale {
            let delivery = DeliveryOutcome {
                attempt: None,
                outcome: JobOutcome::Cancelled,
                overdue: None,
                behind: None,
            };
            return self.commit_outcome(&claim, &page, &delivery).await;
        }
        if let Some(leader) = self.covering_alert(&claim, &page, &incident).await? {
            return self.group_under(leader, &claim, &page, &incident).await;
        }
        let (mut attempt, mut held) = (None, None);
        let who = (claim.message.id, page.pressing());
        let (next, holds) = self.choose(goal, &targets, &mut log, policy, who);
        match next {
            Next::Send(target) => {
                let seed = jitter_seed(&claim);
                sent.store(true, Ordering::Relaxed);
                attempt = Some(self.attempt(target, &page, &mut log, policy, seed).await);
            }
            Next::Held(until) => held = Some(until),
            Next::Nothing => {}
        }
        let (now, tried) = (self.0.now(), log.clone());
        let held_log = DeliveryLog::with_holds(&log, &holds);
        let step = next_step(goal, &targets, &held_log, policy, now);
        let mut outcome = outcome_of_step(step, held, log, now);
        if page.is_resend {
            // Told before: once more is enough, whatever comes of it.
            outcome = JobOutcome::Done;
        }
        cap_superseded_retry(&claim, &page, &incident, &mut outcome, now);
        let overdue = self.overdue(&incident, &claim, &page, &mut outcome);
        if attempt.is_none() && overdue.is_none() && matches!(outcome, JobOutcome::Retry { .. }) {
            self.reschedule(&claim, outcome).await?;
            if matches!(page.pressing(), Severity::Sev1 | Severity::Sev2) {
                self.probe(&page, &targets, &tried).await;
            }
            return Ok(());
        }
        let delivery = DeliveryOutcome {
            attempt,
            outcome,
            overdue,
            behind: None,
        };
        self.commit_outcome(&claim, &page, &delivery).await?;
        self.probe(&page, &targets, &tried).await;
        Ok(())
    }

    /// For how long nobody has been paged, if that is to be said now. If it is
    /// to be said later, the message comes back by then.
    fn overdue(
        &self,
        incident: &Incident,
        claim: &Claim,
        page: &PageEvent,
        outcome: &mut JobOutcome,
    ) -> Option<Duration> {
        let JobOutcome::Retry { due_at, .. } = outcome else {
            return None;
        };
        let paging = incident.paging_of(page.rule.as_ref())?;
        let said = paging.overdue_at.is_some() || page.epoch != paging.epoch;
        if said || page.action != PageAction::Trigger {
            return None;
        }
        let timeout = self.0.settings.policy.accept_within(page.pressing())?;
        let (since, now) = (claim.message.committed_at, self.0.now());
        let alarm_at = since.saturating_add(timeout);
        if alarm_at <= now {
            return Some(now.since(since));
        }
        *due_at = alarm_at.min(*due_at);
        None
    }

    /// Nothing happened, so nothing is told: the message comes back later.
    pub(in crate::engine) async fn reschedule(
        &self,
        claim: &Claim,
        outcome: JobOutcome,
    ) -> Result<(), Error> {
        let commit = Commit {
            completes: Some(LeaseCompletion {
                message: claim.message.id,
                lease: claim.lease,
                outcome,
            }),
            ..Commit::default()
        };
        let timeout = self.0.settings.store_deadline;
        self.0.store.commit(commit, timeout).await?;
        Ok(())
    }

    fn failover(&self, severity: Severity) -> &FailoverPolicy {
        match severity {
            Severity::Sev1 | Severity::Sev2 => &self.0.settings.urgent,
            Severity::Sev3 | Severity::Sev4 => &self.0.settings.calm,
        }
    }

    /// A trigger goes to the first configured target that takes it; acknowledge
    /// and resolve go to every target that may hold the alert.
    fn targets(
        &self,
        incident: &Incident,
        page: &PageEvent,
        log: &[DeliveryLog],
    ) -> (DeliveryMode, Vec<TargetId>) {
        match page.action {
            PageAction::Trigger => {
                // A retired target that may have taken this very page comes first:
                // asking another one could wake a second time.
                let retired = self.0.retired.iter().map(|pager| pager.target_id());
                let started =
                    retired.filter(|target| log.iter().any(|entry| entry.target == *target));
                let current = match &page.rule {
                    Some(rule) => self.0.escalation_pagers(rule),
                    None => &self.0.pagers,
                };
                let current = current.iter().map(|pager| pager.target_id());
                (DeliveryMode::FirstSuccess, started.chain(current).collect())
            }
            PageAction::Acknowledge | PageAction::Resolve => {
                let paging = incident.paging_of(page.rule.as_ref());
                let touched = paging.map(|paging| paging.touched.clone());
                (DeliveryMode::All, touched.unwrap_or_default())
            }
            PageAction::Reprioritise => {
                let follows = |target: &&TargetId| {
                    let pager = self.0.pager(target);
                    pager.is_some_and(|pager| pager.follows_severity())
                };
                let touched = incident.paging.touched.iter();
                (
                    DeliveryMode::All,
                    touched.filter(follows).cloned().collect(),
                )
            }
        }
    }

    pub(in crate::engine) async fn attempt(
        &self,
        target: TargetId,
        page: &PageEvent,
        log: &mut Vec<DeliveryLog>,
        policy: &FailoverPolicy,
        seed: u64,
    ) -> Attempt {
        let started = self.0.now();
        failpoint::hit("before_send");
        let answer = match self.0.pager(&target) {
            Some(pager) => self.send(pager.as_ref(), page).await,
            // It was configured when the alert was opened and is not any more.
            None => DeliveryResult::NotSent(NotSent {
                reason: NotSentReason::NotConfigured,
                retry_after: None,
            }),
        };
        failpoint::hit("after_send");
        metrics::attempt(&target, page.action, &answer, self.0.now().since(started));
        let down = self.note_answer(&target, &answer).await;
        let may_have = |entry: &DeliveryLog| entry.unknown_since.is_some();
        let elsewhere = log.iter().any(|one| one.target != target && may_have(one));
        let now = self.0.now();
        let (first, took) = DeliveryLog::change(log, &target, started, |entry| {
            let first = entry.attempts == 0;
            let took = !matches!(answer, DeliveryResult::NotSent(_)) && !may_have(entry);
            entry.note(&answer, now, &policy.backoff, seed);
            let urgent = matches!(page.pressing(), Severity::Sev1 | Severity::Sev2);
            if down && urgent {
                // The gate gives turns to those that wait for a target that is down, and
                // calls all of them when it works again; a wait of its own would keep
                // this page from both.
                entry.not_before = now;
            }
            (first, took)
        });
        let perhaps_twice = page.action == PageAction::Trigger && elsewhere && took;
        if perhaps_twice {
            metrics::perhaps_twice(&target);
        }
        Attempt {
            target,
            answer,
            first,
            perhaps_twice,
        }
    }

    /// Keeps an outcome: the incident's paging, entry, audit and message in one
    /// commit. Decided anew when the incident was written meanwhile.
    pub(in crate::engine) async fn commit_outcome(
        &self,
        claim: &Claim,
        page: &PageEvent,
        delivery: &DeliveryOutcome,
    ) -> Result<(), Error> {
        loop {
            let before = self.get(page.incident_id).await?;
            let (staged, audit) = self.outcome_of(&before, page, delivery);
            let after = staged.after;
            let shown = after.paging_of(page.rule.as_ref());
            let shown = shown.and_then(|paging| paging.target.clone());
            let again = self.resolve_resend(&after, page, delivery, self.0.now());
            let commit = Commit {
                writes: vec![staged.write],
                audit,
                outbox: again.into_iter().collect(),
                completes: Some(LeaseCompletion {
                    message: claim.message.id,
                    lease: claim.lease,
                    outcome: delivery.outcome.clone(),
                }),
                ..Commit::default()
            };
            failpoint::hit("before_mark");
            match self
                .0
                .store
                .commit(commit, self.0.settings.store_deadline)
                .await
            {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {
                    failpoint::hit("after_mark");
                    if delivery.is_acceptance(page) {
                        let waited = self.0.now().since(claim.message.committed_at);
                        metrics::accepted(page.severity, waited);
                        self.track_confirmation(&after);
                        self.record_open_alert(&after, page);
                    }
                    self.0.emit(&EngineEvent {
                        incidents: vec![page.incident_id],
                        alarm: alarm(claim, page, delivery, shown),
                        ..EngineEvent::default()
                    });
                    return Ok(());
                }
            }
        }
    }

    fn outcome_of(
        &self,
        before: &Arc<Incident>,
        page: &PageEvent,
        delivery: &DeliveryOutcome,
    ) -> (StagedChange, Vec<AuditDraft>) {
        let now = self.0.now().max(before.last_recorded_at);
        let mut after = Incident::clone(before);
        let attempt = delivery.attempt.as_ref();
        update_paging_summary(&mut after, page, delivery, now);
        let mut audit = Vec::new();
        let mut entries = Vec::new();
        let mut seqs = Vec::new();
        if let Some(attempt) = attempt {
            audit.push(audit_of(page, attempt, now));
        }
        if let Some(leader) = &delivery.behind {
            audit.push(audit_of_waiting(leader, page, now));
        }
        for message in timeline_messages(page, delivery) {
            let target = attempt.map_or("none", |attempt| attempt.target.name());
            let draft = EntryDraft::new(
                EntryKind::PageOutcome,
                pager_actor(target),
                now,
                Text::cut(&message),
            );
            seqs.push(after.count_entry(&draft));
            entries.push((draft, self.0.ids.salt()));
        }
        after.state_mut().revision = before.revision.next();
        let expected = Some(before.revision);
        let after = Arc::new(after);
        let write = IncidentWrite::new(Arc::clone(&after), expected, entries);
        (
            StagedChange {
                after,
                seqs,
                write,
                outbox: Vec::new(),
                recompute: false,
                public: false,
                alarm: None,
            },
            audit,
        )
    }
}

/// Calling off an older page holds up the page that follows it only so long.
const MAX_HOLD_UP: Duration = Duration::from_secs(60);

/// A newer page of the incident waits behind this one. What could not be called
/// off by then stays known as open, and is called off with the newer one.
fn cap_superseded_retry(
    claim: &Claim,
    page: &PageEvent,
    incident: &Incident,
    outcome: &mut JobOutcome,
    now: Timestamp,
) {
    let JobOutcome::Retry { due_at, .. } = outcome else {
        return;
    };
    let until = claim.message.committed_at.saturating_add(MAX_HOLD_UP);
    let newer_waits = incident
        .paging_of(page.rule.as_ref())
        .is_some_and(|paging| {
            let waits = matches!(paging.state, PagingState::Pending | PagingState::Failing);
            page.epoch < paging.epoch && waits
        });
    if page.action == PageAction::Trigger || !newer_waits {
        return;
    }
    if until <= now {
        tracing::warn!(incident.id = %page.incident_id, "an older page could not be called off in time; the newer one goes out");
        *outcome = JobOutcome::Done;
    } else {
        *due_at = until.min(*due_at);
    }
}

/// What becomes of a message whose next step is this one.
pub(in crate::engine) fn outcome_of_step(
    step: NextAction,
    held: Option<Timestamp>,
    log: Vec<DeliveryLog>,
    now: Timestamp,
) -> JobOutcome {
    match (step, held) {
        (NextAction::Done, _) => JobOutcome::Done,
        (NextAction::GiveUp, _) => JobOutcome::DeadLettered { log },
        (_, Some(due_at)) | (NextAction::Wait(due_at), None) => JobOutcome::Retry { due_at, log },
        (NextAction::Send(_), None) => JobOutcome::Retry { due_at: now, log },
    }
}

pub(in crate::engine) fn jitter_seed(claim: &Claim) -> u64 {
    claim.message.id.uuid().as_u64_pair().1
}

/// A trigger that is wanted no more: a newer page took its place, or it is an
/// escalation of an incident that ended.
fn is_stale_trigger(incident: &Incident, page: &PageEvent) -> bool {
    let newest = incident.paging_of(page.rule.as_ref());
    let older = newest.is_none_or(|paging| page.epoch < paging.epoch);
    older || (page.rule.is_some() && !incident.status.is_live())
}

/// The incident's own picture of its page.
fn update_paging_summary(
    after: &mut Incident,
    page: &PageEvent,
    delivery: &DeliveryOutcome,
    now: Timestamp,
) {
    let Some(paging) = after.paging_mut(page.rule.as_ref()) else {
        return;
    };
    let attempt = delivery.attempt.as_ref();
    paging.possible_double_wakes += u32::from(attempt.is_some_and(|one| one.perhaps_twice));
    if page.epoch != paging.epoch {
        return;
    }
    paging.waits_behind = delivery.behind.as_ref().map(|leader| leader.id);
    if delivery.overdue.is_some() {
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
                paging.error = Some(format!("{}: no answer", attempt.target));
            }
            DeliveryResult::NotSent(not_sent) => {
                paging.state = PagingState::Failing;
                paging.error = Some(format!("{}: {}", attempt.target, not_sent.reason.words()));
            }
        }
    }
    paging.next_attempt_at = None;
    match (page.action, &delivery.outcome) {
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

#[cfg(test)]
mod tests;

//! One step in the life of a page: ask what is next, do it, keep the outcome.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::gates::Next;
use super::gather::Gathered;
use super::{Alarm, Error, Incidents, Notice, meter};
use crate::actor::{Actor, ActorKind};
use crate::audit::{AuditDraft, AuditOutcome};
use crate::commit::{Commit, IncidentWrite};
use crate::incident::{Incident, Severity};
use crate::outbox::{Claim, Settled, Settlement};
use crate::paging::{
    FailoverPolicy, Goal, NotSent, NotSentReason, PageAction, PageAnswer, PageEvent, PagingState,
    Receipt, Step, TargetId, TargetLog, next_step,
};
use crate::port::StoreError;
use crate::timeline::{EntryDraft, EntryKind};
use crate::{PersonName, Text, Timestamp, failpoint};

/// One attempt at one target.
struct Attempt {
    target: TargetId,
    answer: PageAnswer,
    /// Whether it was the first at this target.
    first: bool,
    /// A target before this one may have taken the page too: somebody may have
    /// been woken twice.
    perhaps_twice: bool,
}

impl Attempt {
    const fn is_reduced(&self) -> bool {
        matches!(&self.answer, PageAnswer::Accepted(receipt) if receipt.reduced)
    }
}

impl Told {
    fn is_acceptance(&self, page: &PageEvent) -> bool {
        let attempt = self.attempt.as_ref().map(|attempt| &attempt.answer);
        page.action == PageAction::Trigger && matches!(attempt, Some(PageAnswer::Accepted(_)))
    }
}

/// What is to be kept of one step.
struct Told {
    attempt: Option<Attempt>,
    outcome: Settled,
    /// No pager has accepted it for so long: the alarm goes off now.
    overdue: Option<Duration>,
}

impl Incidents {
    pub(super) async fn page(&self, claim: Claim, page: PageEvent) -> Result<(), Error> {
        let incident = self.get(page.incident_id).await?;
        let policy = self.failover(page.severity);
        let (goal, targets) = self.targets(&incident, &page, &claim.message.log);
        let mut log = claim.message.log.clone();
        let stale = page.action == PageAction::Trigger && page.epoch < incident.paging.epoch;
        if stale {
            let told = Told {
                attempt: None,
                outcome: Settled::Superseded,
                overdue: None,
            };
            return self.keep_outcome(&claim, &page, &told).await;
        }
        let (mut attempt, mut held) = (None, None);
        let who = (claim.message.id, page.severity);
        match self.choose(goal, &targets, &mut log, policy, who) {
            Next::Send(target) => {
                let seed = seed_of(&claim);
                attempt = Some(self.attempt(target, &page, &mut log, policy, seed).await);
            }
            Next::Held(until) => held = Some(until),
            Next::Nothing => {}
        }
        let (now, tried) = (self.0.now(), log.clone());
        let mut outcome = match (next_step(goal, &targets, &log, policy, now), held) {
            (Step::Done, _) => Settled::Done,
            (Step::GiveUp, _) => Settled::GivenUp { log },
            (_, Some(due_at)) | (Step::Wait(due_at), None) => Settled::Later { due_at, log },
            (Step::Send(_), None) => Settled::Later { due_at: now, log },
        };
        hurry(&claim, &page, &incident, &mut outcome, now);
        let overdue = self.overdue(&incident, &claim, &page, &mut outcome);
        if attempt.is_none() && overdue.is_none() && matches!(outcome, Settled::Later { .. }) {
            return self.put_off(&claim, outcome).await;
        }
        let told = Told {
            attempt,
            outcome,
            overdue,
        };
        self.keep_outcome(&claim, &page, &told).await?;
        if told.outcome == Settled::Done {
            self.probe(&page, &tried).await;
        }
        Ok(())
    }

    /// For how long nobody has been paged, if that is to be said now. If it is
    /// to be said later, the message comes back by then.
    fn overdue(
        &self,
        incident: &Incident,
        claim: &Claim,
        page: &PageEvent,
        outcome: &mut Settled,
    ) -> Option<Duration> {
        let Settled::Later { due_at, .. } = outcome else {
            return None;
        };
        let said = incident.paging.overdue_at.is_some() || page.epoch != incident.paging.epoch;
        if said || page.action != PageAction::Trigger {
            return None;
        }
        let within = self.0.settings.policy.accept_within(page.severity)?;
        let (since, now) = (claim.message.committed_at, self.0.now());
        let alarm_at = since.saturating_add(within);
        if alarm_at <= now {
            return Some(now.since(since));
        }
        *due_at = alarm_at.min(*due_at);
        None
    }

    /// Nothing happened, so nothing is told: the message comes back later.
    async fn put_off(&self, claim: &Claim, outcome: Settled) -> Result<(), Error> {
        let commit = Commit {
            settles: Some(Settlement {
                message: claim.message.id,
                lease: claim.lease,
                outcome,
            }),
            ..Commit::default()
        };
        let within = self.0.settings.store_deadline;
        self.0.store.commit(commit, within).await?;
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
        log: &[TargetLog],
    ) -> (Goal, Vec<TargetId>) {
        match page.action {
            PageAction::Trigger => {
                // A retired target that may have taken this very page comes first:
                // asking another one could wake a second time.
                let retired = self.0.retired.iter().map(|pager| pager.target_id());
                let started =
                    retired.filter(|target| log.iter().any(|entry| entry.target == *target));
                let current = self.0.pagers.iter().map(|pager| pager.target_id());
                (Goal::First, started.chain(current).collect())
            }
            PageAction::Acknowledge | PageAction::Resolve => {
                (Goal::Every, incident.paging.touched.clone())
            }
            PageAction::Reprioritise => {
                let follows = |target: &&TargetId| {
                    let pager = self.0.pager(target);
                    pager.is_some_and(|pager| pager.follows_severity())
                };
                let touched = incident.paging.touched.iter();
                (Goal::Every, touched.filter(follows).cloned().collect())
            }
        }
    }

    async fn attempt(
        &self,
        target: TargetId,
        page: &PageEvent,
        log: &mut Vec<TargetLog>,
        policy: &FailoverPolicy,
        seed: u64,
    ) -> Attempt {
        let started = self.0.now();
        failpoint::hit("before_send");
        let answer = match self.0.pager(&target) {
            Some(pager) => pager.send(page, self.0.settings.pager_deadline).await,
            // It was configured when the alert was opened and is not any more.
            None => PageAnswer::NotSent(NotSent {
                reason: NotSentReason::NotConfigured,
                retry_after: None,
            }),
        };
        failpoint::hit("after_send");
        meter::attempt(&target, page.action, &answer, self.0.now().since(started));
        self.note_answer(&target, &answer);
        let may_have = |entry: &TargetLog| entry.unknown_since.is_some();
        let elsewhere = log.iter().any(|one| one.target != target && may_have(one));
        let now = self.0.now();
        let (first, took) = TargetLog::change(log, &target, started, |entry| {
            let first = entry.attempts == 0;
            let took = !matches!(answer, PageAnswer::NotSent(_)) && !may_have(entry);
            entry.note(&answer, now, &policy.backoff, seed);
            (first, took)
        });
        let perhaps_twice = page.action == PageAction::Trigger && elsewhere && took;
        if perhaps_twice {
            meter::perhaps_twice(&target);
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
    async fn keep_outcome(
        &self,
        claim: &Claim,
        page: &PageEvent,
        told: &Told,
    ) -> Result<(), Error> {
        loop {
            let before = self.get(page.incident_id).await?;
            let (gathered, audit) = self.outcome_of(&before, page, told);
            let after = gathered.after;
            let shown = after.paging.target.clone();
            let commit = Commit {
                writes: vec![gathered.write],
                audit,
                settles: Some(Settlement {
                    message: claim.message.id,
                    lease: claim.lease,
                    outcome: told.outcome.clone(),
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
                    if told.is_acceptance(page) {
                        let waited = self.0.now().since(claim.message.committed_at);
                        meter::accepted(page.severity, waited);
                        self.look_after(&after);
                    }
                    self.0.tell(&Notice {
                        incidents: vec![page.incident_id],
                        alarm: alarm(claim, page, told, shown),
                        ..Notice::default()
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
        told: &Told,
    ) -> (Gathered, Vec<AuditDraft>) {
        let now = self.0.now().max(before.last_recorded_at);
        let mut after = Incident::clone(before);
        let attempt = told.attempt.as_ref();
        show(&mut after, page, told, now);
        let mut audit = Vec::new();
        let mut entries = Vec::new();
        let mut seqs = Vec::new();
        if let Some(attempt) = attempt {
            audit.push(audit_of(page, attempt, now));
        }
        for message in sentences(page, told) {
            let target = attempt.map_or("none", |attempt| attempt.target.name());
            let draft = EntryDraft::new(
                EntryKind::PageOutcome,
                pager_actor(target),
                now,
                Text::made(&message),
            );
            seqs.push(after.count_entry(&draft));
            entries.push((draft, self.0.ids.salt()));
        }
        after.state_mut().revision = before.revision.next();
        let write = IncidentWrite {
            after: Arc::new(after.clone()),
            expected: Some(before.revision),
            entries,
        };
        (
            Gathered {
                after,
                seqs,
                write,
                outbox: Vec::new(),
                settle: false,
                public: false,
            },
            audit,
        )
    }
}

/// Calling off an older page holds up the page that follows it only so long.
const HELD_UP: Duration = Duration::from_secs(60);

/// A newer page of the incident waits behind this one. What could not be called
/// off by then stays known as open, and is called off with the newer one.
fn hurry(
    claim: &Claim,
    page: &PageEvent,
    incident: &Incident,
    outcome: &mut Settled,
    now: Timestamp,
) {
    let Settled::Later { due_at, .. } = outcome else {
        return;
    };
    let until = claim.message.committed_at.saturating_add(HELD_UP);
    if page.action == PageAction::Trigger || page.epoch >= incident.paging.epoch {
        return;
    }
    if until <= now {
        tracing::warn!(incident.id = %page.incident_id, "an older page could not be called off in time; the newer one goes out");
        *outcome = Settled::Done;
    } else {
        *due_at = until.min(*due_at);
    }
}

fn seed_of(claim: &Claim) -> u64 {
    claim.message.id.uuid().as_u64_pair().1
}

/// The incident's own picture of its page.
fn show(after: &mut Incident, page: &PageEvent, told: &Told, now: Timestamp) {
    let paging = &mut after.state_mut().paging;
    let attempt = told.attempt.as_ref();
    paging.possible_double_wakes += u32::from(attempt.is_some_and(|one| one.perhaps_twice));
    if page.epoch != paging.epoch {
        return;
    }
    if told.overdue.is_some() {
        paging.overdue_at = Some(now);
    }
    if let Some(attempt) = attempt
        && page.action == PageAction::Trigger
    {
        paging.attempts += 1;
        paging.target = Some(attempt.target.clone());
        match &attempt.answer {
            PageAnswer::Accepted(receipt) => {
                paging.touch(&attempt.target);
                paging.state = PagingState::Accepted;
                paging.accepted_at = Some(now);
                paging.receipt = Some(receipt.clone());
                paging.error = None;
            }
            PageAnswer::Unknown => {
                paging.touch(&attempt.target);
                paging.state = PagingState::Failing;
                paging.error = Some(format!("{}: no answer", attempt.target));
            }
            PageAnswer::NotSent(not_sent) => {
                paging.state = PagingState::Failing;
                paging.error = Some(format!("{}: {}", attempt.target, not_sent.reason.words()));
            }
        }
    }
    paging.next_attempt_at = None;
    match (page.action, &told.outcome) {
        (PageAction::Trigger, Settled::GivenUp { .. }) => {
            paging.state = PagingState::GivenUp;
            paging
                .error
                .get_or_insert_with(|| "no pager is configured".to_owned());
        }
        (PageAction::Trigger, Settled::Later { due_at, .. }) => {
            paging.next_attempt_at = Some(*due_at)
        }
        (
            PageAction::Acknowledge | PageAction::Resolve,
            Settled::Done | Settled::GivenUp { .. },
        ) if paging.accepted_at.is_none() => {
            paging.state = PagingState::Superseded;
        }
        _ => {}
    }
}

/// What goes off because of a step, beside the log line for it.
fn alarm(claim: &Claim, page: &PageEvent, told: &Told, shown: Option<TargetId>) -> Option<Alarm> {
    let attempt = told.attempt.as_ref();
    let target = attempt.map(|attempt| attempt.target.clone()).or(shown);
    if matches!(told.outcome, Settled::GivenUp { .. }) {
        tracing::error!(incident.id = %page.incident_id, action = ?page.action, "a page is given up: nobody may know");
        return Some(Alarm::PageGivenUp {
            incident_id: page.incident_id,
            action: page.action,
            target,
        });
    }
    if attempt.is_some_and(Attempt::is_reduced) {
        tracing::error!(incident.id = %page.incident_id, "a pager refused a page as it was and took its shortest form");
        return Some(Alarm::PageReduced {
            incident_id: page.incident_id,
            target: attempt.map(|attempt| attempt.target.clone())?,
        });
    }
    let waited = told.overdue?;
    tracing::error!(incident.id = %page.incident_id, seconds = waited.as_secs(), "no pager has accepted a page: nobody may know");
    Some(Alarm::PageOverdue {
        incident_id: page.incident_id,
        since: claim.message.committed_at,
        target,
    })
}

fn sentences(page: &PageEvent, told: &Told) -> Vec<String> {
    let overdue = told.overdue.map(|waited| {
        let seconds = waited.as_secs();
        format!("nobody may know: no pager has accepted the page for {seconds} s")
    });
    happened(page, told).into_iter().chain(overdue).collect()
}

/// The timeline tells the first failure at each target, acceptance and giving
/// up, but not every attempt: a bad hour at the vendor would bury the response.
fn happened(page: &PageEvent, told: &Told) -> Option<String> {
    let (what, attempt) = (page.action.noun(), told.attempt.as_ref());
    if let Settled::GivenUp { .. } = told.outcome {
        let why = attempt.map_or_else(
            || "no pager is configured or time is up".to_owned(),
            reason_of,
        );
        return Some(format!("{what} given up: {why}"));
    }
    let attempt = attempt?;
    if attempt.perhaps_twice {
        let how = reason_of(attempt);
        return Some(format!(
            "{what} went to another pager although one before may have it; somebody may be woken twice. {how}"
        ));
    }
    match &attempt.answer {
        PageAnswer::Accepted(receipt) if receipt.reduced => Some(format!(
            "{what} accepted by {} in its shortest form: the full one was refused",
            attempt.target
        )),
        PageAnswer::Accepted(_) => Some(format!("{what} accepted by {}", attempt.target)),
        PageAnswer::NotSent(_) | PageAnswer::Unknown => attempt
            .first
            .then(|| format!("{what} failed at {}", reason_of(attempt))),
    }
}

fn reason_of(attempt: &Attempt) -> String {
    match &attempt.answer {
        PageAnswer::Accepted(_) => format!("{}: accepted", attempt.target),
        PageAnswer::NotSent(not_sent) => format!("{}: {}", attempt.target, not_sent.reason.words()),
        PageAnswer::Unknown => format!("{}: no answer", attempt.target),
    }
}

pub(super) fn pager_actor(target: &str) -> Actor {
    // `pager:` and a target's name are always a valid name.
    let name = PersonName::new(&format!("pager:{target}"));
    Actor {
        kind: ActorKind::Integration,
        name: name.unwrap_or_else(|_| PersonName::pager()),
    }
}

fn audit_of(page: &PageEvent, attempt: &Attempt, at: Timestamp) -> AuditDraft {
    let answer = match &attempt.answer {
        PageAnswer::Accepted(_) => "accepted",
        PageAnswer::NotSent(_) => "not_sent",
        PageAnswer::Unknown => "unknown",
    };
    let mut detail = BTreeMap::from([
        ("answer".to_owned(), answer.to_owned()),
        ("epoch".to_owned(), page.epoch.to_string()),
    ]);
    if let PageAnswer::Accepted(Receipt {
        request_id: Some(id),
        ..
    }) = &attempt.answer
    {
        // What the vendor's support asks for.
        detail.insert("request_id".to_owned(), id.clone());
    }
    AuditDraft {
        incident_id: Some(page.incident_id),
        at,
        actor: pager_actor(attempt.target.name()),
        action: format!("page_{}", page.action.name()),
        outcome: AuditOutcome::Allowed,
        detail,
    }
}

//! One step in the life of a page: ask what is next, do it, keep the outcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gather::Gathered;
use super::{Alarm, Error, Incidents, Notice};
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
}

impl Incidents {
    pub(super) async fn page(&self, claim: Claim, page: PageEvent) -> Result<(), Error> {
        let incident = self.get(page.incident_id).await?;
        let policy = self.failover(page.severity);
        let (goal, targets) = self.targets(&incident, &page, &claim.message.log);
        let mut log = claim.message.log.clone();
        let stale = page.action == PageAction::Trigger && page.epoch < incident.paging.epoch;
        if stale {
            return self
                .keep_outcome(&claim, &page, None, Settled::Superseded)
                .await;
        }
        let attempt = match next_step(goal, &targets, &log, policy, self.0.now()) {
            Step::Send(target) => Some(
                self.attempt(target, &page, &mut log, policy, seed_of(&claim))
                    .await,
            ),
            Step::Wait(_) | Step::Done | Step::GiveUp => None,
        };
        let outcome = match next_step(goal, &targets, &log, policy, self.0.now()) {
            Step::Done => Settled::Done,
            Step::GiveUp => Settled::GivenUp { log },
            Step::Wait(due_at) => Settled::Later { due_at, log },
            Step::Send(_) => Settled::Later {
                due_at: self.0.now(),
                log,
            },
        };
        self.keep_outcome(&claim, &page, attempt.as_ref(), outcome)
            .await
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
        if !log.iter().any(|entry| entry.target == target) {
            log.push(TargetLog::untried(target.clone(), started));
        }
        let mut first = false;
        if let Some(entry) = log.iter_mut().find(|entry| entry.target == target) {
            first = entry.attempts == 0;
            entry.note(&answer, self.0.now(), &policy.backoff, seed);
        }
        Attempt {
            target,
            answer,
            first,
        }
    }

    /// Keeps an outcome: the incident's paging, entry, audit and message in one
    /// commit. Decided anew when the incident was written meanwhile.
    async fn keep_outcome(
        &self,
        claim: &Claim,
        page: &PageEvent,
        attempt: Option<&Attempt>,
        outcome: Settled,
    ) -> Result<(), Error> {
        loop {
            let before = self.get(page.incident_id).await?;
            let (gathered, audit) = self.outcome_of(&before, page, attempt, &outcome);
            let shown = gathered.after.paging.target.clone();
            let commit = Commit {
                writes: vec![gathered.write],
                audit,
                settles: Some(Settlement {
                    message: claim.message.id,
                    lease: claim.lease,
                    outcome: outcome.clone(),
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
                    let target = attempt.map(|attempt| attempt.target.clone()).or(shown);
                    let alarm =
                        matches!(outcome, Settled::GivenUp { .. }).then_some(Alarm::PageGivenUp {
                            incident_id: page.incident_id,
                            action: page.action,
                            target,
                        });
                    if alarm.is_some() {
                        tracing::error!(incident.id = %page.incident_id, action = ?page.action, "a page is given up: nobody may know");
                    }
                    self.0.tell(&Notice {
                        incidents: vec![page.incident_id],
                        alarm,
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
        attempt: Option<&Attempt>,
        outcome: &Settled,
    ) -> (Gathered, Vec<AuditDraft>) {
        let now = self.0.now().max(before.last_recorded_at);
        let mut after = Incident::clone(before);
        show(&mut after, page, attempt, outcome, now);
        let mut audit = Vec::new();
        let mut entries = Vec::new();
        let mut seqs = Vec::new();
        if let Some(attempt) = attempt {
            audit.push(audit_of(page, attempt, now));
        }
        if let Some(message) = told(page, attempt, outcome) {
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

fn seed_of(claim: &Claim) -> u64 {
    claim.message.id.uuid().as_u64_pair().1
}

/// The incident's own picture of its page.
fn show(
    after: &mut Incident,
    page: &PageEvent,
    attempt: Option<&Attempt>,
    outcome: &Settled,
    now: Timestamp,
) {
    let paging = &mut after.state_mut().paging;
    if page.epoch != paging.epoch {
        return;
    }
    if let Some(attempt) = attempt
        && page.action == PageAction::Trigger
    {
        paging.attempts += 1;
        paging.target = Some(attempt.target.clone());
        match &attempt.answer {
            PageAnswer::Accepted(_) => {
                paging.touch(&attempt.target);
                paging.state = PagingState::Accepted;
                paging.accepted_at = Some(now);
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
    match (page.action, outcome) {
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

/// The timeline tells the first failure at each target, acceptance and giving
/// up, but not every attempt: a bad hour at the vendor would bury the response.
fn told(page: &PageEvent, attempt: Option<&Attempt>, outcome: &Settled) -> Option<String> {
    let what = page.action.noun();
    if let Settled::GivenUp { .. } = outcome {
        let why = attempt.map_or_else(
            || "no pager is configured or time is up".to_owned(),
            reason_of,
        );
        return Some(format!("{what} given up: {why}"));
    }
    let attempt = attempt?;
    match &attempt.answer {
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

fn pager_actor(target: &str) -> Actor {
    // `pager:` and a target's name are always a valid name.
    let name = PersonName::new(&format!("pager:{target}"));
    Actor {
        kind: ActorKind::Integration,
        name: name.unwrap_or_else(|_| PersonName::pager()),
    }
}

fn audit_of(page: &PageEvent, attempt: &Attempt, at: Timestamp) -> AuditDraft {
    let action = match page.action {
        PageAction::Trigger => "page_trigger",
        PageAction::Acknowledge => "page_acknowledge",
        PageAction::Resolve => "page_resolve",
    };
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
    }) = &attempt.answer
    {
        // What the vendor's support asks for.
        detail.insert("request_id".to_owned(), id.clone());
    }
    AuditDraft {
        incident_id: Some(page.incident_id),
        at,
        actor: pager_actor(attempt.target.name()),
        action: action.to_owned(),
        outcome: AuditOutcome::Allowed,
        detail,
    }
}

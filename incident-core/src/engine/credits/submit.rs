//! Batches, handed to billing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::issue::by_billing;
use crate::billing::{
    Attempts, Batch, CreditState, CreditTransition, Issued, Lookup, Submission, SubmitCheck,
};
use crate::commit::Commit;
use crate::engine::{Alarm, EngineEvent, Error, Incidents, RequestContext};
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{Backoff, DeliveryLog, DeliveryResult, NotSent, NotSentReason, TargetId};
use crate::port::{BillingSink, CreditQuery, LookupBy};
use crate::{CreditId, PersonName, failpoint};

/// Money is in less of a hurry than pages are.
const WAITS: Backoff = Backoff {
    first: Duration::from_secs(2),
    cap: Duration::from_secs(15 * 60),
};

/// How long a batch may be on its way before somebody is told.
const LATE_AFTER: Duration = Duration::from_secs(60 * 60);

/// What came of one look at a batch.
enum Outcome {
    /// The sink has it.
    Accepted,
    /// Try again.
    Later(DeliveryResult),
    /// Do not try again by yourself.
    Held(&'static str),
}

impl Incidents {
    pub(in crate::engine) async fn bill(
        &self,
        claim: &Claim,
        batch: &Batch,
        sent: &AtomicBool,
    ) -> Result<(), Error> {
        let outcome = match &self.inner.billing {
            Some(sink) => self.submit(sink, claim, batch, sent).await?,
            None => Outcome::Later(not_configured()),
        };
        let target = match &self.inner.billing {
            Some(sink) => sink.target_id(),
            None => TargetId::billing(),
        };
        failpoint::hit("before_billed");
        match outcome {
            Outcome::Accepted => self.billed(claim, &target).await,
            Outcome::Later(answer) => self.try_later(claim, &target, &answer).await,
            Outcome::Held(reason) => self.hold(claim, &target, reason).await,
        }
    }

    async fn submit(
        &self,
        sink: &Arc<dyn BillingSink>,
        claim: &Claim,
        batch: &Batch,
        sent: &AtomicBool,
    ) -> Result<Outcome, Error> {
        let target = sink.target_id();
        let message = &claim.message;
        let (since, due_at) = (message.committed_at, message.due_at);
        let attempts = Attempts {
            log: message.log.iter().find(|log| log.target == target),
            leases: claim.lease.token,
            since,
            // Without a log it is due when it was committed, or when it was sent again.
            resent_at: (message.log.is_empty() && since < due_at).then_some(due_at),
        };
        let margin = self.inner.settings.lease;
        if attempts.precaution(sink.key_window(), margin, self.inner.now())
            == SubmitCheck::LookUpFirst
        {
            let keys: Vec<CreditId> = batch.credits()?.iter().map(|one| one.key).collect();
            match self.held_by(sink, LookupBy::Keys(&keys)).await {
                Lookup::Unavailable => return Ok(Outcome::Later(DeliveryResult::Unknown)),
                Lookup::Unsupported
                    if attempts.is_resent(sink.key_window(), margin, self.inner.now()) => {}
                Lookup::Unsupported => {
                    let reason = "the sink may have taken it, forgets keys and cannot be asked";
                    return Ok(Outcome::Held(reason));
                }
                Lookup::Found(held) => {
                    let held: BTreeSet<CreditId> = held.iter().map(|one| one.key).collect();
                    match keys.iter().filter(|key| held.contains(key)).count() {
                        0 => {}
                        all if all == keys.len() => return Ok(Outcome::Accepted),
                        _ => return Ok(Outcome::Held("the sink holds a part of it")),
                    }
                }
            }
        }
        failpoint::hit("before_bill");
        sent.store(true, Ordering::Relaxed);
        let answer = self.submit_to(sink, batch).await;
        failpoint::hit("after_bill");
        Ok(match answer {
            Submission::Accepted | Submission::Duplicate => Outcome::Accepted,
            Submission::NotSent(not_sent) if not_sent.reason.is_permanent() => {
                Outcome::Held(match not_sent.reason {
                    NotSentReason::Unauthorized => "the sink refuses the key",
                    NotSentReason::Unreachable
                    | NotSentReason::RateLimited
                    | NotSentReason::Unavailable
                    | NotSentReason::Rejected
                    | NotSentReason::NotConfigured => "the sink refuses it",
                })
            }
            Submission::NotSent(not_sent) => Outcome::Later(DeliveryResult::NotSent(not_sent)),
            Submission::Unknown => Outcome::Later(DeliveryResult::Unknown),
        })
    }

    async fn billed(&self, claim: &Claim, target: &TargetId) -> Result<(), Error> {
        let (now, timeout) = (self.inner.now(), self.inner.settings.store_deadline);
        let wanted = CreditQuery {
            batch: Some(claim.message.id),
            ..CreditQuery::default()
        };
        let rows = self.ledger(&wanted).await?;
        let accepted = |issued: Issued| Issued {
            accepted_at: Some(now),
            ..issued
        };
        let credits = rows.into_iter().map(|row| CreditTransition {
            id: row.id,
            from: CreditState::Issued,
            to: CreditState::Issued,
            granted: row.granted,
            issued: row.issued.map(accepted),
        });
        let commit = Commit {
            credits: credits.collect(),
            ..self.end(claim, target, "billed_credits", None, JobOutcome::Done)?
        };
        self.store.commit(commit, timeout).await?;
        Ok(())
    }

    async fn try_later(
        &self,
        claim: &Claim,
        target: &TargetId,
        answer: &DeliveryResult,
    ) -> Result<(), Error> {
        let now = self.inner.now();
        let (mut log, seed) = (
            claim.message.log.clone(),
            claim.message.id.uuid().as_u64_pair().1,
        );
        let due_at = DeliveryLog::change(&mut log, target, now, |entry| {
            entry.note(answer, now, &WAITS, seed);
            entry.not_before
        });
        let (batch, since) = (claim.message.id, claim.message.committed_at);
        let commit = Commit {
            completes: Some(claim.complete(JobOutcome::Retry { due_at, log })),
            ..Commit::default()
        };
        self.store
            .commit(commit, self.inner.settings.store_deadline)
            .await?;
        tracing::warn!(%batch, sink = %target, again_at = %due_at, ?answer, "billing did not take credits; trying again");
        if since.saturating_add(LATE_AFTER) <= now {
            self.raise(Alarm::BillingLate { batch, since });
        }
        Ok(())
    }

    async fn hold(
        &self,
        claim: &Claim,
        target: &TargetId,
        reason: &'static str,
    ) -> Result<(), Error> {
        let batch = claim.message.id;
        let outcome = JobOutcome::DeadLettered {
            log: claim.message.log.clone(),
        };
        let commit = self.end(claim, target, "held_credits", Some(reason), outcome)?;
        self.store
            .commit(commit, self.inner.settings.store_deadline)
            .await?;
        tracing::error!(%batch, sink = %target, reason, "credits are held back until somebody looks");
        self.raise(Alarm::BillingHeld { batch, reason });
        Ok(())
    }

    fn raise(&self, alarm: Alarm) {
        self.inner.emit(&EngineEvent {
            alarm: Some(alarm),
            ..EngineEvent::default()
        });
    }

    fn end(
        &self,
        claim: &Claim,
        target: &TargetId,
        action: &str,
        reason: Option<&str>,
        outcome: JobOutcome,
    ) -> Result<Commit, Error> {
        let actor = PersonName::new(&format!("billing:{target}"))?;
        let mut detail = BTreeMap::from([("batch".to_owned(), claim.message.id.to_string())]);
        detail.extend(reason.map(|reason| ("reason".to_owned(), reason.to_owned())));
        let context = RequestContext::new(by_billing(actor));
        Ok(Commit {
            audit: vec![context.allowed(self.inner.now(), None, action, detail)],
            completes: Some(claim.complete(outcome)),
            ..Commit::default()
        })
    }
}

const fn not_configured() -> DeliveryResult {
    DeliveryResult::NotSent(NotSent {
        reason: NotSentReason::NotConfigured,
        retry_after: None,
    })
}

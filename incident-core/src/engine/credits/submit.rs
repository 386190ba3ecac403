//! The submission of batches to billing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::issue::billing_actor;
use crate::audit::AuditDraft;
use crate::billing::{Batch, CreditState, CreditTransition, Issued, Lookup, Submission};
use crate::commit::Commit;
use crate::engine::{Alarm, EngineEvent, Error, Incidents};
use crate::outbox::{Claim, JobOutcome};
use crate::paging::{Backoff, DeliveryLog, DeliveryResult, NotSentReason, TargetId};
use crate::port::{BillingSink, CreditQuery, LookupBy};
use crate::{CreditId, PersonName, failpoint};

/// The waits between submissions; billing is less urgent than pages.
const WAITS: Backoff = Backoff {
    first: Duration::from_secs(2),
    cap: Duration::from_secs(15 * 60),
};

/// Time after which a batch that was not accepted raises an alarm.
const LATE_AFTER: Duration = Duration::from_secs(60 * 60);

impl Incidents {
    /// Submits a batch to the sink and records the outcome. A sink that may have accepted the batch
    /// and forgotten its key is asked first.
    pub(in crate::engine) async fn bill(
        &self,
        claim: &Claim,
        batch: &Batch,
        sent: &AtomicBool,
    ) -> Result<(), Error> {
        let Some(sink) = &self.inner.billing else {
            let answer = DeliveryResult::NotSent(NotSentReason::NotConfigured.into());
            return self.try_later(claim, &TargetId::billing(), &answer).await;
        };
        let target = sink.target_id();
        let (key_window, margin) = (sink.key_window(), self.inner.settings.lease);
        if !claim.must_look_up(&target, key_window, margin, self.inner.now()) {
            return self.submit(sink, claim, batch, sent).await;
        }
        let keys: Vec<CreditId> = batch.credits()?.iter().map(|one| one.key).collect();
        let held = match self.held_by(sink, LookupBy::Keys(&keys)).await {
            Lookup::Found(held) => {
                let held: BTreeSet<CreditId> = held.iter().map(|one| one.key).collect();
                keys.iter().filter(|key| held.contains(key)).count()
            }
            Lookup::Unavailable => {
                let answer = DeliveryResult::Unknown;
                return self.try_later(claim, &target, &answer).await;
            }
            Lookup::Unsupported if claim.is_resent(key_window, margin, self.inner.now()) => 0,
            Lookup::Unsupported => {
                let reason = "delivery is unknown, the key has expired and the sink has no lookup";
                return self.hold(claim, &target, reason).await;
            }
        };
        match held {
            0 => self.submit(sink, claim, batch, sent).await,
            all if all == keys.len() => self.billed(claim, &target).await,
            _ => {
                self.hold(claim, &target, "billing received only part of the batch")
                    .await
            }
        }
    }

    async fn submit(
        &self,
        sink: &Arc<dyn BillingSink>,
        claim: &Claim,
        batch: &Batch,
        sent: &AtomicBool,
    ) -> Result<(), Error> {
        let target = sink.target_id();
        failpoint::hit("before_bill");
        sent.store(true, Ordering::Relaxed);
        let submission = self.submit_to(sink, batch).await;
        failpoint::hit("after_bill");
        match submission {
            Submission::Accepted => self.billed(claim, &target).await,
            Submission::NotSent(not_sent) if not_sent.reason.is_permanent() => {
                let reason = match not_sent.reason {
                    NotSentReason::Unauthorized => "billing rejected the credentials",
                    NotSentReason::Unreachable
                    | NotSentReason::RateLimited
                    | NotSentReason::Unavailable
                    | NotSentReason::Rejected
                    | NotSentReason::NotConfigured => "billing rejected the batch",
                };
                self.hold(claim, &target, reason).await
            }
            Submission::NotSent(not_sent) => {
                let answer = DeliveryResult::NotSent(not_sent);
                self.try_later(claim, &target, &answer).await
            }
            Submission::Unknown => {
                let answer = DeliveryResult::Unknown;
                self.try_later(claim, &target, &answer).await
            }
        }
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
        failpoint::hit("before_billed");
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
        let (mut log, seed) = (claim.message.log.clone(), claim.jitter_seed());
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
        tracing::warn!(%batch, sink = %target, again_at = %due_at, ?answer, "billing did not accept credits; retrying");
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
        tracing::error!(%batch, sink = %target, reason, "credits are held back: compare them with billing, then resend them");
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
        let actor = billing_actor(PersonName::new(&format!("billing:{target}"))?);
        let mut detail = BTreeMap::from([("batch".to_owned(), claim.message.id.to_string())]);
        detail.extend(reason.map(|reason| ("reason".to_owned(), reason.to_owned())));
        let audit = AuditDraft::allowed(actor, self.inner.now(), None, action, detail);
        Ok(Commit {
            audit: vec![audit],
            completes: Some(claim.complete(outcome)),
            ..Commit::default()
        })
    }
}

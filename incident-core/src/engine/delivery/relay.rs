//! The relay: claims due messages, runs them, and records their outcomes.

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::returned::is_unreadable;
use crate::engine::guard::caught;
use crate::engine::{Alarm, EngineEvent, Error, Incidents, WorkerHandle, metrics};
use crate::outbox::{Claim, JobOutcome, MessageBody, Unreadable};
use crate::port::{ClaimRequest, StoreError};
use crate::{Timestamp, failpoint};

/// Maximum number of messages that one pass runs at a time. With answers after 0.3 s these are 100
/// pages a second, more than any vendor takes; more would only hold leases and connections.
const MAX_CONCURRENT: usize = 32;

/// The wait of a page whose delivery could not begin.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The first wait of credits that could not be computed; they are less urgent than pages.
const CREDITS_AGAIN: Duration = Duration::from_secs(10);

/// The longest wait before credits that could not be computed are computed again.
const CREDITS_AGAIN_AT_MOST: Duration = Duration::from_secs(10 * 60);

/// The time after which credits that are not computed raise an alarm.
const CREDITS_LATE: Duration = Duration::from_secs(60 * 60);

/// The time after which credits are given up.
const CREDITS_GIVEN_UP: Duration = Duration::from_secs(24 * 60 * 60);

/// The result of one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Number of messages that were run.
    pub handled: usize,
    /// The time at which the next message is due, if there is one.
    pub next_due: Option<Timestamp>,
}

/// The result of one of the futures of a pass.
enum Step {
    /// The result of a claim.
    Found(Result<Vec<Result<Claim, Unreadable>>, StoreError>),
    /// A message was run.
    Worked,
    /// A message that cannot be read was handed back.
    Left,
}

impl WorkerHandle<'_> {
    /// Runs all due messages concurrently, and returns when none is due any more.
    ///
    /// Call it after an [`EngineEvent`] with `outbox` and once a second; several passes may run at
    /// a time, in one process or in many. A slow pager does not delay other messages: a pass claims
    /// more as soon as one is done, and another pass may be started meanwhile.
    ///
    /// A message does not harm others: one that cannot be read is left to other processes with an
    /// [`Alarm::MessageUnreadable`](crate::engine::Alarm), one that could not be begun is handed
    /// back at once, and a panic ends only the message in which it happened.
    ///
    /// Dropping the future is safe: what was in flight is repeated when its lease ends.
    ///
    /// # Errors
    /// Fails if the store could not hand out messages. Failures of single messages are stored with
    /// them.
    pub async fn drain(self) -> Result<Drained, Error> {
        self.0.on_relay().drain_here().await
    }
}

impl Incidents {
    async fn drain_here(&self) -> Result<Drained, Error> {
        let mut drained = Drained::default();
        let mut working = FuturesUnordered::new();
        working.push(self.look(MAX_CONCURRENT).boxed());
        let (mut looking, mut busy) = (true, 0);
        // Work ended during a claim: the claim may have come too early for what that work made due.
        let mut too_early = false;
        // A claim is one of the futures that are polled together: awaited alone, it could wait for
        // a connection that one of the others holds.
        while let Some(step) = working.next().await {
            let mut more = true;
            match step {
                Step::Found(Ok(claims)) => {
                    looking = false;
                    more = !claims.is_empty() || too_early;
                    too_early = false;
                    busy += claims.len();
                    working.extend(claims.into_iter().map(|claim| match claim {
                        Ok(claim) => self.work(claim).boxed(),
                        Err(odd) => {
                            // Before the next claim.
                            let is_new = self.inner.returned.add(odd.id, self.inner.now());
                            self.leave(odd, is_new).boxed()
                        }
                    }));
                }
                // Otherwise work in flight is still finished.
                Step::Found(Err(error)) if busy == 0 && drained.handled == 0 => {
                    return Err(error.into());
                }
                Step::Found(Err(error)) => {
                    (looking, more) = (false, false);
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "could not claim outbox messages"
                    );
                }
                Step::Worked => {
                    busy -= 1;
                    drained.handled += 1;
                    too_early |= looking;
                }
                Step::Left => busy -= 1,
            }
            if more && !looking && busy < MAX_CONCURRENT {
                looking = true;
                working.push(self.look(MAX_CONCURRENT - busy).boxed());
            }
        }
        let deadline = self.inner.settings.store_deadline;
        let (next, now) = (self.store.next_due(deadline).await?, self.inner.now());
        // A due message that was not handed out is left to others; this process claims again soon,
        // and not in a busy loop.
        drained.next_due = next.map(|due| {
            if due <= now {
                now.saturating_add(RETRY_AFTER)
            } else {
                due
            }
        });
        Ok(drained)
    }

    async fn leave(&self, odd: Unreadable, is_new: bool) -> Step {
        self.leave_to_others(odd, is_new).await;
        Step::Left
    }

    async fn look(&self, limit: usize) -> Step {
        let (settings, now) = (&self.inner.settings, self.inner.now());
        let request = ClaimRequest {
            owner: self.inner.owner,
            now,
            lease_for: settings.lease,
            limit,
            except: self.inner.returned.now(now),
        };
        let timeout = settings.store_deadline;
        Step::Found(self.store.claim(request, timeout).await)
    }

    async fn work(&self, claim: Claim) -> Step {
        let sent = AtomicBool::new(false);
        let done = caught(self.handle(&claim, &sent)).await;
        let began = sent.load(Ordering::Relaxed);
        match done {
            Some(Ok(())) => {}
            // Another worker holds the message now, and finishes it.
            Some(Err(Error::Store(StoreError::LeaseLost))) => metrics::lease_lost(),
            Some(Err(error)) => self.failed(&claim, began, error).await,
            None => {
                tracing::error!(message.id = %claim.message.id, "the delivery of an outbox message panicked");
                self.begin_again(&claim, began).await;
            }
        }
        Step::Worked
    }

    async fn handle(&self, claim: &Claim, sent: &AtomicBool) -> Result<(), Error> {
        failpoint::hit("after_claim");
        match &claim.message.body {
            MessageBody::Page(page) => self.deliver(claim, page, sent).await,
            MessageBody::RecomputeCredits(asked) => self.run_recompute_job(claim, asked).await,
            MessageBody::SubmitCredits(batch) => self.bill(claim, batch, sent).await,
            MessageBody::EndTest(end) => self.end_test(claim, end).await,
            MessageBody::Notice(notice) => self.notify(claim, notice, sent).await,
        }
    }

    async fn failed(&self, claim: &Claim, began: bool, error: Error) {
        if is_unreadable(&error) && !began {
            let is_new = self.inner.returned.add(claim.message.id, self.inner.now());
            return self
                .leave_to_others(unreadable(claim, &error), is_new)
                .await;
        }
        tracing::error!(
            message.id = %claim.message.id,
            error = &error as &dyn std::error::Error,
            "could not mark an outbox message as done; it will be delivered again"
        );
        self.begin_again(claim, began).await;
    }

    /// Defers credits that could not be computed, longer with every failure, and gives them up
    /// after a day. From the first hour on this raises an alarm: a permanent failure does not end
    /// by waiting.
    async fn credits_failed(&self, claim: &Claim) {
        let (message, now) = (&claim.message, self.inner.now());
        let since = message.committed_at;
        let age = now.since(since);
        let given_up = age >= CREDITS_GIVEN_UP;
        if age >= CREDITS_LATE {
            self.inner.emit(&EngineEvent {
                alarm: Some(Alarm::CreditsNotComputed {
                    incident_id: message.incident_id,
                    since,
                    given_up,
                }),
                ..EngineEvent::default()
            });
        }
        if !given_up {
            let wait = (age / 4).clamp(CREDITS_AGAIN, CREDITS_AGAIN_AT_MOST);
            let due_at = now.saturating_add(wait);
            return self.hand_back(message.id, claim.lease, due_at).await;
        }
        let outcome = JobOutcome::DeadLettered { log: Vec::new() };
        match self.reschedule(claim, outcome).await {
            Ok(()) | Err(Error::Store(StoreError::LeaseLost)) => {}
            Err(error) => tracing::warn!(
                message.id = %message.id,
                error = &error as &dyn std::error::Error,
                "could not dead-letter an outbox message; it will be retried when its lease expires"
            ),
        }
    }

    /// Hands back a page of which nothing was sent, so that it does not wait for the end of its
    /// lease. A page that was sent waits: its outcome is not recorded, and within a lease a lost
    /// answer shows.
    async fn begin_again(&self, claim: &Claim, began: bool) {
        match claim.message.body {
            MessageBody::RecomputeCredits(_) => self.credits_failed(claim).await,
            MessageBody::Page(_) | MessageBody::Notice(_) if !began => {
                let due_at = self.inner.now().saturating_add(RETRY_AFTER);
                self.hand_back(claim.message.id, claim.lease, due_at).await;
            }
            // The due time of a batch says since when the sink may have it; the end of a test may
            // have been sent already.
            MessageBody::Page(_)
            | MessageBody::Notice(_)
            | MessageBody::SubmitCredits(_)
            | MessageBody::EndTest(_) => {}
        }
    }
}

fn unreadable(claim: &Claim, error: &Error) -> Unreadable {
    Unreadable {
        id: claim.message.id,
        incident_id: claim.message.incident_id,
        lease: claim.lease,
        due_at: claim.message.due_at,
        why: format!("could not load its incident: {error}"),
    }
}

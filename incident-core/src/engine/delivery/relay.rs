//! The relay: claim what is due, do it, note what came of it.

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::returned::is_unreadable;
use crate::commit::Commit;
use crate::engine::guard::caught;
use crate::engine::{Alarm, EngineEvent, Error, Incidents, WorkerHandle, metrics};
use crate::outbox::{Claim, Claimed, JobOutcome, Lease, LeaseCompletion, MessageBody, Unreadable};
use crate::port::{ClaimRequest, StoreError};
use crate::{IncidentId, MessageId, Timestamp, failpoint};

/// How many messages one pass works on at a time.
const MAX_CONCURRENT: usize = 32;

/// The wait of a page with which nothing could be begun.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The first wait of credits that could not be computed: they are in less of a hurry.
const CREDITS_AGAIN: Duration = Duration::from_secs(10);

/// The longest wait before credits that could not be computed are computed again.
const CREDITS_AGAIN_AT_MOST: Duration = Duration::from_secs(10 * 60);

/// The time after which credits that are not computed raise an alarm.
const CREDITS_LATE: Duration = Duration::from_secs(60 * 60);

/// The time after which credits are given up.
const CREDITS_GIVEN_UP: Duration = Duration::from_secs(24 * 60 * 60);

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Messages that were worked on.
    pub handled: usize,
    /// When the next message falls due, if there is one.
    pub next_due: Option<Timestamp>,
}

/// What one of the futures of a pass came to.
enum Step {
    /// Messages were handed out.
    Found(Result<Claimed, StoreError>),
    /// One was worked on.
    Worked,
    /// One that cannot be read was handed back.
    Left,
}

impl WorkerHandle<'_> {
    /// Does everything that is due, concurrently, and returns when nothing is
    /// due any more. Call it after a [`EngineEvent`] with `outbox`
    /// and once a second; several passes may run at a time, in one process or
    /// in many.
    ///
    /// One slow pager does not hold up the others: a pass takes more as soon as
    /// something is done, and another pass may be started meanwhile.
    ///
    /// One message spoils nothing for the others: what cannot be read is left to other
    /// processes with an [`Alarm::MessageUnreadable`](crate::engine::Alarm), what could not be
    /// begun is handed back at once, and a panic ends only the message it happened in.
    ///
    /// Dropping the future is safe: what was in flight is repeated when its
    /// lease ends.
    ///
    /// # Errors
    /// The store could not hand out messages. Failures of single messages are
    /// kept with them.
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
        // Something was done while a look was on its way: what that made due, the
        // look may have come too early for.
        let mut too_early = false;
        // Looking for more is one of the futures that are polled together: awaited
        // by itself, it could wait for a connection that one of the others holds.
        while let Some(step) = working.next().await {
            let mut more = true;
            match step {
                Step::Found(Ok(Claimed { claims, unreadable })) => {
                    looking = false;
                    let found = claims.len() + unreadable.len();
                    more = found > 0 || too_early;
                    too_early = false;
                    busy += found;
                    for odd in unreadable {
                        // Before the next look.
                        let is_new = self.0.left.add(odd.id, self.0.now());
                        working.push(self.leave(odd, is_new).boxed());
                    }
                    working.extend(claims.into_iter().map(|claim| self.work(claim).boxed()));
                }
                // What is in flight is still finished.
                Step::Found(Err(error)) if busy == 0 && drained.handled == 0 => {
                    return Err(error.into());
                }
                Step::Found(Err(error)) => {
                    (looking, more) = (false, false);
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the outbox did not hand out messages"
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
        let deadline = self.0.settings.store_deadline;
        let (next, now) = (self.0.store.next_due(deadline).await?, self.0.now());
        // What is due and was not handed out is left to others; this process looks again
        // soon, and not at once for ever.
        drained.next_due = next.map(|due| {
            if due <= now {
                now.saturating_add(RETRY_AFTER)
            } else {
                due
            }
        });
        Ok(drained)
    }

    async fn look(&self, limit: usize) -> Step {
        Step::Found(self.claim(limit).await)
    }

    async fn leave(&self, odd: Unreadable, is_new: bool) -> Step {
        self.leave_to_others(odd, is_new).await;
        Step::Left
    }

    async fn claim(&self, limit: usize) -> Result<Claimed, StoreError> {
        let (settings, now) = (&self.0.settings, self.0.now());
        let request = ClaimRequest {
            owner: self.0.owner,
            now,
            lease_for: settings.lease,
            limit,
            except: self.0.left.now(now),
        };
        self.0.store.claim(request, settings.store_deadline).await
    }

    async fn work(&self, claim: Claim) -> Step {
        let (mine, sent) = (Mine::of(&claim), AtomicBool::new(false));
        let done = caught(self.handle(claim, &sent)).await;
        let began = sent.load(Ordering::Relaxed);
        match done {
            Some(Ok(())) => {}
            // Somebody else holds the message now, and finishes it.
            Some(Err(Error::Store(StoreError::LeaseLost))) => metrics::lease_lost(),
            Some(Err(error)) => self.failed(mine, began, error).await,
            None => {
                tracing::error!(message.id = %mine.id, "the work on a message panicked");
                self.begin_again(mine, began).await;
            }
        }
        Step::Worked
    }

    async fn handle(&self, claim: Claim, sent: &AtomicBool) -> Result<(), Error> {
        failpoint::hit("after_claim");
        match claim.message.body.clone() {
            MessageBody::Page(page) => self.deliver(claim, page, sent).await,
            MessageBody::RecomputeCredits(asked) => self.run_recompute_job(claim, asked).await,
            MessageBody::Bill(batch) => self.bill(claim, batch, sent).await,
            MessageBody::EndTest(end) => self.end_test(claim, end).await,
        }
    }

    async fn failed(&self, mine: Mine, began: bool, error: Error) {
        if is_unreadable(&error) && !began {
            let is_new = self.0.left.add(mine.id, self.0.now());
            return self.leave_to_others(mine.unreadable(&error), is_new).await;
        }
        tracing::error!(
            message.id = %mine.id,
            error = &error as &dyn std::error::Error,
            "a message of the outbox was not settled; it is repeated"
        );
        self.begin_again(mine, began).await;
    }

    /// Credits that could not be computed are computed later, the later the longer it goes
    /// on, and given up after a day, with an alarm from the first hour on: what always fails
    /// is nothing that waiting mends.
    async fn credits_failed(&self, mine: Mine) {
        let now = self.0.now();
        let age = now.since(mine.since);
        let given_up = age >= CREDITS_GIVEN_UP;
        if age >= CREDITS_LATE {
            self.0.emit(&EngineEvent {
                alarm: Some(Alarm::CreditsNotComputed {
                    incident_id: mine.incident_id,
                    since: mine.since,
                    given_up,
                }),
                ..EngineEvent::default()
            });
        }
        if !given_up {
            let wait = (age / 4).clamp(CREDITS_AGAIN, CREDITS_AGAIN_AT_MOST);
            let due_at = now.saturating_add(wait);
            return self.hand_back(mine.id, mine.lease, due_at).await;
        }
        let commit = Commit {
            completes: Some(LeaseCompletion {
                message: mine.id,
                lease: mine.lease,
                outcome: JobOutcome::DeadLettered { log: Vec::new() },
            }),
            ..Commit::default()
        };
        match self
            .0
            .store
            .commit(commit, self.0.settings.store_deadline)
            .await
        {
            Ok(_) | Err(StoreError::LeaseLost) => {}
            Err(error) => tracing::warn!(
                message.id = %mine.id,
                error = &error as &dyn std::error::Error,
                "a message was not given up; its lease runs out"
            ),
        }
    }

    /// A message of which nothing was sent need not wait for the end of its lease. One
    /// that was sent does: what came of it is not kept, and a lease is the time in which
    /// an answer that was lost shows.
    async fn begin_again(&self, mine: Mine, began: bool) {
        if mine.is_of_credits {
            return self.credits_failed(mine).await;
        }
        if let Some(after) = mine.again_after.filter(|_| !began) {
            let due_at = self.0.now().saturating_add(after);
            self.hand_back(mine.id, mine.lease, due_at).await;
        }
    }
}

/// What is left of a claim that was given to its handler.
struct Mine {
    id: MessageId,
    incident_id: Option<IncidentId>,
    lease: Lease,
    due_at: Timestamp,
    since: Timestamp,
    is_of_credits: bool,
    again_after: Option<Duration>,
}

impl Mine {
    const fn of(claim: &Claim) -> Self {
        Self {
            id: claim.message.id,
            incident_id: claim.message.incident_id,
            lease: claim.lease,
            due_at: claim.message.due_at,
            since: claim.message.committed_at,
            is_of_credits: matches!(claim.message.body, MessageBody::RecomputeCredits(_)),
            again_after: match claim.message.body {
                MessageBody::Page(_) => Some(RETRY_AFTER),
                MessageBody::RecomputeCredits(_) => None,
                // The first due time of a batch tells since when the sink may have it; the
                // end of a test may have been sent already.
                MessageBody::Bill(_) | MessageBody::EndTest(_) => None,
            },
        }
    }

    fn unreadable(self, error: &Error) -> Unreadable {
        Unreadable {
            id: self.id,
            incident_id: self.incident_id,
            lease: self.lease,
            due_at: self.due_at,
            why: format!("its incident: {error}"),
        }
    }
}

//! The relay: claim what is due, do it, note what came of it.

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::{Error, Incidents, meter};
use crate::outbox::{Claim, MessageBody};
use crate::port::{ClaimRequest, StoreError};
use crate::{Timestamp, failpoint};

/// How many messages one pass works on at a time.
const AT_ONCE: usize = 32;

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
    Found(Result<Vec<Claim>, StoreError>),
    /// One was worked on.
    Worked(Result<(), Error>),
}

impl Incidents {
    /// Does everything that is due, concurrently, and returns when nothing is
    /// due any more. Call it after a [`Notice`](super::Notice) with `outbox`
    /// and once a second; several passes may run at a time, in one process or
    /// in many.
    ///
    /// One slow pager does not hold up the others: a pass takes more as soon as
    /// something is done, and another pass may be started meanwhile.
    ///
    /// Dropping the future is safe: what was in flight is repeated when its
    /// lease ends.
    ///
    /// # Errors
    /// The store could not hand out messages. Failures of single messages are
    /// kept with them.
    pub async fn drain(&self) -> Result<Drained, Error> {
        let mut drained = Drained::default();
        let mut working = FuturesUnordered::new();
        working.push(self.look(AT_ONCE).boxed());
        let (mut looking, mut busy) = (true, 0);
        // Something was done while a look was on its way: what that made due, the
        // look may have come too early for.
        let mut too_early = false;
        // Looking for more is one of the futures that are polled together: awaited
        // by itself, it could wait for a connection that one of the others holds.
        while let Some(step) = working.next().await {
            let mut more = true;
            match step {
                Step::Found(Ok(claims)) => {
                    looking = false;
                    more = !claims.is_empty() || too_early;
                    too_early = false;
                    busy += claims.len();
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
                Step::Worked(result) => {
                    busy -= 1;
                    drained.handled += 1;
                    too_early |= looking;
                    note(result);
                }
            }
            if more && !looking && busy < AT_ONCE {
                looking = true;
                working.push(self.look(AT_ONCE - busy).boxed());
            }
        }
        let deadline = self.0.settings.store_deadline;
        drained.next_due = self.0.store.next_due(deadline).await?;
        Ok(drained)
    }

    async fn look(&self, limit: usize) -> Step {
        Step::Found(self.claim(limit).await)
    }

    async fn work(&self, claim: Claim) -> Step {
        Step::Worked(self.handle(claim).await)
    }

    async fn claim(&self, limit: usize) -> Result<Vec<Claim>, StoreError> {
        let settings = &self.0.settings;
        let request = ClaimRequest {
            owner: self.0.owner,
            now: self.0.now(),
            lease_for: settings.lease,
            limit,
        };
        self.0.store.claim(request, settings.store_deadline).await
    }

    async fn handle(&self, claim: Claim) -> Result<(), Error> {
        failpoint::hit("after_claim");
        match claim.message.body.clone() {
            MessageBody::Page(page) => self.page(claim, page).await,
            MessageBody::Settle(asked) => self.settle_later(claim, asked).await,
            MessageBody::Bill(batch) => self.bill(claim, batch).await,
            MessageBody::EndTest(end) => self.end_test(claim, end).await,
        }
    }
}

fn note(result: Result<(), Error>) {
    match result {
        // Somebody else holds the message now, and finishes it.
        Ok(()) => {}
        Err(Error::Store(StoreError::LeaseLost)) => meter::lease_lost(),
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "a message of the outbox was not settled; it is repeated when its lease ends"
        ),
    }
}

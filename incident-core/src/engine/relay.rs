//! The relay: claim what is due, do it, note what came of it.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::{Error, Incidents};
use crate::Timestamp;
use crate::outbox::{Claim, MessageBody};
use crate::port::{ClaimRequest, StoreError};

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
        loop {
            let room = AT_ONCE.saturating_sub(working.len());
            let claims = self.claim(room).await;
            match claims {
                Ok(claims) => working.extend(claims.into_iter().map(|claim| self.handle(claim))),
                // What is in flight is still finished.
                Err(error) if working.is_empty() => return Err(error.into()),
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the outbox did not hand out messages"
                ),
            }
            let Some(done) = (&mut working).ready_chunks(AT_ONCE).next().await else {
                break;
            };
            drained.handled += done.len();
            done.into_iter().for_each(note);
        }
        let deadline = self.0.settings.store_deadline;
        drained.next_due = self.0.store.next_due(deadline).await?;
        Ok(drained)
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
        match claim.message.body.clone() {
            MessageBody::Page(page) => self.page(claim, page).await,
            MessageBody::Settle => self.settle_all(claim).await,
        }
    }
}

fn note(result: Result<(), Error>) {
    match result {
        // Somebody else holds the message now, and finishes it.
        Ok(()) | Err(Error::Store(StoreError::LeaseLost)) => {}
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "a message of the outbox was not settled; it is repeated when its lease ends"
        ),
    }
}

//! The relay: claim what is due, do it, note what came of it.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::{Error, Incidents};
use crate::Timestamp;
use crate::outbox::{Claim, MessageBody};
use crate::port::{ClaimRequest, StoreError};

/// How many messages are worked on at a time.
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
    /// and once a second; several processes may.
    ///
    /// Dropping the future is safe: what was in flight is repeated when its
    /// lease ends.
    ///
    /// # Errors
    /// The store could not hand out messages. Failures of single messages are
    /// kept with them.
    pub async fn drain(&self) -> Result<Drained, Error> {
        let settings = &self.0.settings;
        let mut drained = Drained::default();
        loop {
            let request = ClaimRequest {
                owner: self.0.owner,
                now: self.0.now(),
                lease_for: settings.lease,
                limit: AT_ONCE,
            };
            let claims = self.0.store.claim(request, settings.store_deadline).await?;
            if claims.is_empty() {
                break;
            }
            let mut working: FuturesUnordered<_> =
                claims.into_iter().map(|claim| self.handle(claim)).collect();
            while let Some(result) = working.next().await {
                drained.handled += 1;
                match result {
                    // Somebody else holds the message now, and finishes it.
                    Ok(()) | Err(Error::Store(StoreError::LeaseLost)) => {}
                    Err(error) => tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a message of the outbox was not settled; it is repeated when its lease ends"
                    ),
                }
            }
        }
        drained.next_due = self.0.store.next_due(settings.store_deadline).await?;
        Ok(drained)
    }

    async fn handle(&self, claim: Claim) -> Result<(), Error> {
        match claim.message.body.clone() {
            MessageBody::Page(page) => self.page(claim, page).await,
            MessageBody::Settle => self.settle_all(claim).await,
        }
    }
}

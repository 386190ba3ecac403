//! What was given up, tried once more.

use crate::IncidentId;
use crate::engine::{CommandOutcome, Error, PagingHandle, RequestContext};
use crate::incident::{Command, RetryOf};
use crate::outbox::{DeadLetterFilter, Message, MessageBody};
use crate::port::StoreError;

/// How often to look again when another process was faster.
const MAX_CONFLICT_RETRIES: u32 = 4;

impl PagingHandle<'_> {
    /// Tries the pages of an incident, or one page, once more after they were
    /// given up: a key was mended, a vendor came back. Same key, same epoch.
    ///
    /// A page is only tried where it still makes sense: nobody is woken for an
    /// incident that somebody took or that is over.
    ///
    /// # Errors
    /// [`Error::NotFound`] where nothing was given up under this id; a refusal
    /// where it is no longer wanted; a right is missing; the store failed.
    pub async fn retry(
        self,
        context: &RequestContext,
        which: DeadLetterFilter,
    ) -> Result<CommandOutcome, Error> {
        let this = self.0.begun_for(context);
        let mut last = StoreError::Conflict;
        for _ in 0..MAX_CONFLICT_RETRIES {
            let given_up = this.paging().dead_letters(which).await?;
            let id = match which {
                DeadLetterFilter::Incident(id) => id,
                DeadLetterFilter::NoIncident => return Err(Error::NotFound("page")),
                DeadLetterFilter::Message(_) => incident_of(&given_up)?,
            };
            let given_up = given_up.iter().filter_map(retry_of).collect();
            match this
                .act(context, id, &Command::RetryPage { given_up })
                .await
            {
                Err(Error::Store(error @ StoreError::NotGivenUp(_))) => last = error,
                other => return other,
            }
        }
        Err(last.into())
    }

    /// Messages that were given up, in the order in which they were committed.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn dead_letters(self, which: DeadLetterFilter) -> Result<Vec<Message>, Error> {
        let this = self.0;
        let deadline = this.left()?;
        Ok(this.store.given_up(which, deadline).await?)
    }
}

fn incident_of(given_up: &[Message]) -> Result<IncidentId, Error> {
    let first = given_up.first();
    first
        .and_then(|first| first.incident_id)
        .ok_or(Error::NotFound("page"))
}

fn retry_of(message: &Message) -> Option<RetryOf> {
    match &message.body {
        MessageBody::Page(page) => Some(RetryOf {
            message: message.id,
            rule: page.rule.clone(),
            action: page.action,
            epoch: page.epoch,
        }),
        MessageBody::RecomputeCredits(_)
        | MessageBody::SubmitCredits(_)
        | MessageBody::EndTest(_) => None,
    }
}

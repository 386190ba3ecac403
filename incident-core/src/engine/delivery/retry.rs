//! Dead letters: listed and retried.

use crate::IncidentId;
use crate::engine::{CommandOutcome, Error, PagingHandle, RequestContext};
use crate::incident::{Command, Retried, RetryOf};
use crate::outbox::{DeadLetterFilter, Message, MessageBody};
use crate::port::StoreError;

/// Maximum attempts when another process is faster.
const MAX_CONFLICT_RETRIES: u32 = 4;

impl PagingHandle<'_> {
    /// Retries the dead-lettered pages and notices of an incident, or one of them: a key was mended, or a
    /// vendor came back. The key and the epoch stay the same, and so does the id of a notice.
    ///
    /// A page is only retried while it makes sense: no one is woken for an incident that is
    /// acknowledged or over. A notice whose condition no longer holds is cancelled instead of sent.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is no such incident or dead letter, and
    /// [`Error::Refused`] if no dead letter of the incident is still wanted. Fails if a right is
    /// missing or the store fails.
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
                DeadLetterFilter::NoIncident | DeadLetterFilter::First(_) => {
                    return Err(Error::NotFound("page"));
                }
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

    /// Lists dead letters in the order in which they were committed.
    ///
    /// # Errors
    /// Fails if the store did not answer.
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
    let of = match &message.body {
        MessageBody::Page(page) => Retried::Page {
            rule: page.rule.clone(),
            action: page.action,
            epoch: page.epoch,
        },
        MessageBody::Notice(notice) => Retried::Notice {
            rule: notice.fired.rule.clone(),
            group: notice.group.clone(),
        },
        MessageBody::RecomputeCredits(_)
        | MessageBody::SubmitCredits(_)
        | MessageBody::EndTest(_) => return None,
    };
    Some(RetryOf {
        message: message.id,
        of,
    })
}

//! The comparison of issued credits with those that the billing sink holds.

use std::collections::BTreeMap;

use crate::actor::Action;
use crate::billing::{BilledCredit, CreditState, Difference, Lookup, compare};
use crate::commit::{Commit, OutboxWrite};
use crate::engine::{CreditsHandle, EngineEvent, Error, RequestContext};
use crate::outbox::{DeadLetterFilter, MessageBody};
use crate::paging::TargetId;
use crate::port::{CreditQuery, LookupBy, StoreError};
use crate::{MessageId, Period, Timestamp};

/// A batch that the sink was not seen to accept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchInFlight {
    /// The batch.
    pub batch: MessageId,
    /// The time at which it was issued.
    pub since: Timestamp,
    /// Number of its credits in the period.
    pub credits: usize,
    /// `true` if it is no longer tried; see [`resend_batch`](CreditsHandle::resend_batch).
    pub held_back: bool,
}

/// The issued credits of a period, compared with those that the sink holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BillingReport {
    /// The period.
    pub period: Period,
    /// The sink, if there is one.
    pub sink: Option<TargetId>,
    /// `true` if the sink listed what it holds; otherwise only the waiting batches are known.
    pub compared: bool,
    /// Number of credits and reversals that were issued.
    pub issued: usize,
    /// Number of those that the sink holds with the same values.
    pub agree: usize,
    /// The differences between ledger and sink, except for batches that still wait.
    pub differences: Vec<Difference>,
    /// The batches that the sink was not seen to accept, the oldest first.
    pub waiting: Vec<BatchInFlight>,
}

impl BillingReport {
    /// Returns `true` if ledger and sink were compared and agree, and nothing waits.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.compared && self.differences.is_empty() && self.waiting.is_empty()
    }
}

impl CreditsHandle<'_> {
    /// Compares the issued credits of a period with those that the sink holds.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn billing_report(self, period: Period) -> Result<BillingReport, Error> {
        let this = self.0;
        let sink = this.inner.billing.as_ref();
        // The sink is read first, so that it holds nothing that the ledger lacks. A batch that it
        // accepted since then need not be in its answer.
        let asked_at = this.inner.now();
        let holding = match sink {
            Some(sink) => {
                let timeout = this.inner.settings.pager_deadline;
                sink.lookup(LookupBy::Period(period), timeout).await
            }
            None => Lookup::Unsupported,
        };
        let wanted = CreditQuery {
            period: Some(period),
            state: Some(CreditState::Issued),
            ..CreditQuery::default()
        };
        let rows = this.ledger(&wanted).await?;
        let held_back = this
            .paging()
            .dead_letters(DeadLetterFilter::NoIncident)
            .await?;
        let mut waiting: BTreeMap<(Timestamp, MessageId), usize> = BTreeMap::new();
        let mut on_its_way = Vec::new();
        for row in &rows {
            let Some(issued) = &row.issued else { continue };
            if issued.accepted_at.is_none() {
                *waiting.entry((issued.at, issued.batch)).or_default() += 1;
            }
            if issued.accepted_at.is_none_or(|at| asked_at <= at) {
                on_its_way.push(row.id);
            }
        }
        on_its_way.sort_unstable();
        let issued = rows.len();
        let (compared, agree, differences) = match holding {
            Lookup::Found(theirs) => {
                let ours = rows.iter().filter_map(BilledCredit::of).collect();
                let (agree, mut differences) = compare(ours, theirs);
                differences.retain(|one| {
                    !matches!(one, Difference::Missing(ours) if on_its_way.binary_search(&ours.key).is_ok())
                });
                (true, agree, differences)
            }
            Lookup::Unavailable | Lookup::Unsupported => (false, 0, Vec::new()),
        };
        let waiting = waiting
            .into_iter()
            .map(|((since, batch), credits)| BatchInFlight {
                batch,
                since,
                credits,
                held_back: held_back.iter().any(|message| message.id == batch),
            });
        Ok(BillingReport {
            period,
            sink: sink.map(|sink| sink.target_id()),
            compared,
            issued,
            agree,
            differences,
            waiting: waiting.collect(),
        })
    }

    /// Submits a held-back batch again, the same bytes under the same key. The sink is asked first
    /// whether it has the batch; a sink that cannot be asked gets it all the same, as the caller
    /// has checked there.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if no such batch is held back. Fails if a right is missing, or
    /// the store failed.
    pub async fn resend_batch(
        self,
        context: &RequestContext,
        batch: MessageId,
    ) -> Result<(), Error> {
        let this = self.0.begun_for(context);
        this.authorize_command(context, &[Action::DecideCredit], None)
            .await?;
        let missing = Error::NotFound("batch");
        let found = this
            .paging()
            .dead_letters(DeadLetterFilter::Message(batch))
            .await?;
        if !found
            .iter()
            .any(|message| matches!(message.body, MessageBody::SubmitCredits(_)))
        {
            return Err(missing);
        }
        let now = this.inner.now();
        let detail = BTreeMap::from([("batch".to_owned(), batch.to_string())]);
        let commit = Commit {
            audit: vec![context.allowed(now, None, "resend_credits", detail)],
            outbox: vec![OutboxWrite::Replay {
                message: batch,
                due_at: now,
            }],
            ..Commit::default()
        };
        let timeout = this.left()?;
        match this.store.commit(commit, timeout).await {
            Err(StoreError::NotGivenUp(_)) => return Err(missing),
            other => other?,
        };
        this.inner.emit(&EngineEvent {
            outbox: true,
            ..EngineEvent::default()
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CreditId;
    use crate::billing::{HeldCredit, SignedPercent};

    #[test]
    fn it_is_balanced_when_the_sink_told_and_nothing_differs_or_waits() {
        let id = uuid::Uuid::from_u128(1);
        let report = |compared, differs: bool, waits: bool| BillingReport {
            period: "2026-10".parse().unwrap(),
            sink: None,
            compared,
            issued: 1,
            agree: 0,
            differences: Vec::from_iter(differs.then(|| {
                Difference::Unknown(HeldCredit {
                    key: CreditId::from_uuid(id),
                    credit_percent: SignedPercent::try_from("10".to_owned()).unwrap(),
                    amount: None,
                })
            })),
            waiting: Vec::from_iter(waits.then(|| BatchInFlight {
                batch: MessageId::from_uuid(id),
                since: "2026-11-01T00:00:00Z".parse().unwrap(),
                credits: 1,
                held_back: false,
            })),
        };
        assert!(report(true, false, false).is_balanced());
        assert!(!report(false, false, false).is_balanced());
        assert!(!report(true, true, false).is_balanced());
        assert!(!report(true, false, true).is_balanced());
        assert!(!report(true, true, true).is_balanced());
    }
}

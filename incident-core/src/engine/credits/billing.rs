//! Billing, looked at: what was issued against what the sink holds.

use std::collections::BTreeMap;

use crate::actor::Action;
use crate::billing::{BilledCredit, CreditState, Difference, Lookup, compare};
use crate::commit::{Commit, OutboxWrite};
use crate::engine::{CreditsHandle, EngineEvent, Error, RequestContext};
use crate::outbox::{DeadLetterFilter, MessageBody};
use crate::paging::TargetId;
use crate::port::{CreditQuery, LookupBy, StoreError};
use crate::{MessageId, Period, Timestamp};

/// A batch that the sink was not seen to have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchInFlight {
    /// The batch.
    pub batch: MessageId,
    /// When it was issued.
    pub since: Timestamp,
    /// How many of its credits are of the period.
    pub credits: usize,
    /// Whether it is no longer tried; see
    /// [`resend_batch`](CreditsHandle::resend_batch).
    pub held_back: bool,
}

/// What was issued of a period, against what the sink holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BillingReport {
    /// The period.
    pub period: Period,
    /// The sink, if there is one.
    pub sink: Option<TargetId>,
    /// Whether the sink told what it holds; if not, only what waits is known.
    pub compared: bool,
    /// How many credits and reversals were issued.
    pub issued: usize,
    /// How many of them the sink holds just so.
    pub agree: usize,
    /// Where ledger and sink differ, but for what waits.
    pub differences: Vec<Difference>,
    /// Batches that the sink was not seen to have, the oldest first.
    pub waiting: Vec<BatchInFlight>,
}

impl BillingReport {
    /// Whether the sink's ledger is ours.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.compared && self.differences.is_empty() && self.waiting.is_empty()
    }
}

impl CreditsHandle<'_> {
    /// What was issued of a period, against what the sink holds of it.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn billing_report(self, period: Period) -> Result<BillingReport, Error> {
        let this = self.0;
        let sink = this.inner.billing.as_ref();
        // The sink first, so that it holds nothing that we do not know of. What it was
        // seen to take since then, it need not have told yet.
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

    /// Hands a batch that was held back to billing once more, the same bytes under the
    /// same key. The sink is asked first whether it has it; one that cannot be asked gets it
    /// all the same, as whoever calls this has looked there.
    ///
    /// # Errors
    /// There is no such batch that is held back; a right is missing; the store failed.
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

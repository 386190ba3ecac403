//! The issue of approved credits, frozen in batches for billing.

use std::collections::BTreeMap;

use crate::actor::{Actor, ActorKind};
use crate::audit::AuditDraft;
use crate::billing::{
    Batch, BilledCredit, CreditState, CreditTransition, Issued, LedgerRow, MAX_CREDITS,
};
use crate::commit::{Commit, OutboxWrite};
use crate::engine::each::EachAlone;
use crate::engine::{EngineEvent, Error, Incidents, WorkerHandle};
use crate::incident::Severity;
use crate::outbox::{Message, MessageBody};
use crate::port::{CreditQuery, StoreError};
use crate::{MessageId, PersonName, Timestamp};

impl WorkerHandle<'_> {
    /// Issues every approved credit: freezes them in batches, which the relay submits to billing.
    /// Returns their number. Call it now and then; the loop of `incident-pagers` does. Without a
    /// sink nothing is issued.
    ///
    /// Several processes may do so at a time: each credit is in one batch.
    ///
    /// # Errors
    /// Fails if the store did not answer. Each batch fails alone: all others were tried.
    pub async fn issue_credits(self) -> Result<usize, Error> {
        self.0.on_relay().issue_here().await
    }
}

impl Incidents {
    async fn issue_here(&self) -> Result<usize, Error> {
        if self.inner.billing.is_none() || !self.has_sla() {
            return Ok(0);
        }
        let wanted = CreditQuery {
            state: Some(CreditState::Approved),
            skip_unreadable: true,
            ..CreditQuery::default()
        };
        let timeout = self.inner.settings.store_deadline;
        let rows = self.ledger(&wanted).await?;
        let (mut each, mut issued) = (EachAlone::default(), 0);
        for (batch, rows) in rows.chunks(MAX_CREDITS).enumerate() {
            let kept = match self.frozen(rows) {
                Ok(commit) => self
                    .store
                    .commit(commit, timeout)
                    .await
                    .map_err(Error::from),
                Err(error) => Err(error),
            };
            match kept {
                Ok(_) => issued += rows.len(),
                // Some of them were issued by another process, waived or corrected: the rest is
                // issued by the next pass.
                Err(Error::Store(StoreError::CreditMoved(_))) => {}
                failed => drop(each.note(batch, "could not issue approved credits", failed)),
            }
        }
        if issued > 0 {
            self.inner.emit(&EngineEvent {
                outbox: true,
                ..EngineEvent::default()
            });
        }
        each.end().map(|()| issued)
    }

    fn frozen(&self, rows: &[LedgerRow]) -> Result<Commit, Error> {
        let now = self.inner.now();
        let id = MessageId::from_uuid(self.inner.ids.sortable(now));
        let credits: Vec<BilledCredit> = rows.iter().filter_map(BilledCredit::of).collect();
        let batch = Batch::freeze(id, now, &credits)?;
        let detail = BTreeMap::from([
            ("batch".to_owned(), id.to_string()),
            ("credits".to_owned(), credits.len().to_string()),
        ]);
        let actor = billing_actor(PersonName::billing());
        let audit = AuditDraft::allowed(actor, now, None, "issue_credits", detail);
        Ok(Commit {
            audit: vec![audit],
            credits: rows.iter().map(|row| issue(row, id, now)).collect(),
            outbox: vec![OutboxWrite::Add(Box::new(Message {
                id,
                incident_id: None,
                priority: Severity::Sev4,
                body: MessageBody::SubmitCredits(batch),
                committed_at: now,
                due_at: now,
                log: Vec::new(),
            }))],
            ..Commit::default()
        })
    }
}

fn issue(row: &LedgerRow, batch: MessageId, at: Timestamp) -> CreditTransition {
    CreditTransition {
        id: row.id,
        from: CreditState::Approved,
        to: CreditState::Issued,
        granted: row.granted.clone(),
        issued: Some(Issued {
            batch,
            at,
            accepted_at: None,
        }),
    }
}

/// Returns the actor that submits credits to billing, under a name.
pub(super) const fn billing_actor(name: PersonName) -> Actor {
    Actor {
        kind: ActorKind::Service,
        name,
    }
}

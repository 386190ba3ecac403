//! Questions: incidents, timelines, audit, the public page.

use std::sync::Arc;

use super::{Error, Incidents};
use crate::audit::{self, AuditEntry, Chain};
use crate::billing::{CappedRow, CreditState, cap_months};
use crate::chain::{Head, Verdict};
use crate::incident::{Incident, Status};
use crate::port::{AuditQuery, CreditQuery, IncidentFilter};
use crate::status_page::{self, PublicPage, RESOLVED_STAYS};
use crate::timeline::{SysIncidentUpdateEntry, verify_next};
use crate::{IncidentId, Timestamp};

/// How many rows are read at a time where all are needed.
const BATCH: usize = 500;

impl Incidents {
    /// The time, as the engine's clock tells it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// One incident.
    ///
    /// # Errors
    /// There is none of this id, or the store did not answer.
    pub async fn get(&self, id: IncidentId) -> Result<Arc<Incident>, Error> {
        self.find(id).await?.ok_or(Error::NotFound("incident"))
    }

    pub(super) async fn find(&self, id: IncidentId) -> Result<Option<Arc<Incident>>, Error> {
        Ok(self
            .0
            .store
            .load(id, self.0.settings.store_deadline)
            .await?)
    }

    /// Incidents that match, by (`declared_at`, `id`) descending.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn list(&self, filter: &IncidentFilter) -> Result<Vec<Arc<Incident>>, Error> {
        Ok(self
            .0
            .store
            .list(filter, self.0.settings.store_deadline)
            .await?)
    }

    /// Entries of a timeline after `after_seq`, ascending.
    ///
    /// # Errors
    /// There is no such incident, or the store did not answer.
    pub async fn timeline(
        &self,
        id: IncidentId,
        after_seq: u64,
        limit: usize,
    ) -> Result<Vec<SysIncidentUpdateEntry>, Error> {
        self.get(id).await?;
        Ok(self
            .0
            .store
            .timeline(id, after_seq, limit, self.0.settings.store_deadline)
            .await?)
    }

    /// Checks the whole chain of a timeline, and that no entry is missing at
    /// its end.
    ///
    /// # Errors
    /// There is no such incident, or the store did not answer.
    pub async fn verify_timeline(&self, id: IncidentId) -> Result<Verdict, Error> {
        let last_seq = self.get(id).await?.last_seq;
        let mut head = Head::EMPTY;
        loop {
            let batch = self
                .0
                .store
                .timeline(id, head.seq, BATCH, self.0.settings.store_deadline)
                .await?;
            for entry in &batch {
                match verify_next(id, head, entry) {
                    Ok(next) => head = next,
                    Err(reason) => {
                        return Ok(Verdict::Broken {
                            seq: head.seq + 1,
                            reason,
                        });
                    }
                }
            }
            if batch.len() < BATCH {
                break;
            }
        }
        if head.seq < last_seq {
            return Ok(Verdict::Broken {
                seq: head.seq + 1,
                reason: "the entry is missing",
            });
        }
        Ok(Verdict::Valid(head))
    }

    /// Entries of the audit trail, by (time, chain, seq) ascending.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, Error> {
        Ok(self
            .0
            .store
            .audit(query, self.0.settings.store_deadline)
            .await?)
    }

    /// Checks one chain of the audit trail.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn verify_audit_chain(&self, chain: Chain) -> Result<Verdict, Error> {
        let mut entries: Vec<AuditEntry> = Vec::new();
        loop {
            let after = entries
                .last()
                .map(|entry| (entry.said.at, entry.chain, entry.seq));
            let query = AuditQuery {
                chain: Some(chain),
                after,
                limit: BATCH,
                ..AuditQuery::default()
            };
            let batch = self.audit(&query).await?;
            let more = batch.len() == BATCH;
            entries.extend(batch);
            if !more {
                break;
            }
        }
        // A clock that stepped back orders by time otherwise than the chain.
        entries.sort_by_key(|entry| entry.seq);
        Ok(audit::verify(chain, &entries))
    }

    /// Checks every chain of the audit trail: the number of chains and entries
    /// that are sound, or the first chain that is not.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn verify_audit(&self) -> Result<Result<(u64, u64), (Chain, Verdict)>, Error> {
        let (mut chains, mut entries, mut after) = (0, 0, None);
        loop {
            let batch = self
                .0
                .store
                .audit_chains(after, BATCH, self.0.settings.store_deadline)
                .await?;
            for chain in &batch {
                match self.verify_audit_chain(*chain).await? {
                    Verdict::Valid(head) => {
                        chains += 1;
                        entries += head.seq;
                    }
                    broken @ Verdict::Broken { .. } => return Ok(Err((*chain, broken))),
                }
            }
            after = batch.last().copied();
            if batch.len() < BATCH {
                return Ok(Ok((chains, entries)));
            }
        }
    }

    /// Rows of the ledger, each with what the cap of its tenant and month leaves.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn credits(&self, query: &CreditQuery) -> Result<Vec<CappedRow>, Error> {
        // The cap looks at all rows of a tenant and month, so filters come after it.
        let wide = CreditQuery {
            tenant: query.tenant.clone(),
            period: query.period,
            incident: None,
            state: None,
        };
        let rows = self
            .0
            .store
            .credits(&wide, self.0.settings.store_deadline)
            .await?;
        let wanted = |state: CreditState| query.state.is_none_or(|wanted| wanted == state);
        Ok(cap_months(rows, self.0.settings.terms.top_credit())
            .into_iter()
            .filter(|capped| {
                query.incident.is_none_or(|id| id == capped.row.incident_id)
                    && wanted(capped.row.state)
            })
            .collect())
    }

    /// The public page, made of every public incident that is live or was
    /// resolved in the last 24 hours. Callers cache it.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn public_page(&self) -> Result<PublicPage, Error> {
        let now = self.0.now();
        let mut shown = Vec::new();
        let mut filter = IncidentFilter {
            statuses: Status::ALL
                .into_iter()
                .filter(|status| !matches!(status, Status::Cancelled | Status::Merged))
                .collect(),
            public_only: true,
            unresolved_at: Some(now.saturating_sub(RESOLVED_STAYS)),
            limit: BATCH,
            ..IncidentFilter::default()
        };
        loop {
            let batch = self.list(&filter).await?;
            shown.extend(
                batch.iter().filter_map(|incident| {
                    status_page::show(incident, &self.0.settings.names, now)
                }),
            );
            filter.after = batch
                .last()
                .map(|incident| (incident.declared_at, incident.id));
            if batch.len() < BATCH {
                return Ok(status_page::page(shown));
            }
        }
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ready(&self) -> Result<(), Error> {
        let nothing = IncidentFilter {
            limit: 1,
            ..IncidentFilter::default()
        };
        self.list(&nothing).await.map(|_| ())
    }
}

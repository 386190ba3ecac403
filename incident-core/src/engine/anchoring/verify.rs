//! Checking chains: link by link, and against what was anchored.

use std::collections::BTreeSet;

use super::check::OnUnreadable;
use crate::IncidentId;
use crate::anchor::AnchoredChain;
use crate::audit::Chain;
use crate::chain::{Head, Verdict, Walk};
use crate::engine::queries::incidents::BATCH;
use crate::engine::{AuditHandle, Error, Incidents};
#[cfg(doc)]
use crate::timeline::StateMarks;

/// What checking the whole audit trail found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every chain is as it was sealed.
    Valid {
        /// How many chains there are.
        chains: u64,
        /// How many entries they have.
        entries: u64,
        /// How many of those are known to be the anchored ones; see
        /// [`Verdict::Valid`].
        anchored: u64,
    },
    /// The first chain that is not.
    Broken {
        /// Which chain.
        chain: Chain,
        /// The first bad entry.
        seq: u64,
        /// What does not fit.
        reason: &'static str,
    },
}

impl AuditHandle<'_> {
    /// Checks the whole chain of a timeline, that no entry is missing at its
    /// end, that it holds what was anchored of it, where an
    /// [`AnchorRecord`](crate::port::AnchorRecord) was given, that every text that is gone
    /// was redacted on record, and that the incident's state is the one that its newest
    /// entry marks ([`StateMarks`]): what credits are computed from.
    ///
    /// # Errors
    /// There never was such an incident, or the store or the anchors did not
    /// answer.
    pub async fn verify_timeline(self, id: IncidentId) -> Result<Verdict, Error> {
        let this = self.0;
        let anchors = this.heads_of(AnchoredChain::Timeline(id)).await?;
        if anchors.is_empty() && matches!(this.find(id).await, Ok(None)) {
            return Err(Error::NotFound("incident"));
        }
        this.check_timeline(id, Walk::whole(anchors), OnUnreadable::IsBroken)
            .await
    }

    /// Checks one chain of the audit trail, and that it holds what was anchored
    /// of it.
    ///
    /// # Errors
    /// The store or the anchors did not answer.
    pub async fn verify_chain(self, chain: Chain) -> Result<Verdict, Error> {
        let this = self.0;
        let anchors = this.heads_of(AnchoredChain::Audit(chain)).await?;
        this.check_audit(chain, Walk::whole(anchors)).await
    }

    /// Checks every chain of the audit trail, those included that were anchored
    /// and are gone.
    ///
    /// # Errors
    /// The store or the anchors did not answer.
    pub async fn verify(self) -> Result<AuditVerdict, Error> {
        let this = self.0;
        let (mut entries, mut anchored, mut after) = (0, 0, None);
        let mut seen = BTreeSet::new();
        loop {
            let batch = this.audit_chains(after).await?;
            for chain in &batch {
                match this.audit().verify_chain(*chain).await? {
                    Verdict::Valid {
                        head,
                        anchored: known,
                    } => {
                        entries += head.seq;
                        anchored += known;
                    }
                    Verdict::Broken { seq, reason } => {
                        let chain = *chain;
                        return Ok(AuditVerdict::Broken { chain, seq, reason });
                    }
                }
            }
            after = batch.last().copied();
            let more = batch.len() == BATCH;
            seen.extend(batch);
            if !more {
                break;
            }
        }
        if let Some(chain) = this.anchored_and_gone(&seen).await? {
            return Ok(AuditVerdict::Broken {
                chain,
                seq: 1,
                reason: "the whole chain is missing: it was anchored",
            });
        }
        Ok(AuditVerdict::Valid {
            chains: seen.len() as u64,
            entries,
            anchored,
        })
    }

    /// The chains that were anchored, after `after`, ascending; none where no
    /// record of anchors was given.
    ///
    /// # Errors
    /// The anchors did not answer.
    pub async fn anchored(
        self,
        after: Option<AnchoredChain>,
        limit: usize,
    ) -> Result<Vec<AnchoredChain>, Error> {
        let this = self.0;
        match this.inner.anchors.record() {
            Some(record) => Ok(record
                .chains(after, limit, this.inner.settings.store_deadline)
                .await?),
            None => Ok(Vec::new()),
        }
    }
}

impl Incidents {
    async fn anchored_and_gone(&self, there: &BTreeSet<Chain>) -> Result<Option<Chain>, Error> {
        let mut after = None;
        loop {
            let batch = self.audit().anchored(after, BATCH).await?;
            for chain in &batch {
                if let AnchoredChain::Audit(chain) = chain
                    && !there.contains(chain)
                {
                    return Ok(Some(*chain));
                }
            }
            after = batch.last().copied();
            if batch.len() < BATCH {
                return Ok(None);
            }
        }
    }

    async fn audit_chains(&self, after: Option<Chain>) -> Result<Vec<Chain>, Error> {
        let timeout = self.inner.settings.store_deadline;
        Ok(self.store.audit_chains(after, BATCH, timeout).await?)
    }

    pub(in crate::engine) async fn heads_of(
        &self,
        chain: AnchoredChain,
    ) -> Result<Vec<Head>, Error> {
        match self.inner.anchors.record() {
            Some(record) => Ok(record
                .heads(chain, self.inner.settings.store_deadline)
                .await?),
            None => Ok(Vec::new()),
        }
    }
}

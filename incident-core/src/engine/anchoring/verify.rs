//! Verification of chains: link by link, and against their anchors.

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

/// The result of verifying the whole audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every chain is as it was sealed.
    Valid {
        /// Number of chains.
        chains: u64,
        /// Number of entries.
        entries: u64,
        /// Number of entries that are known to be the anchored ones; see [`Verdict::Valid`].
        anchored: u64,
    },
    /// The first chain that is broken.
    Broken {
        /// The chain.
        chain: Chain,
        /// The first bad entry.
        seq: u64,
        /// The mismatch.
        reason: &'static str,
    },
}

impl AuditHandle<'_> {
    /// Verifies the chain of a timeline and the state of its incident.
    ///
    /// Checks every link; that no entry is missing at the end; that the chain holds what was
    /// anchored of it, if an [`AnchorRecord`](crate::port::AnchorRecord) was given; that every
    /// erased text was redacted on record; and that the incident's state, which credits are
    /// computed from, is the one that its newest entry marks ([`StateMarks`]).
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there never was such an incident. Fails if the store or the
    /// anchors did not answer.
    pub async fn verify_timeline(self, id: IncidentId) -> Result<Verdict, Error> {
        let this = self.0;
        let anchors = this.heads_of(AnchoredChain::Timeline(id)).await?;
        if anchors.is_empty() && matches!(this.find(id).await, Ok(None)) {
            return Err(Error::NotFound("incident"));
        }
        this.check_timeline(id, Walk::whole(anchors), OnUnreadable::IsBroken)
            .await
    }

    /// Verifies one chain of the audit trail, and that it holds what was anchored of it.
    ///
    /// # Errors
    /// Fails if the store or anchor error.
    pub async fn verify_chain(self, chain: Chain) -> Result<Verdict, Error> {
        let this = self.0;
        let anchors = this.heads_of(AnchoredChain::Audit(chain)).await?;
        this.check_audit(chain, Walk::whole(anchors)).await
    }

    /// Verifies every chain of the audit trail, including those that were anchored and are gone.
    ///
    /// # Errors
    /// Fails if the store or anchor error.
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
                reason: "the whole chain was anchored but is missing",
            });
        }
        Ok(AuditVerdict::Valid {
            chains: seen.len() as u64,
            entries,
            anchored,
        })
    }

    /// Lists the chains that were anchored, after `after`, ascending; empty if no record of anchors
    /// was given.
    ///
    /// # Errors
    /// Fails if anchor error.
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

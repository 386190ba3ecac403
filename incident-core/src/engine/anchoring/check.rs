//! Walks of chains: a timeline with the state that its newest entry marks, and a chain of the audit
//! trail.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::audit::{self, Chain};
use crate::chain::{Verdict, Walk};
use crate::engine::queries::incidents::BATCH;
use crate::engine::yield_now::yield_now;
use crate::engine::{Error, Incidents};
use crate::incident::Incident;
use crate::port::StoreError;
use crate::timeline::{StateMarks, SysIncidentUpdateEntry};
use crate::{IncidentId, redaction, timeline};

/// Number of links that are checked in one turn, which takes tens of microseconds. A runtime with
/// one thread polls its sockets once in about sixty turns (tokio: 61).
const IN_A_TURN: usize = 8;

/// Maximum attempts at an incident that is written meanwhile.
const MAX_CONFLICT_RETRIES: u32 = 64;

/// The treatment of a state that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum OnUnreadable {
    /// Counts as damage: the caller verifies the chain.
    IsBroken,
    /// Counts as the state of a newer version, which has marks of its own: it is not compared.
    IsSkipped,
}

/// The contents of a walked timeline, beside its links.
#[derive(Debug, Default)]
struct WalkedEntries {
    /// The marks of the last entry.
    marks: Option<StateMarks>,
    /// Entries whose texts were erased.
    erased: BTreeSet<u64>,
}

impl WalkedEntries {
    fn note(&mut self, entry: &SysIncidentUpdateEntry) {
        self.marks = entry.fields.marks;
        if entry.is_redacted() {
            self.erased.insert(entry.seq);
        }
    }
}

/// An incident, as far as a check can read it.
enum FoundIncident {
    State(Arc<Incident>),
    None,
    Unreadable,
}

impl Incidents {
    /// Walks a timeline to its end and compares the end with the incident's state; stops at the
    /// first mismatch.
    pub(in crate::engine) async fn check_timeline(
        &self,
        id: IncidentId,
        mut walk: Walk,
        unreadable: OnUnreadable,
    ) -> Result<Verdict, Error> {
        let (mut walked, mut reached) = (WalkedEntries::default(), None);
        for _ in 0..MAX_CONFLICT_RETRIES {
            if let Some(broken) = self.walk_timeline(id, &mut walk, &mut walked).await? {
                return Ok(broken);
            }
            let end = walk.clone().end();
            let Verdict::Valid { head, .. } = end else {
                return Ok(end);
            };
            let state = match self.found(id).await? {
                FoundIncident::State(state) => state,
                FoundIncident::None if head.seq == 0 => return Ok(end),
                FoundIncident::None => {
                    return Ok(walk.broken_last("the record of the incident is missing"));
                }
                FoundIncident::Unreadable if unreadable == OnUnreadable::IsBroken => {
                    return Ok(
                        walk.broken_last("the stored state of the incident could not be decoded")
                    );
                }
                FoundIncident::Unreadable => break,
            };
            let last = head.seq;
            if last < state.last_seq && reached == Some(last) {
                return Ok(walk.broken("the entry is missing"));
            }
            if last > state.last_seq {
                return Ok(walk.broken_last(
                    "the incident's entry count is lower than the number of its timeline entries",
                ));
            }
            reached = Some(last);
            if last == state.last_seq {
                if let Some(reason) = self.mismatch(&state, walked.marks.as_ref()).await? {
                    return Ok(walk.broken_last(reason));
                }
                break;
            }
            // The incident was written after its entries were read.
        }
        if let Some(seq) = self.not_on_record(id, walked.erased).await? {
            let reason = "texts of the entry are missing and no redaction is recorded";
            return Ok(Verdict::Broken { seq, reason });
        }
        Ok(walk.end())
    }

    /// Returns the first mismatch of an incident with the marks of its newest entry, or with the
    /// data that is stored beside its state.
    pub(in crate::engine) async fn mismatch(
        &self,
        state: &Incident,
        marks: Option<&StateMarks>,
    ) -> Result<Option<&'static str>, Error> {
        if let Some(reason) = marks.and_then(|marks| marks.mismatch(state)) {
            return Ok(Some(reason));
        }
        let timeout = self.inner.settings.store_deadline;
        Ok(self.store.mismatch(state.id, timeout).await?)
    }

    async fn found(&self, id: IncidentId) -> Result<FoundIncident, Error> {
        match self.find(id).await {
            Ok(Some(state)) => Ok(FoundIncident::State(state)),
            Ok(None) => Ok(FoundIncident::None),
            Err(Error::Store(StoreError::Corrupt(_))) => Ok(FoundIncident::Unreadable),
            Err(error) => Err(error),
        }
    }

    /// Returns the first of these entries whose redaction is not in the audit trail.
    async fn not_on_record(
        &self,
        id: IncidentId,
        mut erased: BTreeSet<u64>,
    ) -> Result<Option<u64>, Error> {
        let (store, timeout) = (&self.store, self.inner.settings.store_deadline);
        let (chain, mut after) = (Chain::Incident(id), 0);
        while !erased.is_empty() {
            let batch = store.audit_chain(chain, after, BATCH, timeout).await?;
            for entry in &batch {
                if let Some((_, seq)) = redaction::recorded(&entry.payload) {
                    erased.remove(&seq);
                }
                after = entry.seq;
            }
            if batch.len() < BATCH {
                break;
            }
            yield_now().await;
        }
        Ok(erased.first().copied())
    }

    /// Walks a chain of the audit trail to its end, or to the first link that does not fit.
    pub(in crate::engine) async fn check_audit(
        &self,
        chain: Chain,
        mut walk: Walk,
    ) -> Result<Verdict, Error> {
        let (store, timeout) = (&self.store, self.inner.settings.store_deadline);
        let mut batch = BATCH;
        loop {
            match store.audit_chain(chain, walk.seq(), batch, timeout).await {
                Ok(entries) => {
                    for (nth, entry) in entries.iter().enumerate() {
                        let before = walk.before(entry.prev_hash);
                        if let Err(broken) = walk.step(audit::verify_next(chain, before, entry)) {
                            return Ok(broken);
                        }
                        if nth % IN_A_TURN == IN_A_TURN - 1 {
                            yield_now().await;
                        }
                    }
                    if entries.len() < batch {
                        return Ok(walk.end());
                    }
                }
                Err(error) => {
                    if let Some(broken) = one_by_one(&walk, &mut batch, error)? {
                        return Ok(broken);
                    }
                }
            }
            yield_now().await;
        }
    }

    /// Walks a timeline to its end, and returns the verdict on the first link that does not fit.
    async fn walk_timeline(
        &self,
        id: IncidentId,
        walk: &mut Walk,
        walked: &mut WalkedEntries,
    ) -> Result<Option<Verdict>, Error> {
        let (store, timeout) = (&self.store, self.inner.settings.store_deadline);
        let mut batch = BATCH;
        loop {
            match store.timeline(id, walk.seq(), batch, timeout).await {
                Ok(entries) => {
                    for (nth, entry) in entries.iter().enumerate() {
                        let before = walk.before(entry.prev_hash);
                        if let Err(broken) = walk.step(timeline::verify_next(id, before, entry)) {
                            return Ok(Some(broken));
                        }
                        walked.note(entry);
                        if nth % IN_A_TURN == IN_A_TURN - 1 {
                            yield_now().await;
                        }
                    }
                    if entries.len() < batch {
                        return Ok(None);
                    }
                }
                Err(error) => {
                    if let Some(broken) = one_by_one(walk, &mut batch, error)? {
                        return Ok(Some(broken));
                    }
                }
            }
            yield_now().await;
        }
    }
}

/// Switches to reading links one by one after several could not be read; a single one is broken.
fn one_by_one(
    walk: &Walk,
    batch: &mut usize,
    error: StoreError,
) -> Result<Option<Verdict>, StoreError> {
    if !matches!(error, StoreError::Corrupt(_)) {
        return Err(error);
    }
    if *batch > 1 {
        *batch = 1;
        return Ok(None);
    }
    Ok(Some(walk.broken("the stored bytes could not be decoded")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_cannot_be_read_are_looked_for_singly() {
        let walk = Walk::whole([]);
        let unreadable = || StoreError::Corrupt("a column".into());
        for many in [2, 100] {
            let mut batch = many;
            let found = one_by_one(&walk, &mut batch, unreadable()).unwrap();
            assert_eq!((found, batch), (None, 1));
        }
        let mut batch = 1;
        let found = one_by_one(&walk, &mut batch, unreadable()).unwrap();
        assert_eq!(
            found,
            Some(walk.broken("the stored bytes could not be decoded"))
        );
        let other = one_by_one(&walk, &mut batch, StoreError::Conflict);
        assert!(matches!(other, Err(StoreError::Conflict)));
    }
}

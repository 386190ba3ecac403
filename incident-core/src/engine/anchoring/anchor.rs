//! Anchoring: the heads of chains that changed are written outside the store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;

use super::check::OnUnreadable;
use crate::anchor::{Anchor, AnchoredChain};
use crate::audit::Chain;
use crate::chain::{Head, Verdict, Walk};
use crate::engine::each::EachAlone;
use crate::engine::queries::incidents::BATCH;
use crate::engine::state::anchors::Progress;
use crate::engine::yield_now::yield_now;
use crate::engine::{Alarm, EngineEvent, Error, Incidents, WorkerHandle};
use crate::incident::Incident;
use crate::port::{AnchorError, AnchorSink, AuditQuery, IncidentFilter, StoreError};
use crate::{IncidentId, Timestamp};

/// Overlap of a pass with the one before it. A commit carries the time of its decision: it may land
/// later than one that was decided after it.
const OVERLAP: Duration = Duration::from_secs(10 * 60);

/// Time that the first pass goes back if no earlier one is known.
const FIRST_LOOK: Duration = Duration::from_secs(24 * 60 * 60);

/// Maximum number of heads in one anchor. A head has about 140 bytes: 64 of them stay below 16 KiB,
/// where container runtimes split a line of a log (containerd, Docker), which would break its
/// digest.
const HEADS: usize = 64;

/// Maximum number of unchanged incidents that one pass compares with their chains, in turn: a state
/// that is rewritten is found without a command on it.
const COMPARED: usize = 100;

/// Number of those that are read at a time; each may be large.
const AT_A_TIME: usize = 20;

/// The result of one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Anchored {
    /// Number of heads that were anchored.
    pub heads: usize,
    /// Number of chains that are broken, or do not fit their incident's state. Each raised an
    /// alarm.
    pub broken: usize,
}

/// The default sink: a log line per anchor, at level `info` under the target
/// `incident_core::anchor`, with the anchor's JSON in the field `anchor`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogAnchors;

#[async_trait]
impl AnchorSink for LogAnchors {
    async fn append(&self, anchor: &Anchor, _timeout: Duration) -> Result<(), AnchorError> {
        tracing::info!(target: "incident_core::anchor", %anchor, "heads of chains");
        Ok(())
    }
}

impl WorkerHandle<'_> {
    /// Runs one pass: anchors the head of every chain that changed since the one before. Call it
    /// every few minutes; the loop of `incident-pagers` does.
    ///
    /// Before a new head replaces an old one, the links between them are checked, and the old one
    /// has to be still there: a chain that was rewritten raises [`Alarm::ChainBroken`] and is not
    /// anchored. So does an incident whose state is not the one that its newest entry marks
    /// ([`StateMarks`](crate::timeline::StateMarks)); beside those that changed, a pass compares up
    /// to 100 others in turn.
    ///
    /// # Errors
    /// Fails if the store or the sink did not answer. Each chain fails alone, and is anchored by
    /// the next pass.
    pub async fn anchor(self) -> Result<Anchored, Error> {
        let this = self.0;
        let mut progress = this.inner.anchors.progress.lock().await;
        let now = this.inner.now();
        let from = match progress.from {
            Some(from) => from,
            None => this.first_look(now).await?,
        };
        let mut moved = this.moved_since(from).await?;
        moved.extend(&progress.again);
        let mut again = BTreeSet::new();
        let (mut done, mut each) = (Anchored::default(), EachAlone::default());
        let mut heads = BTreeMap::new();
        for chain in &moved {
            let looked = this.look_at(*chain, &progress).await;
            let Some((known, verdict)) =
                each.note(chain, "could not anchor a timeline or audit chain", looked)
            else {
                again.insert(*chain);
                continue;
            };
            match verdict {
                Verdict::Valid { head, .. } if Some(head) == known => {
                    progress.heads.insert(*chain, head);
                }
                Verdict::Valid { head, .. } => {
                    heads.insert(*chain, head);
                }
                Verdict::Broken { seq, reason } => {
                    done.broken += 1;
                    this.tell_broken(*chain, seq, reason);
                }
            }
            if heads.len() == HEADS {
                done.heads += this.write_down(now, &mut heads, &mut progress).await?;
            }
        }
        done.heads += this.write_down(now, &mut heads, &mut progress).await?;
        let compared = this.compare_some(&mut progress.compared, &moved).await;
        done.broken += each
            .note(
                "some",
                "could not compare incidents with their timelines",
                compared,
            )
            .unwrap_or(0);
        progress.heads.retain(|chain, _| moved.contains(chain));
        progress.from = Some(now.saturating_sub(OVERLAP));
        progress.again = again;
        each.end().map(|()| done)
    }
}

impl Incidents {
    /// Checks what follows the anchored head of a chain, and returns both.
    async fn look_at(
        &self,
        chain: AnchoredChain,
        progress: &Progress,
    ) -> Result<(Option<Head>, Verdict), Error> {
        let known = match progress.heads.get(&chain) {
            Some(head) => Some(*head),
            None => self.heads_of(chain).await?.last().copied(),
        };
        let walk = Walk::onward(known);
        let verdict = match chain {
            AnchoredChain::Timeline(id) => {
                self.check_timeline(id, walk, OnUnreadable::IsSkipped)
                    .await?
            }
            AnchoredChain::Audit(chain) => self.check_audit(chain, walk).await?,
        };
        Ok((known, verdict))
    }

    /// Compares the next incidents with the marks of their newest entries, except those that were
    /// checked already. Returns how many do not fit.
    async fn compare_some(
        &self,
        from: &mut Option<(Timestamp, IncidentId)>,
        seen: &BTreeSet<AnchoredChain>,
    ) -> Result<usize, Error> {
        let (mut left, mut broken) = (COMPARED, 0);
        while left > 0 {
            let filter = IncidentFilter {
                after: *from,
                limit: AT_A_TIME.min(left),
                skip_unreadable: true,
                ..IncidentFilter::default()
            };
            let batch = self.reports().incidents(&filter).await?;
            for incident in &batch {
                let chain = AnchoredChain::Timeline(incident.id);
                if seen.contains(&chain) {
                    continue;
                }
                if let Some(reason) = self.newest_mismatch(incident).await? {
                    broken += 1;
                    self.tell_broken(chain, incident.last_seq, reason);
                }
            }
            left -= batch.len();
            *from = batch.last().map(|last| (last.declared_at, last.id));
            if batch.len() < filter.limit {
                // The next round starts from the newest one.
                *from = None;
                break;
            }
            yield_now().await;
        }
        Ok(broken)
    }

    /// Compares an incident with its newest entry, as far as that can be read.
    async fn newest_mismatch(&self, incident: &Incident) -> Result<Option<&'static str>, Error> {
        let (store, timeout) = (&self.store, self.inner.settings.store_deadline);
        let before = incident.last_seq.saturating_sub(1);
        let newest = match store.timeline(incident.id, before, 1, timeout).await {
            Ok(entries) => entries.into_iter().next(),
            // Its bytes are left to `verify`.
            Err(StoreError::Corrupt(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Some(newest) = newest else {
            return Ok(Some("the entry is missing"));
        };
        self.mismatch(incident, newest.fields.marks.as_ref()).await
    }

    async fn first_look(&self, now: Timestamp) -> Result<Timestamp, Error> {
        let newest = match self.inner.anchors.record() {
            Some(record) => record.newest(self.inner.settings.store_deadline).await?,
            None => None,
        };
        Ok(match newest {
            Some(newest) => newest.min(now).saturating_sub(OVERLAP),
            None => now.saturating_sub(FIRST_LOOK),
        })
    }

    /// Lists the chains that changed since a time. The audit trail names them: every command and
    /// every outcome of a page is audited in its own commit.
    async fn moved_since(&self, from: Timestamp) -> Result<BTreeSet<AnchoredChain>, Error> {
        let mut moved = BTreeSet::new();
        let mut query = AuditQuery {
            from: Some(from),
            limit: BATCH,
            skip_unreadable: true,
            ..AuditQuery::default()
        };
        loop {
            let batch = self.audit().list(&query).await?;
            for entry in &batch {
                moved.insert(AnchoredChain::Audit(entry.chain));
                if let Chain::Incident(id) = entry.chain {
                    moved.insert(AnchoredChain::Timeline(id));
                }
            }
            query.after = batch
                .last()
                .map(|entry| (entry.payload.at, entry.chain, entry.seq));
            if batch.len() < BATCH {
                return Ok(moved);
            }
            yield_now().await;
        }
    }

    async fn write_down(
        &self,
        at: Timestamp,
        heads: &mut BTreeMap<AnchoredChain, Head>,
        progress: &mut Progress,
    ) -> Result<usize, Error> {
        if heads.is_empty() {
            return Ok(0);
        }
        let anchor = Anchor::new(at, std::mem::take(heads));
        let timeout = self.inner.settings.store_deadline;
        self.inner.anchors.sink().append(&anchor, timeout).await?;
        progress.heads.extend(anchor.heads());
        Ok(anchor.heads().len())
    }

    fn tell_broken(&self, chain: AnchoredChain, seq: u64, reason: &'static str) {
        tracing::error!(%chain, seq, reason, "a timeline or audit chain is broken: the database was tampered with, or restored to an older state");
        self.inner.emit(&EngineEvent {
            alarm: Some(Alarm::ChainBroken { chain, seq, reason }),
            ..EngineEvent::default()
        });
    }
}

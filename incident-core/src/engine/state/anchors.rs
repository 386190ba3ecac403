//! Where anchors go, and how far this process came with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::lock::Mutex;

use crate::anchor::AnchoredChain;
use crate::chain::Head;
use crate::port::{AnchorRecord, AnchorSink};
use crate::{IncidentId, Timestamp};

/// Where anchors go, and whether they can be asked for.
pub(in crate::engine) enum Destination {
    Sink(Arc<dyn AnchorSink>),
    Record(Arc<dyn AnchorRecord>),
}

/// The sink, and how far this process came.
pub(in crate::engine) struct Anchors {
    to: Destination,
    pub(in crate::engine) progress: Mutex<Progress>,
}

#[derive(Default)]
pub(in crate::engine) struct Progress {
    pub(in crate::engine) from: Option<Timestamp>,
    /// What was anchored of chains that moved in the time that a pass looks at.
    pub(in crate::engine) heads: BTreeMap<AnchoredChain, Head>,
    /// Chains that could not be looked at: the next pass does, whether they move or not.
    pub(in crate::engine) again: BTreeSet<AnchoredChain>,
    /// The last incident that was compared with its chain; none at the start of a round.
    pub(in crate::engine) compared: Option<(Timestamp, IncidentId)>,
}

impl Anchors {
    pub(in crate::engine) fn new(to: Destination) -> Self {
        Self {
            to,
            progress: Mutex::default(),
        }
    }

    pub(in crate::engine) fn sink(&self) -> &dyn AnchorSink {
        match &self.to {
            Destination::Sink(sink) => sink.as_ref(),
            Destination::Record(record) => record.as_ref(),
        }
    }

    pub(in crate::engine) fn record(&self) -> Option<&dyn AnchorRecord> {
        match &self.to {
            Destination::Sink(_) => None,
            Destination::Record(record) => Some(record.as_ref()),
        }
    }
}

//! The destination of anchors, and the progress of anchoring in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::lock::Mutex;

use crate::anchor::AnchoredChain;
use crate::chain::Head;
use crate::port::{AnchorRecord, AnchorSink};
use crate::{IncidentId, Timestamp};

/// The destination of anchors: a sink, or a record that can be read back.
pub(in crate::engine) enum Destination {
    Sink(Arc<dyn AnchorSink>),
    Record(Arc<dyn AnchorRecord>),
}

/// The destination of anchors, with the progress of this process.
pub(in crate::engine) struct Anchors {
    to: Destination,
    pub(in crate::engine) progress: Mutex<Progress>,
}

#[derive(Default)]
pub(in crate::engine) struct Progress {
    pub(in crate::engine) from: Option<Timestamp>,
    /// The anchored heads of chains that changed in the time that a pass covers.
    pub(in crate::engine) heads: BTreeMap<AnchoredChain, Head>,
    /// Chains that could not be checked: the next pass checks them, changed or not.
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

//! The newest events as frames, in order and without a gap.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use incident_core::port::{ChangeHint, ChangePosition};
use tokio::time::Instant;

use super::frame::change_frame;

/// Time for which events can be resumed at least: a cut of a minute, with room for slow clients.
pub(super) const RESUMABLE: Duration = Duration::from_secs(120);

/// Maximum number of events that can be resumed, about 20 MB. Beyond it the oldest are dropped.
pub(super) const MAX_EVENTS: usize = 100_000;

/// The newest events, each serialized once for all streams.
#[derive(Debug)]
pub(super) struct EventRing {
    last: ChangePosition,
    events: VecDeque<RingEvent>,
}

#[derive(Debug)]
struct RingEvent {
    at: Instant,
    frame: Bytes,
}

/// The event after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RingRead {
    /// The frame of the next event.
    Event(Bytes),
    /// There is none yet.
    End,
    /// The position is unknown, or what followed it is gone.
    Lost,
}

impl EventRing {
    /// Creates a ring without events.
    pub(super) fn starting_at(last: ChangePosition) -> Self {
        Self {
            last,
            events: VecDeque::new(),
        }
    }

    /// Returns the position after the newest event.
    pub(super) fn position(&self) -> ChangePosition {
        self.last
    }

    /// Adds an event, and drops those that are too old or too many.
    pub(super) fn push(&mut self, change: &ChangeHint, now: Instant) {
        self.last.seq = self.last.seq.saturating_add(1);
        let frame = change_frame(self.last, change);
        self.events.push_back(RingEvent { at: now, frame });
        while self.events.len() > MAX_EVENTS
            || self
                .events
                .front()
                .is_some_and(|first| now.duration_since(first.at) > RESUMABLE)
        {
            self.events.pop_front();
        }
    }

    /// Returns the event after a position.
    pub(super) fn after(&self, position: ChangePosition) -> RingRead {
        if position.epoch != self.last.epoch || position.seq > self.last.seq {
            return RingRead::Lost;
        }
        if position.seq == self.last.seq {
            return RingRead::End;
        }
        let stored = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        let first = self.last.seq.saturating_sub(stored);
        let index = position.seq.checked_sub(first);
        let index = index.and_then(|index| usize::try_from(index).ok());
        index
            .and_then(|index| self.events.get(index))
            .map_or(RingRead::Lost, |event| RingRead::Event(event.frame.clone()))
    }
}

//! The board on which a feed writes its events, and which all streams read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use incident_core::port::{ChangeHint, ChangePosition, ChangeRange};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::frame::{id_frame, reset_frame};
use super::ring::{EventRing, RingRead};

/// The board on which a feed writes its events. Streams hold a position on it, and nothing else.
#[derive(Debug)]
pub(crate) struct EventBoard {
    state: Mutex<BoardState>,
    /// Changed by every write; `true` once all streams have to end.
    signal: watch::Sender<bool>,
}

#[derive(Debug)]
struct BoardState {
    /// `None` until the log of changes was read.
    ring: Option<EventRing>,
    completeness: Completeness,
}

/// The time up to which every change is on the board.
#[derive(Clone, Copy, Debug)]
enum Completeness {
    /// Now: the changes are those of this process.
    Always,
    /// The time at which the last complete read of the log began, if there was one.
    UpTo(Option<Instant>),
}

/// The next frame of a stream, and the position of the stream after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamRead {
    /// The frame.
    pub(crate) frame: Bytes,
    /// The position after it.
    pub(crate) position: ChangePosition,
}

impl EventBoard {
    /// Creates a board for the changes of this process, in an epoch of its own.
    pub(super) fn of_process() -> Self {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let epoch = high ^ low;
        Self::with(BoardState {
            ring: Some(EventRing::starting_at(ChangePosition { epoch, seq: 0 })),
            completeness: Completeness::Always,
        })
    }

    /// Creates a board for the changes of a log, which is not read yet.
    pub(super) fn of_log() -> Self {
        Self::with(BoardState {
            ring: None,
            completeness: Completeness::UpTo(None),
        })
    }

    fn with(state: BoardState) -> Self {
        Self {
            state: Mutex::new(state),
            signal: watch::Sender::new(false),
        }
    }

    /// Returns the position after the newest event, unless none is known yet.
    pub(super) fn position(&self) -> Option<ChangePosition> {
        self.state().ring.as_ref().map(EventRing::position)
    }

    /// Adds a change of this process.
    pub(super) fn push(&self, change: &ChangeHint) {
        if let Some(ring) = self.state().ring.as_mut() {
            ring.push(change, Instant::now());
        }
        self.wake();
    }

    /// Adds a part of the log, read from [`position`](Self::position) on. A part that does not
    /// follow the newest event replaces all: streams whose position is gone get a reset.
    pub(super) fn append(&self, range: &ChangeRange) {
        let mut state = self.state();
        let follows = |ring: &EventRing| ring.position() == range.after;
        let mut ring = state.ring.take().filter(follows);
        let is_new = ring.is_none() || !range.changes.is_empty();
        let next = ring.get_or_insert_with(|| EventRing::starting_at(range.after));
        for change in &range.changes {
            next.push(change, Instant::now());
        }
        state.ring = ring;
        drop(state);
        if is_new {
            self.wake();
        }
    }

    /// Notes that the log was read to its end by a read that began at a time.
    pub(super) fn is_complete_up_to(&self, began: Instant) {
        self.state().completeness = Completeness::UpTo(Some(began));
    }

    /// Wakes all streams.
    pub(super) fn wake(&self) {
        self.signal.send_modify(|_| ());
    }

    /// Ends all streams, present and future ones.
    pub(super) fn end(&self) {
        self.signal.send_replace(true);
    }

    /// Returns a receiver that changes with every write, and is `true` at the end.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.signal.subscribe()
    }

    /// Returns the first frame of a stream that was requested at a time: the id of its position, or a
    /// reset. Returns `None` while changes from before the request may be missing on the board.
    pub(crate) fn start(&self, start: StreamStart, requested: Instant) -> Option<StreamRead> {
        let state = self.state();
        let is_complete = match state.completeness {
            Completeness::Always => true,
            Completeness::UpTo(began) => began.is_some_and(|began| began >= requested),
        };
        let ring = state.ring.as_ref().filter(|_| is_complete)?;
        let newest = ring.position();
        let reset = StreamRead {
            frame: reset_frame(newest),
            position: newest,
        };
        Some(match start {
            StreamStart::Now => StreamRead {
                frame: id_frame(newest),
                position: newest,
            },
            StreamStart::After(position) if ring.after(position) != RingRead::Lost => StreamRead {
                frame: id_frame(position),
                position,
            },
            StreamStart::After(_) | StreamStart::Unknown => reset,
        })
    }

    /// Returns the frame after a position: the next event, or a reset if that is gone.
    pub(crate) fn after(&self, position: ChangePosition) -> Option<StreamRead> {
        let state = self.state();
        let ring = state.ring.as_ref()?;
        match ring.after(position) {
            RingRead::End => None,
            RingRead::Event(frame) => {
                let seq = position.seq.saturating_add(1);
                let position = ChangePosition { seq, ..position };
                Some(StreamRead { frame, position })
            }
            RingRead::Lost => Some(StreamRead {
                frame: reset_frame(ring.position()),
                position: ring.position(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place at which a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamStart {
    /// The newest event: the client has seen none.
    Now,
    /// The event that the client saw last.
    After(ChangePosition),
    /// The client names an event that cannot be one of ours: it has to load everything again.
    Unknown,
}

//! The feed of events, shared by an engine and an API.

use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Actor;
use incident_core::engine::EngineEvent;
use incident_core::port::{ChangeHint, ChangeLog};
use tokio::time::{Instant, timeout};

use super::board::{EventBoard, StreamStart};
use super::frame::id;
use super::poller::LogPoller;
use super::slots::{StreamSlot, StreamSlots};
use crate::http::problem::Problem;

/// The feed of `GET /sys/events`: hints that something changed, as server-sent events.
///
/// Events are numbered. A client that was cut off names the last number that it saw and gets every
/// later event exactly once, or one `reset`, after which it loads everything again: never a gap.
/// Cuts of less than a minute need no reset, unless there were more than 100,000 events.
///
/// With [`EventFeed::shared`] the numbers are those of this process. If several processes serve the
/// same store, [`EventFeed::of_log`] takes them from a log that all share: each stream then has the
/// changes of all processes, and a client may move between them.
#[derive(Debug)]
pub struct EventFeed {
    board: Arc<EventBoard>,
    slots: Arc<StreamSlots>,
    poller: Option<Arc<LogPoller>>,
}

/// A stream that was opened.
#[derive(Debug)]
pub(crate) struct OpenStream {
    /// The board that it reads.
    pub(crate) board: Arc<EventBoard>,
    /// The place at which it begins.
    pub(crate) start: StreamStart,
    /// The time of its request.
    pub(crate) requested: Instant,
    _slot: StreamSlot,
}

impl EventFeed {
    /// Creates a feed of the changes of this process, to be shared by an engine and an API.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        Arc::new(Self::with(EventBoard::of_process(), None))
    }

    /// Creates a feed of the changes of all processes that share a log.
    ///
    /// It reads the log once a second while there are streams and for two minutes after the last
    /// one, and at once after a change of this process.
    #[must_use]
    pub fn of_log(log: Arc<dyn ChangeLog>) -> Arc<Self> {
        let poller = Arc::new(LogPoller::new(log));
        Arc::new(Self::with(EventBoard::of_log(), Some(poller)))
    }

    fn with(board: EventBoard, poller: Option<Arc<LogPoller>>) -> Self {
        Self {
            board: Arc::new(board),
            slots: Arc::default(),
            poller,
        }
    }

    /// Returns the listener for [`on_event`](incident_core::engine::IncidentsBuilder::on_event).
    /// Events that touch neither an incident nor the public page are left out.
    pub fn listener(self: &Arc<Self>) -> impl Fn(&EngineEvent) + Send + Sync + use<> {
        let feed = Arc::clone(self);
        move |event| feed.record(event)
    }

    fn record(&self, event: &EngineEvent) {
        if event.incidents.is_empty() && !event.public {
            return;
        }
        match &self.poller {
            // The log has it, as it has those of other processes.
            Some(poller) => poller.wake(),
            None => self.board.push(&ChangeHint {
                incidents: event.incidents.clone(),
                public: event.public,
            }),
        }
    }

    /// Returns the id of the newest event, for a page that is rendered after this call: a stream that
    /// begins with `?after=ID` has every change that the page may lack. Returns `None` if the log
    /// of changes could not be read within `wait`.
    pub async fn position(&self, wait: Duration) -> Option<String> {
        let requested = Instant::now();
        let mut changed = self.board.watch();
        self.request();
        let known = async {
            loop {
                changed.mark_unchanged();
                if let Some(newest) = self.board.start(StreamStart::Now, requested) {
                    return Some(id(newest.position));
                }
                if changed.changed().await.is_err() {
                    return None;
                }
            }
        };
        timeout(wait, known).await.ok().flatten()
    }

    /// Sets the maximum number of open streams, 4,000 unless set. A caller has at most three
    /// quarters of them.
    pub fn limit(&self, streams: usize) {
        self.slots.limit(streams);
    }

    /// Returns the number of open streams.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.slots.open()
    }

    /// Ends all streams at once, and new ones after their first frame.
    pub fn end(&self) {
        self.board.end();
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// Returns 429 or 503 if too many are open.
    pub(crate) fn open(&self, caller: &Actor, start: StreamStart) -> Result<OpenStream, Problem> {
        let slot = self.slots.take(caller)?;
        let requested = Instant::now();
        self.request();
        Ok(OpenStream {
            board: Arc::clone(&self.board),
            start,
            requested,
            _slot: slot,
        })
    }

    fn request(&self) {
        if let Some(poller) = &self.poller {
            poller.request(&self.board, &self.slots);
        }
    }
}

impl Drop for EventFeed {
    fn drop(&mut self) {
        self.board.end();
    }
}

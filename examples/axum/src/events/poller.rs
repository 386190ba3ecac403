//! Polls of the log of changes, while there are streams.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use incident_core::port::{ChangeLog, StoreError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::board::EventBoard;
use super::slots::StreamSlots;

/// Maximum time between two polls: changes of other replicas are this late.
pub(super) const POLL: Duration = Duration::from_secs(1);
/// Minimum time between two polls, so that many changes at once share one.
const SPACING: Duration = Duration::from_millis(50);
/// Rest after a poll, as a multiple of its duration: a log that is slow under load is read less often.
const REST: u32 = 3;
/// Maximum of that rest.
const MAX_REST: Duration = Duration::from_secs(3);
/// Time for which polls go on after the last stream, so that its client can resume at once.
const IDLE: Duration = Duration::from_secs(120);
/// Maximum time of a poll.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum number of changes of one read.
const LIMIT: usize = 1_000;

/// Polls of a log of changes: a task that runs while there are streams.
#[derive(Debug)]
pub(super) struct LogPoller {
    log: Arc<dyn ChangeLog>,
    wake: Notify,
    /// Set if a stream waits for the end of a poll that begins after it.
    is_awaited: AtomicBool,
    run: Mutex<PollRun>,
}

#[derive(Debug)]
struct PollRun {
    is_running: bool,
    used: Instant,
}

impl LogPoller {
    /// Creates the polls of a log; none runs yet.
    pub(super) fn new(log: Arc<dyn ChangeLog>) -> Self {
        Self {
            log,
            wake: Notify::new(),
            is_awaited: AtomicBool::new(false),
            run: Mutex::new(PollRun {
                is_running: false,
                used: Instant::now(),
            }),
        }
    }

    /// Polls soon, if polls run: something changed.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Polls soon for a stream that waits for it, and keeps polling while there are streams.
    pub(super) fn request(self: &Arc<Self>, board: &Arc<EventBoard>, slots: &Arc<StreamSlots>) {
        self.is_awaited.store(true, Ordering::Release);
        self.wake.notify_one();
        let mut run = self.run();
        run.used = Instant::now();
        if !run.is_running {
            run.is_running = true;
            let (board, slots) = (Arc::clone(board), Arc::clone(slots));
            tokio::spawn(Arc::clone(self).poll_while_used(board, slots));
        }
    }

    async fn poll_while_used(self: Arc<Self>, board: Arc<EventBoard>, slots: Arc<StreamSlots>) {
        let mut ended = board.watch();
        let polls = async {
            let mut has_failed = false;
            while self.is_used(&slots) {
                let began = Instant::now();
                let outcome = self.poll(&board).await;
                if let Err(error) = &outcome
                    && !has_failed
                {
                    tracing::warn!(
                        error = error as &dyn Error,
                        "could not read the log of changes; event streams go on when it can be read"
                    );
                }
                has_failed = outcome.is_err();
                let rest = (began.elapsed() * REST).clamp(SPACING, MAX_REST);
                let pause = if has_failed { POLL } else { rest };
                sleep(pause).await;
                let _ = timeout(POLL.saturating_sub(pause), self.wake.notified()).await;
            }
        };
        tokio::select! {
            () = polls => {}
            // An error means that the board is gone.
            _ = ended.wait_for(|ended| *ended) => {}
        }
    }

    /// Returns whether there are streams, or were just now; otherwise the task ends.
    fn is_used(&self, slots: &StreamSlots) -> bool {
        let mut run = self.run();
        if slots.open() > 0 {
            run.used = Instant::now();
        }
        run.is_running = run.used.elapsed() < IDLE;
        run.is_running
    }

    /// Reads the log to its end.
    async fn poll(&self, board: &EventBoard) -> Result<(), StoreError> {
        let began = Instant::now();
        let is_awaited = self.is_awaited.swap(false, Ordering::AcqRel);
        let read = self.read(board).await;
        match &read {
            Ok(()) => {
                board.is_complete_up_to(began);
                if is_awaited {
                    board.wake();
                }
            }
            Err(_) => {
                self.is_awaited.fetch_or(is_awaited, Ordering::AcqRel);
            }
        }
        read
    }

    async fn read(&self, board: &EventBoard) -> Result<(), StoreError> {
        loop {
            let range = self.log.after(board.position(), LIMIT, TIMEOUT).await?;
            board.append(&range);
            if range.changes.len() < LIMIT {
                return Ok(());
            }
        }
    }

    fn run(&self) -> MutexGuard<'_, PollRun> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Newline-delimited usage events, stored in batches: one is stored while the next is read.

use std::future::pending;
use std::sync::Arc;

use incident_core::engine::{RequestContext, UsageAccepted};
use incident_core::impact::{ApiUsageEvent, UsageDays, UsageReader};
use incident_core::port::UsageSink;
use tokio::task::JoinHandle;

use crate::command_tasks;
use crate::http::body::{self, BODY_LIMIT};
use crate::http::body_memory::Reservation;
use crate::http::problem::Problem;
use crate::state::AppState;

/// Maximum number of lines of a batch.
const EVENTS_PER_BATCH: usize = 5_000;
/// Maximum bytes of a batch's lines.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The lines of a stream received so far.
pub(super) struct NdjsonLines<'a> {
    state: &'a AppState,
    usage: Arc<dyn UsageSink>,
    context: RequestContext,
    /// Reservation for the bytes of both batches and of the open line.
    reservation: Reservation,
    /// Number of reserved bytes of the current batch and of the open line.
    held: usize,
    /// The beginning of a line whose end has not arrived.
    open: Vec<u8>,
    reader: UsageReader,
    batch: Vec<ApiUsageEvent>,
    /// The previous batch, which is being stored.
    before: Option<JoinHandle<Result<u64, Problem>>>,
    /// Line number at which the previous batch was handed over.
    handed_over: u64,
    /// Days of the events of the whole request.
    days: UsageDays,
    number: u64,
    accepted: u64,
}

/// The reason for accepting no more lines, and the line number. If the previous batch still fails,
/// that failure is the response instead.
struct Stop {
    problem: Problem,
    line: u64,
}

impl<'a> NdjsonLines<'a> {
    pub(super) fn new(
        state: &'a AppState,
        usage: Arc<dyn UsageSink>,
        context: RequestContext,
        reservation: Reservation,
    ) -> Self {
        Self {
            state,
            usage,
            context,
            reservation,
            held: 0,
            open: Vec::new(),
            reader: UsageReader::default(),
            batch: Vec::new(),
            before: None,
            handed_over: 0,
            days: UsageDays::default(),
            number: 0,
            accepted: 0,
        }
    }

    /// Processes the next bytes.
    pub(super) async fn add(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        match self.reservation.reserve(bytes.len()) {
            Ok(()) => self.held += bytes.len(),
            Err(problem) => return Err(self.broken_off(problem).await),
        }
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            if let Err(stop) = self.take(line) {
                return Err(self.stopped(stop).await);
            }
            rest = after.get(1..).unwrap_or_default();
            if self.batch.len() >= EVENTS_PER_BATCH {
                self.keep(rest.len()).await?;
            }
        }
        if let Err(stop) = self.carry(rest) {
            return Err(self.stopped(stop).await);
        }
        if self.held >= BATCH_BYTES {
            self.keep(self.open.len()).await?;
        }
        Ok(())
    }

    /// Processes the last line and returns the number of accepted events.
    pub(super) async fn end(mut self) -> Result<UsageAccepted, Problem> {
        if let Err(stop) = self.take(b"") {
            return Err(self.stopped(stop).await);
        }
        self.keep(0).await?;
        self.settle().await?;
        Ok(UsageAccepted {
            accepted: self.accepted,
            replayed: false,
        })
    }

    /// Returns the same problem with the line at which the stream ended early; or the problem of
    /// the previous batch if that could not be stored.
    pub(super) async fn broken_off(&mut self, problem: Problem) -> Problem {
        let stop = self.stop(problem);
        self.stopped(stop).await
    }

    async fn stopped(&mut self, stop: Box<Stop>) -> Problem {
        match self.settle().await {
            Ok(()) => stop.problem.after(stop.line, self.accepted),
            Err(before) => before,
        }
    }

    fn stop(&self, problem: Problem) -> Box<Stop> {
        let line = self.number;
        Box::new(Stop { problem, line })
    }

    fn carry(&mut self, part: &[u8]) -> Result<(), Box<Stop>> {
        if self.open.len() + part.len() > BODY_LIMIT {
            let (problem, line) = (body::too_large(), self.number + 1);
            return Err(Box::new(Stop { problem, line }));
        }
        self.open.extend_from_slice(part);
        Ok(())
    }

    fn take(&mut self, end: &[u8]) -> Result<(), Box<Stop>> {
        if self.open.is_empty() {
            return self.line(end);
        }
        self.carry(end)?;
        let mut line = std::mem::take(&mut self.open);
        self.line(&line)?;
        // The next line reuses its allocation.
        line.clear();
        self.open = line;
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Box<Stop>> {
        self.number += 1;
        if line.len() > BODY_LIMIT {
            return Err(self.stop(body::too_large()));
        }
        let line = if self.number == 1 {
            body::without_mark(line)
        } else {
            line
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let event = match self.reader.read(line) {
            Some(event) => event,
            None => body::line(line).map_err(|problem| self.bad(problem))?,
        };
        let fits = event
            .check()
            .and_then(|()| self.days.add(event.occurred_at));
        fits.map_err(|wrong| self.stop(wrong.into()))?;
        self.batch.push(event);
        Ok(())
    }

    /// Returns the stop at a line that is not JSON, which is a 422 like other invalid lines.
    fn bad(&self, problem: Problem) -> Box<Stop> {
        let problem = if problem.errors().is_empty() {
            Problem::field("", "the line is not JSON")
        } else {
            problem
        };
        self.stop(problem)
    }

    /// Starts storing the batch after the previous one is stored. The last `open` received bytes do
    /// not belong to it.
    async fn keep(&mut self, open: usize) -> Result<(), Problem> {
        let bytes = self.held.saturating_sub(open);
        self.held = open;
        if self.batch.is_empty() {
            self.reservation.release(bytes);
            return Ok(());
        }
        self.settle().await?;
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(EVENTS_PER_BATCH));
        let incidents = self.state.incidents().clone();
        let (usage, context) = (Arc::clone(&self.usage), self.context.clone());
        let reservation = self.reservation.clone();
        let keep = async move {
            let kept = incidents
                .signals()
                .record_usage(&context, &*usage, batch)
                .await;
            reservation.release(bytes);
            Ok(kept?.accepted)
        };
        self.before = Some(self.state.spawn_command(keep).await);
        self.handed_over = self.number;
        Ok(())
    }

    /// Waits until the previous batch is stored.
    async fn settle(&mut self) -> Result<(), Problem> {
        let Some(before) = &mut self.before else {
            return Ok(());
        };
        let kept = command_tasks::outcome(before).await;
        self.before = None;
        self.accepted += kept.map_err(|problem| problem.after(self.handed_over, self.accepted))?;
        Ok(())
    }

    /// Waits until the previous batch fails; never returns if it is stored.
    pub(super) async fn refused(&mut self) -> Problem {
        match self.settle().await {
            Ok(()) => pending().await,
            Err(problem) => problem,
        }
    }
}

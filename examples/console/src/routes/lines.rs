//! Usage events as lines of JSON, kept in batches.

use std::sync::Arc;

use incident_core::engine::Ask;
use incident_core::impact::{ApiUsageEvent, UsageDays};

use crate::app::App;
use crate::http::body::{self, BODY_LIMIT};
use crate::http::problem::Problem;
use crate::http::room::Room;

/// Lines that are kept at a time.
const BATCH: usize = 5_000;
/// Bytes of lines that are kept at a time, if these are reached first.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Lines of a stream, as far as it has come.
pub(super) struct Lines<'a> {
    app: &'a App,
    ask: Ask,
    /// Holds the bytes of the batch and of the open line.
    room: Room,
    held: usize,
    /// The beginning of a line whose end has not come.
    open: Vec<u8>,
    batch: Vec<ApiUsageEvent>,
    /// Those of the whole request.
    days: UsageDays,
    number: u64,
    accepted: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(app: &'a App, ask: Ask, room: Room) -> Self {
        Self {
            app,
            ask,
            room,
            held: 0,
            open: Vec::new(),
            batch: Vec::new(),
            days: UsageDays::default(),
            number: 0,
            accepted: 0,
        }
    }

    /// Takes the next bytes.
    pub(super) async fn add(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        let held = self.room.take(bytes.len());
        held.map_err(|problem| self.broken_off(problem))?;
        self.held += bytes.len();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            self.take(line)?;
            rest = after.get(1..).unwrap_or_default();
            if self.batch.len() >= BATCH {
                self.keep(rest.len()).await?;
            }
        }
        self.carry(rest)?;
        if self.held >= BATCH_BYTES {
            self.keep(self.open.len()).await?;
        }
        Ok(())
    }

    /// Takes the last line, and gives how many were accepted.
    pub(super) async fn end(mut self) -> Result<u64, Problem> {
        self.take(b"")?;
        self.keep(0).await?;
        Ok(self.accepted)
    }

    /// The same problem, with the place where the stream broke off.
    pub(super) fn broken_off(&self, problem: Problem) -> Problem {
        problem.after(self.number, self.accepted)
    }

    fn carry(&mut self, part: &[u8]) -> Result<(), Problem> {
        if self.open.len() + part.len() > BODY_LIMIT {
            return Err(body::too_large().after(self.number + 1, self.accepted));
        }
        self.open.extend_from_slice(part);
        Ok(())
    }

    fn take(&mut self, end: &[u8]) -> Result<(), Problem> {
        if self.open.is_empty() {
            return self.line(end);
        }
        self.carry(end)?;
        let mut line = std::mem::take(&mut self.open);
        self.line(&line)?;
        // The next one has room there.
        line.clear();
        self.open = line;
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Problem> {
        self.number += 1;
        if line.len() > BODY_LIMIT {
            return Err(self.broken_off(body::too_large()));
        }
        let line = if self.number == 1 {
            body::without_mark(line)
        } else {
            line
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let event: ApiUsageEvent = body::line(line).map_err(|problem| self.bad(problem))?;
        let fits = event
            .check()
            .and_then(|()| self.days.add(event.occurred_at));
        fits.map_err(|wrong| self.broken_off(wrong.into()))?;
        self.batch.push(event);
        Ok(())
    }

    /// A line that is not JSON is one that does not fit: 422, as for any other.
    fn bad(&self, problem: Problem) -> Problem {
        let problem = if problem.errors().is_empty() {
            Problem::field("", "the line is not JSON")
        } else {
            problem
        };
        self.broken_off(problem)
    }

    /// Keeps the batch. `open` bytes that came are not of it.
    async fn keep(&mut self, open: usize) -> Result<(), Problem> {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            let incidents = self.app.incidents.clone();
            let (usage, ask) = (Arc::clone(&self.app.usage), self.ask.clone());
            let (count, _) = self
                .app
                .run(async move { Ok(incidents.record_usage(&ask, &*usage, batch).await?) })
                .await
                .map_err(|problem| self.broken_off(problem))?;
            self.accepted += count;
        }
        self.room.give_back(self.held.saturating_sub(open));
        self.held = open;
        Ok(())
    }
}

//! The test page that is open in this process.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::paging::{PageEvent, TEST_LASTS, TargetId};
use crate::{MessageId, Timestamp};

/// The test page of this process; one is open at a time.
#[derive(Debug, Default)]
pub(in crate::engine) struct Tests {
    open: Mutex<Option<OpenTest>>,
    /// Held while test alerts are opened or resolved, so that no resolution overtakes its trigger.
    pub(in crate::engine) sending: futures_util::lock::Mutex<()>,
}

/// A test page that was requested and has not ended.
#[derive(Clone, Debug)]
pub(in crate::engine) struct OpenTest {
    /// The message that ends it.
    pub(in crate::engine) message: MessageId,
    pub(in crate::engine) page: PageEvent,
    /// The targets at which an alert may be open.
    pub(in crate::engine) targets: Vec<TargetId>,
    pub(in crate::engine) until: Timestamp,
    /// `true` once its end is committed.
    pub(in crate::engine) kept: bool,
}

impl Tests {
    pub(in crate::engine) fn lock(&self) -> MutexGuard<'_, Option<OpenTest>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a test the open one. Returns the test before it, if that one has not ended.
    ///
    /// # Errors
    /// Returns the time for which another test is still open.
    pub(in crate::engine) fn begin(
        &self,
        open: OpenTest,
        now: Timestamp,
    ) -> Result<Option<OpenTest>, Duration> {
        let mut known = self.lock();
        if let Some(known) = &*known {
            let left = known.until.since(now);
            // A clock that was set back must not hold it open for hours.
            if !left.is_zero() && left <= TEST_LASTS {
                return Err(left);
            }
        }
        Ok(known.replace(open))
    }

    /// Returns the time until the open test ends; none if no test is open.
    pub(in crate::engine) fn ends_in(&self, now: Timestamp) -> Option<Duration> {
        let until = self.lock().as_ref()?.until;
        let left = until.since(now);
        (!left.is_zero() && left <= TEST_LASTS).then_some(left)
    }

    pub(in crate::engine) fn change(&self, message: MessageId, change: impl FnOnce(&mut OpenTest)) {
        let mut known = self.lock();
        if let Some(open) = known.as_mut().filter(|open| open.message == message) {
            change(open);
        }
    }

    /// Forgets a test of which nothing is open any more.
    pub(in crate::engine) fn forget(&self, message: MessageId) {
        let mut known = self.lock();
        if known.as_ref().is_some_and(|open| open.message == message) {
            *known = None;
        }
    }

    pub(in crate::engine) fn take(&self) -> Option<OpenTest> {
        self.lock().take()
    }

    /// Returns the targets that the end of a test has to resolve. An alert that a newer test has
    /// taken over is resolved by the end of that one.
    pub(in crate::engine) fn left_to(
        &self,
        message: MessageId,
        targets: &[TargetId],
    ) -> Vec<TargetId> {
        match &*self.lock() {
            Some(open) if open.message == message => open.targets.clone(),
            Some(newer) if newer.kept => {
                let mut left = targets.to_vec();
                left.retain(|target| !newer.targets.contains(target));
                left
            }
            Some(_) | None => targets.to_vec(),
        }
    }
}

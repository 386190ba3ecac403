//! The due time of the next update.

use incident_core::Timestamp;

use super::frame::Frame;
use super::texts::fill;

/// The due time of the next update, in words.
pub(super) struct UpdateDue {
    pub(super) text: String,
    pub(super) is_overdue: bool,
}

impl UpdateDue {
    /// Creates the words: `overdue` and `due_in` are texts with the time until or since then as
    /// `{time}`.
    pub(super) fn new(frame: &Frame<'_>, due: Timestamp, overdue: &str, due_in: &str) -> Self {
        let now = frame.times.now;
        let is_overdue = due <= now;
        let (text, time) = match is_overdue {
            true => (overdue, frame.times.between(&due, &now)),
            false => (due_in, frame.times.between(&now, &due)),
        };
        Self {
            text: fill(text, &[("time", &time)]),
            is_overdue,
        }
    }
}

//! The time until or since something is due, in words.

use incident_core::Timestamp;
use incident_core::incident::NextDeadline;

use super::due_texts::DueTexts;
use super::frame::Frame;
use super::texts::fill;

/// The time until or since something is due, in words.
pub(super) struct Countdown {
    pub(super) text: String,
    pub(super) is_overdue: bool,
}

impl Countdown {
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

    /// Creates the words of the earliest deadline of an incident, with what is to be done.
    pub(super) fn of_deadline(frame: &Frame<'_>, deadline: NextDeadline) -> Self {
        let texts = DueTexts::of(frame.reader.language);
        let bare = Self::new(frame, deadline.at, texts.overdue, texts.due_in);
        let duty = texts.duty(deadline.trigger).unwrap_or_default();
        Self {
            text: format!("{duty} {}", bare.text),
            ..bare
        }
    }
}

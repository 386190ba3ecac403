//! The events of a decision, with who made it and when.

use crate::Timestamp;
use crate::actor::Actor;
use crate::incident::Event;

/// The events of one incident, and by whom and when they happened.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Happened<'a> {
    pub(in crate::engine) events: &'a [Event],
    pub(in crate::engine) by: &'a Actor,
    pub(in crate::engine) now: Timestamp,
}

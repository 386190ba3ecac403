//! The engine over the in-memory store.

mod anchors;
mod background;
mod deadlines;
mod engine_events;
pub(crate) mod properties;

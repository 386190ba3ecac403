//! The engine over the store in memory.

mod anchors;
mod background;
mod deadlines;
mod engine_events;
pub(crate) mod properties;

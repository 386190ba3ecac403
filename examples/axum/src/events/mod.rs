//! The events of the stream: a shared ring of frames, and the streams that read it.

mod board;
mod feed;
mod frame;
mod poller;
mod ring;
mod slots;

pub use feed::EventFeed;

pub(crate) use board::{StreamRead, StreamStart};
pub(crate) use feed::OpenStream;
pub(crate) use frame::{COMMENT, RETRY, read_id};
pub(crate) use slots::describe_metrics;

#[cfg(test)]
mod tests;

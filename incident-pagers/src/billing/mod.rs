//! Sinks for issued credits: HTTP, and a CSV file.

mod file;
#[cfg(feature = "billing")]
mod http;
#[cfg(feature = "billing")]
pub(crate) mod wire;

pub use file::FileSink;
#[cfg(feature = "billing")]
pub use http::{HttpSink, HttpSinkBuilder};

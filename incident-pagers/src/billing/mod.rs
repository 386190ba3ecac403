//! Sinks for credits that were issued: over HTTP, and into a file.

mod file;
mod http;
mod secret;
pub(crate) mod wire;

pub use file::FileSink;
pub use http::{HttpSink, HttpSinkBuilder};
pub use secret::SigningSecret;

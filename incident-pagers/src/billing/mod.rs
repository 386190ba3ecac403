//! Sinks for issued credits: HTTP, and a CSV file.

mod file;
mod http;
mod secret;
pub(crate) mod wire;

pub use file::FileSink;
pub use http::{HttpSink, HttpSinkBuilder};
pub use secret::SigningSecret;

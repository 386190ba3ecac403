//! The contract of pagers, and the requests that vendors get, against mock vendors.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, and what they share, fail by panicking"
)]

mod billing;
mod bodies;
mod channels;
mod conformance;
mod inbound;
mod lines;
mod notices;
mod outcomes;
mod rules;
mod secrets;
mod vendors;

//! The response: eight days of fake time, and notices over HTTP.

mod expected;
mod notices;
mod simulation;
mod waits;
mod world;

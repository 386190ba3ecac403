//! The response over eight days of fake time, and its notices over HTTP.

mod expected;
mod notices;
mod simulation;
mod world;

//! The response over eight days of fake time.

mod expected;
mod passes;
mod simulation;
mod waits;
mod world;

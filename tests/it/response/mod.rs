//! The response over eight days of fake time.

mod expected;
mod simulation;
mod world;

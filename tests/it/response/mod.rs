//! The response: eight days of fake time, and the check that nothing was missed.

mod checked;
mod expected;
mod simulation;
mod world;

//! The response: eight days of fake time, the check that nothing was missed, and notices over HTTP.

mod checked;
mod expected;
mod notices;
mod passes;
mod simulation;
mod waits;
mod world;

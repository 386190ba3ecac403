//! The response: rules that fire, and the notices that follow from them.

mod check;
mod fire;
mod in_force;
mod notice;

pub use fire::Fired;

//! The arithmetic of service levels.

mod data;
mod derivations;
mod properties;
mod tables;

#![doc = include_str!("../README.md")]

mod anchors;
mod store;
mod usage;

pub use anchors::MemoryAnchors;
pub use store::MemoryStore;
pub use usage::MemoryUsage;

#![doc = include_str!("../README.md")]

mod store;
mod usage;

pub use store::MemoryStore;
pub use usage::MemoryUsage;

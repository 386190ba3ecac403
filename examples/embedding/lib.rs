//! The runnable examples are in `examples/`.
//!
//! The examples of the repository's README and of `docs/embedding.md` are compiled here.

#![doc = include_str!("../../README.md")]

#[doc = include_str!("../../docs/embedding.md")]
pub mod guide {}

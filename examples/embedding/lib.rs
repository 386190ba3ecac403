//! The runnable files lie in `examples/`.
//!
//! The example of the repository's README is compiled here.

#![doc = include_str!("../../README.md")]

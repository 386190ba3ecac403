#![doc = include_str!("../README.md")]

mod log;
#[cfg(feature = "tokio")]
mod run;

pub use log::LogPager;
#[cfg(feature = "tokio")]
pub use run::{Wake, run};

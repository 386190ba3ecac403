#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "vendors")]
pub mod inbound;
mod log;
#[cfg(feature = "tokio")]
mod run;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "vendors")]
mod vendor;

pub use log::LogPager;
#[cfg(feature = "tokio")]
pub use run::{Wake, run};
#[cfg(feature = "vendors")]
pub use vendor::*;

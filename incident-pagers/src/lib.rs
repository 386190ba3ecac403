#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod background;
#[cfg(feature = "billing")]
mod billing;
#[cfg(feature = "vendors")]
pub mod inbound;
mod log;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "vendors")]
mod vendor;
#[cfg(feature = "tokio")]
mod worker;

#[cfg(feature = "billing")]
pub use billing::*;
pub use log::LogPager;
#[cfg(feature = "vendors")]
pub use vendor::*;
#[cfg(feature = "tokio")]
pub use worker::{RunningWorker, Worker};

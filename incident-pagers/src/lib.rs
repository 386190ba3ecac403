#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod background;
#[cfg(feature = "billing")]
mod billing;
#[cfg(feature = "vendors")]
pub mod inbound;
mod log;
#[cfg(feature = "tokio")]
mod run;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "vendors")]
mod vendor;

#[cfg(feature = "billing")]
pub use billing::*;
pub use log::LogPager;
#[cfg(feature = "tokio")]
pub use run::{Wake, run};
#[cfg(feature = "vendors")]
pub use vendor::*;

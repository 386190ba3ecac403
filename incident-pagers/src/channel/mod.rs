//! Channels for the notices of escalation rules.

mod log;
#[cfg(feature = "notices")]
mod webhook;
#[cfg(feature = "notices")]
mod wire;

pub use log::LogChannel;
#[cfg(feature = "notices")]
pub use webhook::{WebhookChannel, WebhookChannelBuilder};

#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "tokio")]
mod background;
#[cfg(feature = "csv")]
mod billing;
mod channel;
#[cfg(feature = "vendors")]
mod content;
#[cfg(feature = "vendors")]
pub mod inbound;
mod log;
#[cfg(feature = "vendors")]
mod opsgenie;
#[cfg(feature = "vendors")]
mod pagerduty;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "http")]
mod transport;
#[cfg(feature = "tokio")]
mod worker;

#[cfg(feature = "csv")]
pub use billing::*;
pub use channel::LogChannel;
#[cfg(feature = "notices")]
pub use channel::{WebhookChannel, WebhookChannelBuilder};
#[cfg(feature = "vendors")]
pub use content::PageTemplate;
pub use log::LogPager;
#[cfg(feature = "vendors")]
pub use opsgenie::{
    OpsGenie, OpsGenieBuilder, OpsGeniePriorities, OpsGeniePriority, OpsGenieRegion, Responder,
    ResponderKind,
};
#[cfg(feature = "vendors")]
pub use pagerduty::{
    LookupError, PagerDuty, PagerDutyBuilder, PagerDutyCheck, PagerDutyRegion, PagerDutyRest,
    PagerDutySeverities, PagerDutySeverity,
};
#[cfg(any(feature = "billing", feature = "notices"))]
pub use transport::SigningSecret;
#[cfg(feature = "vendors")]
pub use transport::{ApiKey, RoutingKey};
#[cfg(feature = "http")]
pub use transport::{BaseUrl, PagerBuildError, client_builder};
#[cfg(feature = "tokio")]
pub use worker::{RunningWorker, Worker};

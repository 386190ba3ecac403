//! Adapters for vendors of on-call, and what they share.

mod base_url;
mod build_error;
mod content;
mod log_exchange;
mod opsgenie;
mod pagerduty;
mod receipt;
mod secret;
mod template;
pub(crate) mod transport;
mod truncate;

pub use base_url::BaseUrl;
pub use build_error::PagerBuildError;
pub use opsgenie::{
    OpsGenie, OpsGenieBuilder, OpsGeniePriorities, OpsGeniePriority, OpsGenieRegion, Responder,
    ResponderKind,
};
#[cfg(feature = "testing")]
pub(crate) use pagerduty::answer_of;
pub use pagerduty::{
    LookupError, PagerDuty, PagerDutyBuilder, PagerDutyCheck, PagerDutyRegion, PagerDutyRest,
    PagerDutySeverities, PagerDutySeverity,
};
pub use secret::{ApiKey, RoutingKey};
pub use template::PageTemplate;
pub use transport::client_builder;

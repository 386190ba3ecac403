//! Settings of inbound webhooks.

use incident_pagers::PagerDutyRest;
use incident_pagers::inbound::WebhookSecret;

/// The vendors whose webhooks are accepted; none by default, and the routes of the others are 404.
#[derive(Clone, Debug, Default)]
pub struct WebhookSettings {
    /// Secrets of PagerDuty's webhooks; several during a rotation.
    pub pagerduty: Vec<WebhookSecret>,
    /// The PagerDuty API, for dedup keys that a webhook leaves out.
    pub pagerduty_rest: Option<PagerDutyRest>,
    /// Tokens of OpsGenie's webhooks.
    pub opsgenie: Vec<WebhookSecret>,
}

//! Inbound webhook settings: secrets, tokens and the PagerDuty look-up.

use incident_axum::WebhookSettings;
use incident_core::ValidationError;
use incident_pagers::inbound::WebhookSecret;
use incident_pagers::{BaseUrl, PagerDutyRest};

use crate::config_error::ConfigError;

const PAGERDUTY_SECRET: &str = "PAGERDUTY_WEBHOOK_SECRET";
const PAGERDUTY_TOKEN: &str = "PAGERDUTY_API_TOKEN";
const PAGERDUTY_API: &str = "PAGERDUTY_API_URL";
const OPSGENIE_TOKEN: &str = "OPSGENIE_WEBHOOK_TOKEN";

/// Maximum number of secrets of one webhook: each is tried for every delivery.
pub const MAX_SECRETS: usize = 10;

/// Reads the settings.
///
/// # Errors
/// Returns the first setting that cannot be used, by name and without its value.
pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<WebhookSettings, ConfigError> {
    let url = get(PAGERDUTY_API).map(|url| BaseUrl::new(&url)).transpose();
    let url = url.map_err(|error| wrong(PAGERDUTY_API, &error))?;
    let rest = get(PAGERDUTY_TOKEN).map(|token| {
        PagerDutyRest::new(token.trim(), url, None)
            .map_err(|error| ConfigError::new(PAGERDUTY_TOKEN, error.to_string()))
    });
    Ok(WebhookSettings {
        pagerduty: secrets(get, PAGERDUTY_SECRET)?,
        pagerduty_rest: rest.transpose()?,
        opsgenie: secrets(get, OPSGENIE_TOKEN)?,
    })
}

/// Returns the lines to print at startup.
pub fn startup_lines(webhooks: &WebhookSettings) -> impl Iterator<Item = &'static str> + use<> {
    let lookup = if webhooks.pagerduty_rest.is_some() {
        "webhooks: /hooks/pagerduty, with lookup of missing dedup keys"
    } else {
        "webhooks: /hooks/pagerduty; events without a dedup key are ignored (set PAGERDUTY_API_TOKEN to look the key up)"
    };
    let pagerduty = (!webhooks.pagerduty.is_empty()).then_some(lookup);
    let opsgenie = (!webhooks.opsgenie.is_empty()).then_some("webhooks: /hooks/opsgenie");
    pagerduty.into_iter().chain(opsgenie)
}

fn secrets(
    get: &dyn Fn(&str) -> Option<String>,
    variable: &'static str,
) -> Result<Vec<WebhookSecret>, ConfigError> {
    let list = get(variable).unwrap_or_default();
    if list.split(',').count() > MAX_SECRETS {
        let reason = format!("expected at most {MAX_SECRETS} secrets");
        return Err(ConfigError::new(variable, reason));
    }
    let parts = list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| WebhookSecret::new(part).map_err(|error| wrong(variable, &error)))
        .collect()
}

fn wrong(variable: &'static str, error: &ValidationError) -> ConfigError {
    ConfigError::new(variable, format!("expected {}", error.expected()))
}

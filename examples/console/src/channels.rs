//! Channel settings from the environment: where notices of escalation rules go.

use std::sync::Arc;

use incident_axum::ExternalUrl;
use incident_core::incident::Incident;
use incident_core::port::Channel;
use incident_pagers::{BaseUrl, LogChannel, SigningSecret, WebhookChannel};

use crate::config_error::ConfigError;

const URL: &str = "INCIDENT_NOTICES_URL";
const SECRET: &str = "INCIDENT_NOTICES_SECRET";

/// The channel configured in the environment.
#[derive(Debug, Default)]
pub enum ChannelSettings {
    /// The log.
    #[default]
    Log,
    /// An HTTP endpoint.
    Webhook {
        /// Base URL of the receiver.
        url: BaseUrl,
        /// Secret that signs the notices.
        secret: SigningSecret,
    },
}

impl ChannelSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Fails if an address has no secret, or a value cannot be parsed. The error does not contain
    /// the secret.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let Some(url) = get(URL) else {
            return match get(SECRET) {
                Some(_) => Err(ConfigError::new(SECRET, format!("requires {URL}"))),
                None => Ok(Self::Log),
            };
        };
        let url = BaseUrl::new(&url).map_err(|error| ConfigError::new(URL, error.to_string()))?;
        let secret = get(SECRET).ok_or_else(|| {
            let reason = "required: the secret that signs notices, whsec_...";
            ConfigError::new(SECRET, reason)
        })?;
        let secret = SigningSecret::new(&secret)
            .map_err(|error| ConfigError::new(SECRET, error.to_string()))?;
        Ok(Self::Webhook { url, secret })
    }

    /// Returns `true` if notices reach someone: those of every group do, or none.
    #[must_use]
    pub const fn serves_every_group(&self) -> bool {
        match self {
            Self::Log => false,
            Self::Webhook { .. } => true,
        }
    }

    /// Returns the line to print at startup, without the path of an address: it is a secret of the
    /// chat that made it.
    #[must_use]
    pub fn startup_line(&self) -> String {
        match self {
            Self::Log => format!("notices: printed to the log (set {URL} to post them)"),
            Self::Webhook { url, .. } => format!("notices: posted to {}", url.origin()),
        }
    }

    /// Creates the channel. Its notices link to the pages of incidents if the address under which
    /// browsers reach the server is known.
    ///
    /// # Errors
    /// Fails if the HTTP client cannot be created.
    pub fn build(self, pages: Option<&ExternalUrl>) -> Result<Arc<dyn Channel>, ConfigError> {
        let wrong = |error: &dyn std::error::Error| ConfigError::new(URL, error.to_string());
        match self {
            Self::Log => Ok(Arc::new(LogChannel::new().map_err(|error| wrong(&error))?)),
            Self::Webhook { url, secret } => {
                let name = "webhook"
                    .parse()
                    .map_err(|error: incident_core::ValidationError| wrong(&error))?;
                let mut builder = WebhookChannel::builder(name, url, secret);
                if let Some(pages) = pages.cloned() {
                    let url = move |one: &Incident| pages.join(&format!("/incidents/{}", one.id));
                    builder = builder.incident_url(url);
                }
                let channel = builder.build().map_err(|error| wrong(&error))?;
                Ok(Arc::new(channel))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ChannelSettings, ConfigError> {
        ChannelSettings::from_env(&|name| {
            let found = pairs.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_address_needs_its_secret() {
        const GOOD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let address = (URL, "https://chat.example/hooks/incidents");
        assert_eq!(
            read(&[]).unwrap().build(None).unwrap().name().as_str(),
            "log"
        );
        let webhook = read(&[address, (SECRET, GOOD)]).unwrap();
        let printed = format!("{webhook:?}");
        assert!(!printed.contains("MfKQ") && !printed.contains("hooks"));
        assert_eq!(
            webhook.startup_line(),
            "notices: posted to https://chat.example"
        );
        assert_eq!(webhook.build(None).unwrap().name().as_str(), "webhook");
        for (pairs, named) in [
            (vec![address], SECRET),
            (vec![(SECRET, GOOD)], SECRET),
            (vec![address, (SECRET, "canary")], SECRET),
            (vec![(URL, "http://chat.example"), (SECRET, GOOD)], URL),
        ] {
            let error = read(&pairs).unwrap_err().to_string();
            assert!(
                error.starts_with(named) && !error.contains("canary"),
                "{error}"
            );
        }
    }
}

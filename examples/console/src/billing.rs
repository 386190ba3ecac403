//! Billing settings from the environment: the sink that receives issued credits.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use incident_core::port::BillingSink;
use incident_pagers::{BaseUrl, FileSink, HttpSink, SigningSecret};

use crate::config_error::ConfigError;

const FILE: &str = "INCIDENT_BILLING_FILE";
const URL: &str = "INCIDENT_BILLING_URL";
const SECRET: &str = "INCIDENT_BILLING_SECRET";
const WINDOW: &str = "INCIDENT_BILLING_KEY_WINDOW_HOURS";

/// The billing sink configured in the environment.
#[derive(Debug, Default)]
pub enum BillingSettings {
    /// No sink: approved credits stay pending.
    #[default]
    None,
    /// A CSV file.
    File(PathBuf),
    /// An HTTP endpoint.
    Http {
        /// Base URL of the receiver.
        url: BaseUrl,
        /// Secret that signs the batches.
        secret: SigningSecret,
        /// Time for which the receiver remembers ids.
        key_window: Option<Duration>,
    },
}

impl BillingSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Fails if both a file and a URL are set, if a URL has no secret, or if a value cannot be
    /// parsed. The error does not contain the secret.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let url = get(URL);
        for variable in [SECRET, WINDOW] {
            if url.is_none() && get(variable).is_some() {
                let reason = format!("requires {URL}");
                return Err(ConfigError::new(variable, reason));
            }
        }
        let Some(url) = url else {
            return Ok(get(FILE).map_or(Self::None, |path| Self::File(path.into())));
        };
        if get(FILE).is_some() {
            return Err(ConfigError::new(
                FILE,
                format!("set either this variable or {URL}, not both"),
            ));
        }
        let url = BaseUrl::new(&url).map_err(|error| ConfigError::new(URL, error.to_string()))?;
        let secret = get(SECRET).ok_or_else(|| {
            let reason = "required: the secret that signs batches, whsec_...";
            ConfigError::new(SECRET, reason)
        })?;
        let secret = SigningSecret::new(&secret)
            .map_err(|error| ConfigError::new(SECRET, error.to_string()))?;
        let hours = get(WINDOW).map(|hours| match hours.trim().parse::<u32>() {
            Ok(hours) if (1..=24 * 365).contains(&hours) => Ok(hours),
            _ => Err(ConfigError::new(WINDOW, "expected whole hours, 1 to 8760")),
        });
        let key_window = hours.transpose()?;
        Ok(Self::Http {
            url,
            secret,
            key_window: key_window.map(|hours| Duration::from_secs(u64::from(hours) * 3_600)),
        })
    }

    /// Returns the line to print at startup.
    #[must_use]
    pub fn startup_line(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::File(path) => Some(format!(
                "billing: credits are appended to {}",
                path.display()
            )),
            Self::Http { url, .. } => Some(format!("billing: credits are posted to {url}")),
        }
    }

    /// Creates the sink.
    ///
    /// # Errors
    /// Fails if the file is not writable or the HTTP client cannot be created.
    pub fn build(self) -> Result<Option<Arc<dyn BillingSink>>, ConfigError> {
        match self {
            Self::None => Ok(None),
            Self::File(path) => {
                let shown = path.display().to_string();
                let wrong =
                    |error: std::io::Error| ConfigError::new(FILE, format!("{shown}: {error}"));
                let sink = FileSink::new(path);
                let sink = sink.map_err(|error| ConfigError::new(FILE, error.to_string()))?;
                sink.prepare().map_err(wrong)?;
                Ok(Some(Arc::new(sink)))
            }
            Self::Http {
                url,
                secret,
                key_window,
            } => {
                let mut builder = HttpSink::builder(url, secret);
                if let Some(window) = key_window {
                    builder = builder.key_window(window);
                }
                let sink = builder.build();
                let sink = sink.map_err(|error| ConfigError::new(URL, error.to_string()))?;
                Ok(Some(Arc::new(sink)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<BillingSettings, ConfigError> {
        BillingSettings::from_env(&|name| {
            let found = pairs.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn one_sink_with_all_that_it_needs() {
        const GOOD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let address = (URL, "https://billing.example/credits");
        assert!(matches!(read(&[]), Ok(BillingSettings::None)));
        let file = read(&[(FILE, "credits.csv")]);
        assert!(matches!(file, Ok(BillingSettings::File(_))));
        let http = read(&[address, (SECRET, GOOD), (WINDOW, "72")]).unwrap();
        assert!(
            matches!(&http, BillingSettings::Http { key_window: Some(window), .. } if window.as_secs() == 259_200)
        );
        assert!(!format!("{http:?}").contains("MfKQ"));
        let line = http.startup_line().unwrap();
        assert!(line.contains("billing.example/credits") && !line.contains("MfKQ"));
        assert!(http.build().unwrap().is_some());
        for (pairs, named) in [
            (vec![address], SECRET),
            (vec![(SECRET, GOOD)], SECRET),
            (vec![(WINDOW, "5")], WINDOW),
            (vec![address, (SECRET, "canary")], SECRET),
            (vec![address, (SECRET, GOOD), (WINDOW, "0")], WINDOW),
            (vec![(URL, "http://billing.example"), (SECRET, GOOD)], URL),
            (vec![address, (SECRET, GOOD), (FILE, "x.csv")], FILE),
        ] {
            let error = read(&pairs).unwrap_err().to_string();
            assert!(
                error.starts_with(named) && !error.contains("canary"),
                "{error}"
            );
        }
        let nowhere = BillingSettings::File("no/such/folder/credits.csv".into());
        assert!(nowhere.build().unwrap_err().to_string().starts_with(FILE));
    }
}

//! Configuration from the environment; an invalid setting stops the startup with a message.

use std::env::VarError;
use std::path::PathBuf;

use incident_axum::{ExternalUrl, Tokens, TrustedProxies, WebhookSettings};
use incident_usage_clickhouse::{Address, AddressError};

use crate::billing::BillingSettings;
use crate::bind::Bind;
use crate::channels::ChannelSettings;
use crate::config_error::ConfigError;
use crate::escalations::EscalationSettings;
use crate::hooks;
use crate::names;
use crate::pagers::PagerSettings;
use crate::policy_file::PolicyFile;
use crate::storage::DatabaseSettings;

/// The configuration of the console.
#[derive(Debug)]
pub struct Config {
    /// The address to listen on.
    pub bind: Bind,
    /// The address under which browsers reach the server.
    pub external_url: Option<ExternalUrl>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// The known tokens; if `None`, one is generated.
    pub tokens: Option<Tokens>,
    /// The database; if `None`, everything is stored in memory.
    pub database: Option<DatabaseSettings>,
    /// The store of usage events, if it is not the main store.
    pub usage: Option<Address>,
    /// If `true`, a database that can lose committed data is accepted.
    pub allow_unsafe: bool,
    /// The pagers.
    pub pagers: PagerSettings,
    /// The escalation targets besides on-call.
    pub escalations: EscalationSettings,
    /// The channel for notices of escalation rules.
    pub channels: ChannelSettings,
    /// The sink for issued credits.
    pub billing: BillingSettings,
    /// Secrets and tokens that authenticate webhooks.
    pub hooks: WebhookSettings,
    /// The policy file.
    pub policy: Option<PathBuf>,
    /// The file in which chain heads are anchored.
    pub anchors: Option<PathBuf>,
    /// Set if log lines are JSON.
    pub json_logs: bool,
}

/// Settings of adapters that this build does not have. Ignoring them would silently lose pages or
/// incidents.
const NOT_IN_THIS_BUILD: [(&str, &str); 1] = [("SLACK_SIGNING_SECRET", "chat commands")];

impl Config {
    /// Reads the settings of this process. Also returns the unknown names in the environment with
    /// one of our prefixes, for a warning.
    ///
    /// # Errors
    /// Fails like [`from_env`](Self::from_env), and if a setting is misspelt or is not UTF-8.
    pub fn of_process() -> Result<(Self, Vec<String>), ConfigError> {
        let unknown = names::check(std::env::vars_os().map(|(name, _)| name))?;
        for name in names::SETTINGS {
            if matches!(std::env::var(name), Err(VarError::NotUnicode(_))) {
                return Err(ConfigError::new(name, "expected UTF-8 text"));
            }
        }
        let config = Self::from_env(|name| std::env::var(name).ok())?;
        Ok((config, unknown))
    }

    /// Reads the policy file; the built-in policy if there is none.
    ///
    /// # Errors
    /// Returns the setting and what is wrong with the file.
    pub fn policy_file(&self) -> Result<PolicyFile, String> {
        match &self.policy {
            Some(path) => {
                PolicyFile::read(path).map_err(|reason| format!("INCIDENT_POLICY: {reason}"))
            }
            None => Ok(PolicyFile::default()),
        }
    }

    /// Reads the settings through `lookup`, which is `|name| std::env::var(name).ok()` except in
    /// tests. An empty value counts as absent.
    ///
    /// # Errors
    /// Returns the first setting that cannot be used, without its value if that may be a secret.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        for (variable, what) in NOT_IN_THIS_BUILD {
            if get(variable).is_some() {
                let reason = format!("{what}: not supported yet; unset it");
                return Err(ConfigError::new(variable, reason));
            }
        }
        if let Some(flag) = get("INCIDENT_ALLOW_UNSAFE_DATABASE")
            && flag != "1"
        {
            let variable = "INCIDENT_ALLOW_UNSAFE_DATABASE";
            return Err(ConfigError::new(variable, "expected 1, or leave it unset"));
        }
        let bind = get("INCIDENT_BIND").map(|bind| bind.parse());
        let bind = bind
            .transpose()
            .map_err(|reason: &str| ConfigError::new("INCIDENT_BIND", reason))?;
        let data = get("INCIDENT_DATA").filter(|_| get("DATABASE_URL").is_none());
        if data.is_some_and(|data| data.trim() != "memory") {
            let reason = "expected memory; for durable storage set DATABASE_URL";
            return Err(ConfigError::new("INCIDENT_DATA", reason));
        }
        let external_url = get("INCIDENT_BASE_URL").map(|url| url.trim().parse());
        let external_url = external_url
            .transpose()
            .map_err(|reason: &str| ConfigError::new("INCIDENT_BASE_URL", reason))?;
        let trusted_proxies = get("INCIDENT_TRUSTED_PROXIES").map(|list| list.parse());
        let trusted_proxies = trusted_proxies
            .transpose()
            .map_err(|reason: String| ConfigError::new("INCIDENT_TRUSTED_PROXIES", reason))?
            .unwrap_or_default();
        let tokens = get("INCIDENT_TOKENS")
            .map(|list| Tokens::parse(&list))
            .transpose()
            .map_err(|reason| ConfigError::new("INCIDENT_TOKENS", reason))?;
        if let Some(filter) = get("RUST_LOG") {
            filter
                .parse::<tracing_subscriber::EnvFilter>()
                .map_err(|_| {
                    let reason = "expected a tracing filter, such as info or incident_core=debug";
                    ConfigError::new("RUST_LOG", reason)
                })?;
        }
        Ok(Self {
            bind: bind.unwrap_or_default(),
            external_url,
            trusted_proxies,
            tokens,
            database: get("DATABASE_URL")
                .map(|url| url.trim().parse())
                .transpose()
                .map_err(|reason: &str| ConfigError::new("DATABASE_URL", reason))?,
            usage: get("USAGE_URL")
                .map(|url| url.trim().parse())
                .transpose()
                .map_err(|error: AddressError| ConfigError::new("USAGE_URL", error.to_string()))?,
            allow_unsafe: get("INCIDENT_ALLOW_UNSAFE_DATABASE").is_some(),
            pagers: PagerSettings::from_env(&get)?,
            escalations: EscalationSettings::from_env(&get)?,
            channels: ChannelSettings::from_env(&get)?,
            billing: BillingSettings::from_env(&get)?,
            hooks: hooks::from_env(&get)?,
            policy: get("INCIDENT_POLICY").map(PathBuf::from),
            anchors: get("INCIDENT_ANCHORS").map(PathBuf::from),
            json_logs: match get("INCIDENT_LOG_FORMAT").as_deref().map(str::trim) {
                None | Some("text") => false,
                Some("json") => true,
                Some(_) => {
                    let reason = "expected text or json";
                    return Err(ConfigError::new("INCIDENT_LOG_FORMAT", reason));
                }
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variable: &str, value: &str) -> Result<Config, ConfigError> {
        Config::from_env(|name| (name == variable).then(|| value.to_owned()))
    }

    #[test]
    fn nothing_is_needed() {
        let config = Config::from_env(|_| None).unwrap();
        assert_eq!(config.bind.to_string(), "127.0.0.1:8080");
        assert!(config.tokens.is_none() && config.policy.is_none());
    }

    #[test]
    fn a_wrong_value_is_named_and_not_repeated() {
        for (variable, value) in [
            ("INCIDENT_BIND", "everywhere"),
            ("INCIDENT_BIND", "127.0.0.1:99999"),
            ("INCIDENT_TOKENS", "canary"),
            ("INCIDENT_TOKENS", "anna:admin:canary"),
            ("INCIDENT_ALLOW_UNSAFE_DATABASE", "yes"),
            ("INCIDENT_DATA", "/var/lib/canary"),
            ("DATABASE_URL", "postgres://canary"),
            ("DATABASE_URL", "mysql://u:canary@h/d"),
            ("USAGE_URL", "http://u:canary@h:8123/d"),
            ("USAGE_URL", "clickhouse+http://u:canary@h/d?table=a;b"),
            ("PAGERDUTY_ROUTING_KEY", "canary"),
            ("OPSGENIE_API_KEY", "canary canary"),
            ("PAGERDUTY_URL", "http://canary.example"),
            ("INCIDENT_ESCALATIONS", "security:pagerduty:canary"),
            ("INCIDENT_PAGERS", "pagerduty"),
            ("PAGERDUTY_WEBHOOK_SECRET", "canary"),
            ("PAGERDUTY_API_TOKEN", "canary canary"),
            ("PAGERDUTY_API_URL", "http://canary.example"),
            ("OPSGENIE_WEBHOOK_TOKEN", "canary"),
            ("INCIDENT_BILLING_URL", "http://canary.example"),
            ("INCIDENT_BILLING_SECRET", "canary"),
            ("INCIDENT_LOG_FORMAT", "canary"),
            ("INCIDENT_BASE_URL", "http://canary.example"),
            ("INCIDENT_TRUSTED_PROXIES", "10.0.0.0/8,canary"),
            ("RUST_LOG", "=not=a=filter="),
        ] {
            let error = with(variable, value).unwrap_err().to_string();
            assert!(
                error.starts_with(variable) && !error.contains("canary"),
                "{error}"
            );
        }
        assert!(with("DATABASE_URL", "").is_ok());
        assert!(with("INCIDENT_DATA", "memory").is_ok());
        // With a database no file store can be set.
        let both = |name: &str| match name {
            "INCIDENT_DATA" => Some("/var/lib/canary".to_owned()),
            "DATABASE_URL" => Some("postgres://app@db.example/console".to_owned()),
            _ => None,
        };
        assert!(Config::from_env(both).is_ok());
    }
}

//! The demo as a whole: what it takes of the settings, and the playing.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use incident_axum::{IncidentApi, Tokens, TrustedProxies, WebhookSettings};
use incident_core::ValidationError;
use incident_core::actor::Caller;
use incident_core::engine::system::SystemClock;
use incident_core::port::Clock;

use super::client::{DemoClient, DemoError};
use super::clock::DemoClock;
use super::pager::DemoPager;
use super::people::DemoPeople;
use super::schedule::last_month;
use super::{reference, tour};
use crate::billing::BillingSettings;
use crate::channels::ChannelSettings;
use crate::config::Config;
use crate::pagers::Pagers;
use crate::policy_file::PolicyFile;

/// Time of the reference scenario, after the beginning of last month.
const REFERENCE: Duration = Duration::from_secs((2 * 24 + 10) * 3_600);

/// A demo: its people and its clock.
#[derive(Debug)]
pub struct Demo {
    people: DemoPeople,
    clock: Arc<DemoClock>,
}

impl Default for Demo {
    /// Creates a demo whose clock shows the beginning of last month.
    fn default() -> Self {
        let start = last_month(SystemClock.now()).window().start();
        Self {
            people: DemoPeople::new(),
            clock: Arc::new(DemoClock::starting_at(start)),
        }
    }
}

impl Demo {
    /// Returns the settings without those that would page, issue credits, store data or open the
    /// console to others.
    #[must_use]
    pub fn muted(config: Config) -> Config {
        Config {
            escalations: config.escalations.muted(),
            channels: ChannelSettings::Log,
            billing: BillingSettings::None,
            database: None,
            usage: None,
            anchors: None,
            policy: None,
            hooks: WebhookSettings::default(),
            external_url: None,
            trusted_proxies: TrustedProxies::default(),
            ..config
        }
    }

    /// Returns the lines about the settings that a demo ignores.
    #[must_use]
    pub fn left_out(config: &Config) -> Vec<String> {
        let settings = [
            ("DATABASE_URL", config.database.is_some()),
            ("USAGE_URL", config.usage.is_some()),
            ("INCIDENT_POLICY", config.policy.is_some()),
            ("INCIDENT_BASE_URL", config.external_url.is_some()),
        ];
        let ignored = settings.into_iter().filter(|(_, is_set)| *is_set);
        let mut lines: Vec<String> = ignored
            .map(|(name, _)| format!("demo: ignoring {name}; nothing is stored"))
            .collect();
        if config.channels.serves_every_group() {
            let line = "demo: ignoring INCIDENT_NOTICES_URL; no one is notified";
            lines.push(line.to_owned());
        }
        if config.pagers.wake_people() {
            let line = "demo: ignoring the configured pagers; no one is paged";
            lines.push(line.to_owned());
        }
        lines
    }

    /// Returns the policy of the demo: fees, contracts, names and links.
    ///
    /// # Errors
    /// Returns a sentence about the file that is part of the program.
    pub fn policy() -> Result<PolicyFile, String> {
        let read = PolicyFile::parse(include_str!("policy.toml"));
        read.map_err(|error| format!("policy.toml: {error}"))
    }

    /// Returns the pagers of the demo, which page no one.
    ///
    /// # Errors
    /// Never fails; fallible only because names are checked.
    pub fn pagers() -> Result<Pagers, ValidationError> {
        let current = DemoPager::both()?;
        let names = current.iter().map(|pager| pager.target_id().to_string());
        let names = names.collect::<Vec<_>>().join("; then ");
        Ok(Pagers {
            current,
            startup_lines: vec![format!("pager: {names}, which page no one")],
            ..Pagers::default()
        })
    }

    /// Adds the people's tokens to others, and returns the caller of requests without a login.
    ///
    /// # Errors
    /// Never fails; fallible only because names are checked.
    pub fn admit(&self, tokens: &mut Tokens) -> Result<Caller, ValidationError> {
        self.people.add_to(tokens)?;
        DemoPeople::visitor()
    }

    /// Returns the clock of the console.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    /// Plays everything through the routes, and returns the log of the reference scenario. The clock
    /// is the system's afterwards.
    ///
    /// # Errors
    /// Fails if a route answers against its contract.
    pub async fn play(&self, api: &IncidentApi) -> Result<String, DemoError> {
        let router = api.router();
        let client = DemoClient::new(&router, &self.people);
        let now = SystemClock.now();
        let at = last_month(now).window().start().saturating_add(REFERENCE);
        self.clock.go_to(at);
        let log = reference::play(client, self.clock.now()).await?;
        tour::play(client, &self.clock, now).await?;
        Ok(log.join("\n"))
    }

    /// Returns the lines that tell a visitor where to go.
    #[must_use]
    pub fn invitation(&self, address: SocketAddr) -> String {
        let mut text = format!(
            "Open http://{address}/ in a browser: you are anna (admin), without a login. Ctrl-C stops.\n"
        );
        let _ = write!(
            text,
            "The page about payments fails on purpose. Sign in with a token to be another person: {}",
            self.people
        );
        text
    }
}

//! Suggestions: the correlation engine saw a pair of service and tenant in
//! trouble and proposes an incident. A person decides.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::incident::Incident;
use crate::{Name, ServiceId, SuggestionId, TenantId, Text, Timestamp};

/// How long a suggestion stays open, counted from when we received it.
pub const SUGGESTION_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// What the correlation engine sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suggest {
    /// The service.
    pub service: ServiceId,
    /// The tenant.
    pub tenant: TenantId,
    /// What was seen, in a few words: `error_rate`, `latency_p99`.
    pub signal: Name,
    /// When it was seen.
    pub observed_at: Timestamp,
    /// More about it.
    #[serde(default)]
    pub evidence: Option<Text>,
}

/// Where a suggestion stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionState {
    /// Waits for a person.
    Open,
    /// An incident was declared from it.
    Used,
    /// Nobody followed it in time.
    Expired,
}

/// A suggestion that was received. At most one is open for a pair of service
/// and tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The id.
    pub id: SuggestionId,
    /// What was sent.
    #[serde(rename = "said")]
    pub request: Suggest,
    /// When we received it.
    pub received_at: Timestamp,
    /// Whether an incident was declared from it.
    pub used: bool,
}

impl Suggestion {
    /// Erases what was said in words.
    pub fn redact(&mut self) {
        self.request.evidence = None;
        self.request.signal = Name::made("redacted");
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> SuggestionState {
        match (
            self.used,
            self.received_at.saturating_add(SUGGESTION_TTL) <= now,
        ) {
            (true, _) => SuggestionState::Used,
            (false, true) => SuggestionState::Expired,
            (false, false) => SuggestionState::Open,
        }
    }

    /// Whether a live incident concerns the same pair.
    #[must_use]
    pub fn concerns(&self, incident: &Incident) -> bool {
        incident.status.is_live()
            && incident.affected_services.contains(&self.request.service)
            && incident
                .affected_tenants
                .includes(self.request.tenant.as_str())
    }

    /// A title for the incident that it proposes.
    #[must_use]
    pub fn title(&self) -> String {
        let Suggest {
            service,
            tenant,
            signal,
            ..
        } = &self.request;
        let title = format!("{service} x {tenant}: {signal}");
        title.chars().take(crate::name::TITLE_CHARS).collect()
    }
}

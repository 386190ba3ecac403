//! Suggestions: the correlation engine saw a pair of service and tenant in trouble and proposes an
//! incident. A person decides.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::incident::Incident;
use crate::{Name, ServiceId, SuggestionId, TenantId, Text, Timestamp};

/// Time for which a suggestion stays open, from its receipt. It spans a night and the day after it:
/// a pair that is still bad then is suggested again by the monitoring.
pub const SUGGESTION_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Time for which a dismissed suggestion stands for its pair, from its dismissal.
///
/// The monitoring repeats what it sees every minute: a repeat meanwhile opens no new suggestion. It
/// is short, so that a trouble that has become one is suggested again in the same shift.
pub const DISMISSAL_TTL: Duration = Duration::from_secs(60 * 60);

/// A suggestion as the correlation engine sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Suggest {
    /// The service.
    pub service: ServiceId,
    /// The tenant.
    pub tenant: TenantId,
    /// The observed signal, in a few words: `error_rate`, `latency_p99`.
    pub signal: Name,
    /// Time of the observation.
    pub observed_at: Timestamp,
    /// Further details.
    #[serde(default)]
    pub evidence: Option<Text>,
}

/// The state of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SuggestionState {
    /// Waits for a person.
    Open,
    /// An incident was declared from it.
    Used,
    /// A person dismissed it: no incident is needed.
    Dismissed,
    /// No incident was declared from it in time.
    Expired,
}

/// A suggestion that was received. At most one stands for a pair of service and tenant
/// ([`Suggestion::stands_for_its_pair`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The id.
    pub id: SuggestionId,
    /// The suggestion as it was sent.
    #[serde(rename = "said")]
    pub request: Suggest,
    /// Time of the receipt.
    pub received_at: Timestamp,
    /// Set if an incident was declared from it.
    pub used: bool,
    /// Time at which a person dismissed it.
    #[serde(default)]
    pub dismissed_at: Option<Timestamp>,
}

impl Suggestion {
    /// Erases its words: the evidence and the signal.
    pub fn redact(&mut self) {
        self.request.evidence = None;
        self.request.signal = Name::made("redacted");
    }

    /// Returns its state at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> SuggestionState {
        if self.used {
            SuggestionState::Used
        } else if self.dismissed_at.is_some() {
            SuggestionState::Dismissed
        } else if self.received_at.saturating_add(SUGGESTION_TTL) <= now {
            SuggestionState::Expired
        } else {
            SuggestionState::Open
        }
    }

    /// Returns `true` if no other suggestion for its service and tenant may be opened at `now`: it is
    /// open, or was dismissed less than [`DISMISSAL_TTL`] ago.
    #[must_use]
    pub fn stands_for_its_pair(&self, now: Timestamp) -> bool {
        match self.dismissed_at {
            Some(at) if !self.used => now < at.saturating_add(DISMISSAL_TTL),
            _ => self.state(now) == SuggestionState::Open,
        }
    }

    /// Returns `true` if an incident is live and hits the same service and tenant.
    #[must_use]
    pub fn concerns(&self, incident: &Incident) -> bool {
        incident.status.is_live()
            && incident.affected_services.contains(&self.request.service)
            && incident
                .affected_tenants
                .includes(self.request.tenant.as_str())
    }

    /// Returns a title for the incident that it proposes.
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

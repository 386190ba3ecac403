//! Per severity: whether to page, how urgently, how often to tell the team.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::incident::Severity;
use crate::paging::Urgency;

/// What one severity promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeverityPolicy {
    /// Whether creating an incident pages on-call.
    pub page: bool,
    /// Whether a reopen pages on-call again, in a new epoch.
    pub page_on_reopen: bool,
    /// How the page goes out.
    pub urgency: Urgency,
    /// How often the team is told, in minutes; none for no promise.
    pub update_every_minutes: Option<u32>,
    /// Whether closing needs a post-mortem link.
    pub post_mortem_required: bool,
}

impl Default for SeverityPolicy {
    fn default() -> Self {
        Self {
            page: true,
            page_on_reopen: false,
            urgency: Urgency::Low,
            update_every_minutes: None,
            post_mortem_required: false,
        }
    }
}

/// The policy of all severities. The default is the one that ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Critical.
    pub sev1: SeverityPolicy,
    /// Major.
    pub sev2: SeverityPolicy,
    /// Minor.
    pub sev3: SeverityPolicy,
    /// Low.
    pub sev4: SeverityPolicy,
}

impl Default for Policy {
    fn default() -> Self {
        let urgent = SeverityPolicy {
            page: true,
            page_on_reopen: false,
            urgency: Urgency::High,
            update_every_minutes: Some(15),
            post_mortem_required: true,
        };
        let calm = SeverityPolicy::default();
        Self {
            sev1: urgent,
            sev2: urgent,
            sev3: SeverityPolicy {
                update_every_minutes: Some(60),
                ..calm
            },
            sev4: calm,
        }
    }
}

impl Policy {
    /// The policy of one severity.
    #[must_use]
    pub const fn of(&self, severity: Severity) -> &SeverityPolicy {
        match severity {
            Severity::Sev1 => &self.sev1,
            Severity::Sev2 => &self.sev2,
            Severity::Sev3 => &self.sev3,
            Severity::Sev4 => &self.sev4,
        }
    }

    /// How often the team is told at this severity.
    #[must_use]
    pub fn update_every(&self, severity: Severity) -> Option<Duration> {
        self.of(severity)
            .update_every_minutes
            .map(|minutes| Duration::from_secs(u64::from(minutes) * 60))
    }
}

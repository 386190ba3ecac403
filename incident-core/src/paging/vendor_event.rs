//! What a vendor tells us: what people did in its own app.

use std::time::Duration;

use super::AlertSeen;
use crate::{Name, PersonName, Timestamp};

/// Something that happened to an alert at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorEvent {
    /// Who tells it: `pagerduty`, `opsgenie`.
    pub vendor: Name,
    /// The vendor's id of this event: heard twice, it has one effect.
    pub event_id: Name,
    /// The key of the alert, where it was told.
    pub dedup_key: Option<String>,
    /// The vendor's own id of the alert or incident: by it the key can be asked
    /// for.
    pub vendor_id: Option<String>,
    /// What happened.
    pub what: VendorEventKind,
    /// The person who did it, by the name that the vendor knows.
    pub by: Option<PersonName>,
    /// The time of it by the vendor's clock; where there is none, it counts as of now.
    pub at: Option<Timestamp>,
    /// A digest of what was sent. An event that comes again with another one is refused.
    pub digest: [u8; 32],
    /// It only repeats what we told the vendor.
    pub echo: bool,
}

/// What happened to an alert at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VendorEventKind {
    /// It was opened.
    Opened,
    /// Somebody has it.
    Acknowledged,
    /// Nobody has it any more: a time ran out, or it was given back.
    Unacknowledged,
    /// It was closed.
    Resolved,
    /// It was closed because another one stands for it.
    Merged,
    /// It was opened again.
    Reopened,
    /// Others have it now.
    Reassigned(Vec<String>),
    /// It went up.
    Escalated(Vec<String>),
    /// Its priority or urgency changed.
    Reprioritised(Option<String>),
    /// Somebody wrote a note.
    Noted(String),
}

impl VendorEventKind {
    /// Whether the alert is open, where this tells.
    #[must_use]
    pub const fn shows(&self) -> Option<AlertSeen> {
        match self {
            Self::Resolved | Self::Merged => Some(AlertSeen::Closed),
            Self::Opened | Self::Acknowledged | Self::Unacknowledged | Self::Reopened => {
                Some(AlertSeen::Open)
            }
            Self::Reassigned(_) | Self::Escalated(_) | Self::Reprioritised(_) | Self::Noted(_) => {
                None
            }
        }
    }
}

/// What a vendor may change here. What it may not is an entry of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboundPolicy {
    /// An acknowledgement there acknowledges the incident.
    pub acknowledge: bool,
    /// A resolution there resolves the incident. Off by default: an alert that
    /// was closed says nothing about the impact.
    pub resolve: bool,
}

impl Default for InboundPolicy {
    fn default() -> Self {
        Self {
            acknowledge: true,
            resolve: false,
        }
    }
}

/// Events that are older have no effect. Vendors deliver for two days at most
/// (PagerDuty: 48 hours), and an old one that comes again is a replay.
pub const MAX_VENDOR_EVENT_AGE: Duration = Duration::from_secs(6 * 24 * 60 * 60);

impl VendorEvent {
    /// What happened, in a sentence for the timeline.
    #[must_use]
    pub fn sentence(&self) -> String {
        let vendor = &self.vendor;
        let by = self
            .by
            .as_ref()
            .map_or_else(String::new, |by| format!(" by {by}"));
        let to = |people: &[String]| {
            if people.is_empty() {
                String::new()
            } else {
                format!(" to {}", people.join(", "))
            }
        };
        match &self.what {
            VendorEventKind::Opened => format!("alert opened at {vendor}{by}"),
            VendorEventKind::Acknowledged => format!("acknowledged at {vendor}{by}"),
            VendorEventKind::Unacknowledged => {
                format!("no longer acknowledged at {vendor}: nobody may be at it")
            }
            VendorEventKind::Resolved => {
                format!("alert resolved at {vendor}{by}")
            }
            VendorEventKind::Merged => format!("alert merged into another one at {vendor}{by}"),
            VendorEventKind::Reopened => format!("alert reopened at {vendor}{by}"),
            VendorEventKind::Reassigned(people) => {
                format!("reassigned at {vendor}{}{by}", to(people))
            }
            VendorEventKind::Escalated(people) => {
                format!("escalated at {vendor}{}{by}", to(people))
            }
            VendorEventKind::Reprioritised(Some(level)) => {
                format!("priority at {vendor} is {level} now{by}")
            }
            VendorEventKind::Reprioritised(None) => format!("priority changed at {vendor}{by}"),
            VendorEventKind::Noted(note) => format!("note at {vendor}{by}: {note}"),
        }
    }
}

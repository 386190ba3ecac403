//! Events that a vendor reports: actions of people in its own app.

use std::time::Duration;

use super::AlertSeen;
use crate::{Name, PersonName, Timestamp};

/// An event on an alert at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorEvent {
    /// The vendor: `pagerduty`, `opsgenie`.
    pub vendor: Name,
    /// The vendor's id of the event: received twice, it has one effect.
    pub event_id: Name,
    /// The deduplication key of the alert, if the vendor sent it.
    pub dedup_key: Option<String>,
    /// The vendor's own id of the alert or incident, with which the key can be looked up.
    pub vendor_id: Option<String>,
    /// The kind of event.
    pub what: VendorEventKind,
    /// The person who acted, by the name that the vendor knows.
    pub by: Option<PersonName>,
    /// The time by the vendor's clock; if absent, the time of receipt counts.
    pub at: Option<Timestamp>,
    /// A digest of the payload. A repeated event with another digest is refused.
    pub digest: [u8; 32],
    /// `true` if the event only echoes a request of this library to the vendor.
    pub echo: bool,
}

/// The kind of a vendor event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VendorEventKind {
    /// The alert was opened.
    Opened,
    /// A person acknowledged it.
    Acknowledged,
    /// It is no longer acknowledged: the acknowledgement timed out or was withdrawn.
    Unacknowledged,
    /// It was closed.
    Resolved,
    /// It was closed because it was merged into another one.
    Merged,
    /// It was reopened.
    Reopened,
    /// It was assigned to these people.
    Reassigned(Vec<String>),
    /// It was escalated to these people.
    Escalated(Vec<String>),
    /// Its priority or urgency changed.
    Reprioritised(Option<String>),
    /// A note was added.
    Noted(String),
}

impl VendorEventKind {
    /// Returns the state of the alert after the event; none if the event does not reveal it.
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

/// The vendor events that may change an incident. Others are only written to the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboundPolicy {
    /// If `true`, an acknowledgement at the vendor acknowledges the incident.
    pub acknowledge: bool,
    /// If `true`, a resolution at the vendor resolves the incident. Off by default: a closed
    /// alert says nothing about the impact.
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

/// Maximum age of an event; an older one has no effect. Vendors deliver for two days at most
/// (PagerDuty: 48 hours), and an older event that comes again is a replay.
pub const MAX_VENDOR_EVENT_AGE: Duration = Duration::from_secs(6 * 24 * 60 * 60);

impl VendorEvent {
    /// Returns the event as a sentence for the timeline.
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
                format!("acknowledgement withdrawn at {vendor}: no one may be responding")
            }
            VendorEventKind::Resolved => {
                format!("alert resolved at {vendor}{by}")
            }
            VendorEventKind::Merged => format!("alert merged into another alert at {vendor}{by}"),
            VendorEventKind::Reopened => format!("alert reopened at {vendor}{by}"),
            VendorEventKind::Reassigned(people) => {
                format!("reassigned at {vendor}{}{by}", to(people))
            }
            VendorEventKind::Escalated(people) => {
                format!("escalated at {vendor}{}{by}", to(people))
            }
            VendorEventKind::Reprioritised(Some(level)) => {
                format!("priority at {vendor} changed to {level}{by}")
            }
            VendorEventKind::Reprioritised(None) => format!("priority changed at {vendor}{by}"),
            VendorEventKind::Noted(note) => format!("note at {vendor}{by}: {note}"),
        }
    }
}

//! Policy: paging, deadlines, updates and post-mortems per severity, and escalation rules.

mod defaults;
mod limit;
mod rules;

mod calendar;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use limit::{Length, Limit};
pub use rules::{Anchor, EscalationRule, Level, Repeat, Trigger};

use crate::incident::Severity;
use crate::paging::Urgency;
use crate::{Timestamp, Zone};

pub use calendar::{BusinessCalendar, CALENDAR_DAYS, NoDeadline, OpeningHours};

/// The policy of one severity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeverityPolicy {
    /// If `true`, a declaration pages on-call.
    pub page: bool,
    /// If `true`, a reopen pages on-call again, in a new epoch.
    pub page_on_reopen: bool,
    /// If `true`, raising an incident to this severity pages on-call again, if its page so far
    /// wakes no one.
    pub page_on_raise: bool,
    /// The urgency of the page.
    pub urgency: Urgency,
    /// Seconds after which a page that no pager accepted raises an alarm of our own; `None` for no
    /// alarm.
    pub accept_within_seconds: Option<u32>,
    /// Seconds for which a page that only informs may wait for its first attempt, before it is
    /// grouped under an open alert of the same service. `None` for never, so that each incident has
    /// an alert of its own however long that takes.
    pub coalesce_after_seconds: Option<u32>,
    /// Time in which someone acknowledges the page; `None` for no promise.
    pub acknowledge_within: Option<Limit>,
    /// Time in which the incident is resolved; `None` for no promise.
    pub resolve_within: Option<Limit>,
    /// Minutes between two updates for the team; `None` for no promise.
    pub update_every_minutes: Option<u32>,
    /// Minutes between two updates of the status page, while the incident is public; `None` for no
    /// promise.
    pub public_update_every_minutes: Option<u32>,
    /// The updates that executives get.
    pub executive_updates: ExecutiveUpdates,
    /// If `true`, closing needs a post-mortem link.
    pub post_mortem_required: bool,
    /// Time after the resolution in which a required post-mortem is linked; `None` for no promise.
    pub post_mortem_within: Option<Limit>,
    /// Minutes for which a resolved incident is watched; `None` if it is not.
    pub watch_minutes: Option<u32>,
}

/// The updates that executives get about an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutiveUpdates {
    /// None.
    #[default]
    Never,
    /// One at the start, and one at the resolution.
    AtStartAndEnd,
    /// One a day while it is live.
    Daily,
}

/// The policy of all severities, and the escalation rules. The default is the one that ships; a
/// policy that is read replaces only the values that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Named")]
pub struct Policy {
    /// Critical.
    pub sev1: SeverityPolicy,
    /// Major.
    pub sev2: SeverityPolicy,
    /// Minor.
    pub sev3: SeverityPolicy,
    /// Low.
    pub sev4: SeverityPolicy,
    /// The zone of the team, in which days are counted.
    pub timezone: Zone,
    /// Share of the time until a deadline, in percent, after which it is at risk; at most 100.
    pub at_risk_percent: u8,
    /// The escalation rules; no two have one name.
    pub rules: Vec<EscalationRule>,
}

/// A policy as it is written down: only its differences from the default.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Named {
    sev1: NamedSeverity,
    sev2: NamedSeverity,
    sev3: NamedSeverity,
    sev4: NamedSeverity,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NamedSeverity {
    page: Option<bool>,
    page_on_reopen: Option<bool>,
    page_on_raise: Option<bool>,
    urgency: Option<Urgency>,
    accept_within_seconds: Option<Promise>,
    coalesce_after_seconds: Option<Promise>,
    update_every_minutes: Option<Promise>,
    post_mortem_required: Option<bool>,
}

/// A number, or `"never"` for no promise: TOML has no null.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "expected a number or \"never\"")]
enum Promise {
    Every(u32),
    No(Never),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Never {
    Never,
}

impl Promise {
    const fn or(named: Option<Self>, shipped: Option<u32>) -> Option<u32> {
        match named {
            Some(Self::Every(number)) => Some(number),
            Some(Self::No(Never::Never)) => None,
            None => shipped,
        }
    }
}

impl NamedSeverity {
    fn over(&self, shipped: SeverityPolicy) -> SeverityPolicy {
        SeverityPolicy {
            page: self.page.unwrap_or(shipped.page),
            page_on_reopen: self.page_on_reopen.unwrap_or(shipped.page_on_reopen),
            page_on_raise: self.page_on_raise.unwrap_or(shipped.page_on_raise),
            urgency: self.urgency.unwrap_or(shipped.urgency),
            accept_within_seconds: Promise::or(
                self.accept_within_seconds,
                shipped.accept_within_seconds,
            ),
            coalesce_after_seconds: Promise::or(
                self.coalesce_after_seconds,
                shipped.coalesce_after_seconds,
            ),
            update_every_minutes: Promise::or(
                self.update_every_minutes,
                shipped.update_every_minutes,
            ),
            post_mortem_required: self
                .post_mortem_required
                .unwrap_or(shipped.post_mortem_required),
            ..shipped
        }
    }
}

impl From<Named> for Policy {
    fn from(named: Named) -> Self {
        let shipped = Self::default();
        Self {
            sev1: named.sev1.over(shipped.sev1),
            sev2: named.sev2.over(shipped.sev2),
            sev3: named.sev3.over(shipped.sev3),
            sev4: named.sev4.over(shipped.sev4),
            ..shipped
        }
    }
}

impl Policy {
    /// Returns the policy of one severity.
    #[must_use]
    pub const fn of(&self, severity: Severity) -> &SeverityPolicy {
        match severity {
            Severity::Sev1 => &self.sev1,
            Severity::Sev2 => &self.sev2,
            Severity::Sev3 => &self.sev3,
            Severity::Sev4 => &self.sev4,
        }
    }

    /// Returns the deadline that a limit sets from `start`.
    #[must_use]
    pub fn deadline(&self, limit: &Limit, start: Timestamp) -> Timestamp {
        match limit.length {
            Length::Minutes(minutes) => {
                start.saturating_add(Duration::from_secs(u64::from(minutes) * 60))
            }
            Length::Days(days) => self.timezone.days_after(start, days),
        }
    }

    /// Returns the time between two updates for the team at this severity.
    #[must_use]
    pub fn update_every(&self, severity: Severity) -> Option<Duration> {
        self.of(severity)
            .update_every_minutes
            .map(|minutes| Duration::from_secs(u64::from(minutes) * 60))
    }

    /// Returns the time for which a page of this severity that only informs may wait, before it is
    /// grouped under another alert of its service.
    #[must_use]
    pub fn coalesce_after(&self, severity: Severity) -> Option<Duration> {
        let seconds = self.of(severity).coalesce_after_seconds?;
        Some(Duration::from_secs(u64::from(seconds)))
    }

    /// Returns the time in which a pager has to accept a page of this severity.
    #[must_use]
    pub fn accept_within(&self, severity: Severity) -> Option<Duration> {
        let seconds = self.of(severity).accept_within_seconds?;
        Some(Duration::from_secs(u64::from(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_replaces_only_what_it_names() {
        let read = |json: &str| serde_json::from_str::<Policy>(json);
        assert_eq!(read("{}").unwrap(), Policy::default());
        let quiet = read(
            r#"{"sev1": {"update_every_minutes": "never"}, "sev4": {"accept_within_seconds": 5}}"#,
        )
        .unwrap();
        // A SEV1 that names one thing still wakes people.
        let expected = SeverityPolicy {
            update_every_minutes: None,
            ..Policy::default().sev1
        };
        assert_eq!(quiet.sev1, expected);
        assert_eq!(quiet.sev1.urgency, Urgency::High);
        assert_eq!(
            quiet.accept_within(Severity::Sev4),
            Some(Duration::from_secs(5))
        );
        for wrong in [
            r#"{"sev5": {}}"#,
            r#"{"sev1": {"pages": true}}"#,
            r#"{"sev1": {"update_every_minutes": "often"}}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}

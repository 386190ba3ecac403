//! Policy: paging, deadlines, updates and post-mortems per severity, escalation rules, and the
//! thresholds of classification.

mod calendar;
mod check;
mod defaults;
mod limit;
mod lint;
mod of_incident;
mod overrides;
mod record;
mod rules;
mod severity_policy;
mod tables;
mod timetable;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use calendar::{BusinessCalendar, CALENDAR_DAYS, NoDeadline, OpeningHours};
pub use check::{
    MAX_CALENDARS, MAX_ENVIRONMENTS, MAX_HOLIDAYS, MAX_LEVELS, MAX_LIMIT_DAYS, MAX_LIMIT_MINUTES,
    MAX_NOTIFIED, MAX_OVERRIDES, MAX_REPEATS, MAX_RULES,
};
pub use limit::{Length, TimeLimit};
pub use lint::{FlawPlace, PolicyFlaw, Served, lint};
pub use of_incident::{DueTimes, IncidentPolicy};
pub use overrides::PolicyOverride;
pub use record::PolicyRecord;
pub use rules::{CountedFrom, EscalationLevel, EscalationRule, Repeat, Trigger};
pub use severity_policy::{ExecutiveUpdates, SeverityPolicy};
pub use tables::{
    DaysValue, DeadlineTable, LimitValue, MinutesValue, Never, NumberValue, OverrideTable,
    PolicyTables, RuleTable, SeverityTable, SeverityTables, TeamTable,
};
pub use timetable::{
    ClockStart, NOTIFY_AUTHORITY_WITHIN, TimetableCause, TimetableLine, timetable,
};

use crate::incident::Severity;
use crate::response::ClassificationRules;
use crate::{Name, Timestamp, Zone};

/// The policy of all severities, with overrides, calendars, escalation rules and the thresholds of
/// classification. The default is the one that ships.
///
/// Serde writes and reads all of it, for stores. Files name only what differs from the default:
/// they are read as [`PolicyTables`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The business hours that limits may be counted in, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calendars: BTreeMap<Name, BusinessCalendar>,
    /// The severities of services and tenants for which other promises hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<PolicyOverride>,
    /// The thresholds of classification, for all services and tenants. Those that ship are not
    /// written: a policy that names none is stored and hashed as it was before it had them.
    #[serde(default, skip_serializing_if = "ClassificationRules::is_shipped")]
    pub classification: ClassificationRules,
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
    ///
    /// [`Timestamp::MAX`] if its calendar has not so much business time within
    /// [`CALENDAR_DAYS`] days. Every hour counts if the policy has no such calendar, which
    /// [`check`](Self::check) refuses.
    #[must_use]
    pub fn deadline(&self, limit: &TimeLimit, start: Timestamp) -> Timestamp {
        match limit.length {
            Length::Minutes(minutes) => {
                let after = Duration::from_secs(u64::from(minutes) * 60);
                self.minutes_after(limit, start, after)
            }
            Length::Days(days) => self.timezone.days_after(start, days),
        }
    }

    /// Returns the instant from which a deadline is at risk: [`at_risk_percent`] of the time until
    /// it, in business hours if those are counted, truncated to microseconds.
    ///
    /// [`at_risk_percent`]: Self::at_risk_percent
    #[must_use]
    pub fn at_risk(&self, limit: &TimeLimit, start: Timestamp) -> Timestamp {
        match limit.length {
            Length::Minutes(minutes) => {
                let after = self.at_risk_share(Duration::from_secs(u64::from(minutes) * 60));
                self.minutes_after(limit, start, after)
            }
            Length::Days(days) => {
                let due = self.timezone.days_after(start, days);
                start.saturating_add(self.at_risk_share(due.since(start)))
            }
        }
    }

    /// Returns the part of a time after which its end is at risk.
    fn at_risk_share(&self, whole: Duration) -> Duration {
        let micros = whole.as_micros() * u128::from(self.at_risk_percent.min(100)) / 100;
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn minutes_after(&self, limit: &TimeLimit, start: Timestamp, after: Duration) -> Timestamp {
        let calendar = limit.calendar.as_ref();
        match calendar.and_then(|name| self.calendars.get(name)) {
            Some(calendar) => calendar.deadline(start, after).unwrap_or(Timestamp::MAX),
            None => start.saturating_add(after),
        }
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

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A store has the policy itself, and not its differences from the one that ships.
    #[test]
    fn what_is_written_is_read() {
        let tables: PolicyTables = serde_json::from_str(tables::tests::EVERY_FIELD).unwrap();
        let policy = tables.policy().unwrap();
        for policy in [Policy::default(), policy] {
            let text = serde_json::to_string(&policy).unwrap();
            assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
        }
    }

    #[test]
    fn deadlines_count_every_hour_business_hours_or_days() {
        let policy = tables::tests::in_business_hours();
        let friday = at("2026-11-20T16:00:00Z");
        let office = TimeLimit {
            calendar: Some("office".parse().unwrap()),
            ..TimeLimit::minutes(4 * 60)
        };
        let due = |limit: &TimeLimit, from| policy.deadline(limit, from).to_string();
        let risk = |limit: &TimeLimit, from| policy.at_risk(limit, from).to_string();
        assert_eq!(
            due(&TimeLimit::minutes(240), friday),
            "2026-11-20T20:00:00Z"
        );
        assert_eq!(
            risk(&TimeLimit::minutes(240), friday),
            "2026-11-20T19:00:00Z"
        );
        // From 17:00 in Paris an hour is left; three quarters of four are up at 11:00 on Monday.
        assert_eq!(due(&office, friday), "2026-11-23T11:00:00Z");
        assert_eq!(risk(&office, friday), "2026-11-23T10:00:00Z");
        // Seven days in Paris, of which one has 25 hours.
        let before = at("2026-10-23T10:00:00Z");
        assert_eq!(due(&TimeLimit::days(7), before), "2026-10-30T11:00:00Z");
        assert_eq!(risk(&TimeLimit::days(4), before), "2026-10-26T10:45:00Z");
        // A calendar that nobody defined cannot come from a checked policy: the earlier time holds.
        let unknown = TimeLimit {
            calendar: Some("home".parse().unwrap()),
            ..TimeLimit::minutes(240)
        };
        assert_eq!(due(&unknown, friday), "2026-11-20T20:00:00Z");
    }
}

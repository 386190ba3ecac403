//! The timetable of a policy: who is notified when, if nobody does anything.

use std::time::Duration;

use super::{CountedFrom, DueTimes, EscalationRule, IncidentPolicy, Policy, Repeat, Trigger};
use crate::incident::{Affected, Incident, Severity};
use crate::paging::Urgency;
use crate::{Name, RuleName, ServiceId, Timestamp};

/// The time in which the authority is notified of a leak of personal data: 72 hours (GDPR,
/// article 33).
pub const NOTIFY_AUTHORITY_WITHIN: Duration = Duration::from_secs(72 * 3_600);

/// The event from which the clock of a condition runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClockStart {
    /// The declaration.
    Declaration,
    /// The publication on the status page.
    Publication,
    /// The resolution.
    Resolution,
    /// The instant at which the condition became so.
    Condition,
}

impl Trigger {
    /// Returns the event from which its clock runs.
    #[must_use]
    pub const fn clock_start(self) -> ClockStart {
        match self {
            Self::Declared
            | Self::Unacknowledged
            | Self::Unmitigated
            | Self::Unresolved
            | Self::InternalUpdate
            | Self::ExecutiveUpdate => ClockStart::Declaration,
            Self::PublicUpdate => ClockStart::Publication,
            Self::PostMortem | Self::Watch => ClockStart::Resolution,
            Self::DataLeak | Self::DataLoss | Self::FinancialImpact | Self::CustomerEvent => {
                ClockStart::Condition
            }
        }
    }
}

/// A line of a timetable: people that are notified at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimetableLine {
    /// The event from which its clock runs.
    pub clock: ClockStart,
    /// The instant, if that event is at the start of the timetable.
    pub at: Timestamp,
    /// The cause.
    pub cause: TimetableCause,
    /// The groups that are notified; none by a page.
    pub notify: Vec<Name>,
    /// Repeats of the line.
    pub repeat: Option<Repeat>,
}

/// The cause of a line of a timetable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimetableCause {
    /// The page of the declaration to on-call.
    Page(Urgency),
    /// A level of a rule.
    Rule {
        /// The name of the rule.
        rule: RuleName,
        /// Its condition.
        when: Trigger,
        /// The number of the level, from 0.
        level: usize,
        /// The instant from which the level is counted.
        from: CountedFrom,
        /// Minutes after that instant.
        after_minutes: u32,
    },
}

impl TimetableLine {
    /// Returns the rule, if the line is not that of the page to on-call.
    #[must_use]
    pub const fn rule(&self) -> Option<&RuleName> {
        match &self.cause {
            TimetableCause::Page(_) => None,
            TimetableCause::Rule { rule, .. } => Some(rule),
        }
    }
}

impl IncidentPolicy<'_> {
    /// Returns the times of a condition whose clock starts at `start`; `None` without a deadline or
    /// a promise.
    #[must_use]
    pub fn due_times(&self, when: Trigger, start: Timestamp) -> Option<DueTimes> {
        let after = |period: Duration| self.times_after(start, period);
        match when {
            Trigger::Unacknowledged => self.acknowledge_by(start),
            Trigger::Unresolved => self.resolve_by(start),
            Trigger::InternalUpdate => self.update_every().map(after),
            Trigger::PublicUpdate => self.public_update_every().map(after),
            Trigger::ExecutiveUpdate => self.executive_update_by(start),
            Trigger::PostMortem => self.post_mortem_by(start),
            Trigger::Watch => self.watch().map(after),
            Trigger::DataLeak => Some(after(NOTIFY_AUTHORITY_WITHIN)),
            Trigger::Declared
            | Trigger::Unmitigated
            | Trigger::DataLoss
            | Trigger::FinancialImpact
            | Trigger::CustomerEvent => None,
        }
    }
}

/// Lists who is notified when about a production incident of which nobody does anything: nobody
/// acknowledges, updates or resolves it.
///
/// Lines are ordered by the event from which their clock runs, and by time. Those of a publication,
/// a resolution or a condition are counted as if it came at `start`: deadlines in business hours
/// show there as they would.
#[must_use]
pub fn timetable(
    policy: &Policy,
    services: &[ServiceId],
    tenants: &Affected,
    severity: Severity,
    start: Timestamp,
) -> Vec<TimetableLine> {
    let of = policy.of_incident(services, tenants, severity);
    let page = of.page().then(|| TimetableLine {
        clock: ClockStart::Declaration,
        at: start,
        cause: TimetableCause::Page(of.urgency()),
        notify: Vec::new(),
        repeat: None,
    });
    let mut lines: Vec<TimetableLine> = page.into_iter().collect();
    for rule in &policy.rules {
        if rule.is_for(severity, Incident::PRODUCTION) {
            lines.extend(lines_of(rule, &of, start));
        }
    }
    // Stable, so that lines of one instant stand in the order of the rules.
    lines.sort_by_key(|line| (line.clock, line.at));
    lines
}

fn lines_of(
    rule: &EscalationRule,
    of: &IncidentPolicy<'_>,
    start: Timestamp,
) -> Vec<TimetableLine> {
    let times = of.due_times(rule.when, start);
    // Nothing is owed, so nothing can be late.
    if rule.when.has_deadline() && times.is_none() {
        return Vec::new();
    }
    let last = rule.levels.len().saturating_sub(1);
    let line = |(place, level): (usize, &super::EscalationLevel)| {
        Some(TimetableLine {
            clock: rule.when.clock_start(),
            at: level.due_at(start, times)?,
            cause: TimetableCause::Rule {
                rule: rule.name.clone(),
                when: rule.when,
                level: place,
                from: level.from,
                after_minutes: level.after_minutes,
            },
            notify: level.notify.clone(),
            repeat: rule.repeat.filter(|_| place == last),
        })
    };
    rule.levels.iter().enumerate().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tables::tests::{in_business_hours, read};
    use crate::policy::{SeverityPolicy, TimeLimit};

    fn shown(policy: &Policy, severity: Severity) -> Vec<String> {
        let start: Timestamp = "2026-11-20T16:00:00Z".parse().unwrap();
        let lines = timetable(policy, &[], &Affected::default(), severity, start);
        let line = |line: &TimetableLine| {
            let by = match &line.cause {
                TimetableCause::Page(Urgency::High) => "page, wakes".to_owned(),
                TimetableCause::Page(Urgency::Low) => "page, informs".to_owned(),
                TimetableCause::Rule { rule, level, .. } => format!("{rule}/{level}"),
            };
            let notify: Vec<&str> = line.notify.iter().map(Name::as_str).collect();
            let minutes = line.at.since(start).as_secs() / 60;
            let repeat = line.repeat.map_or_else(String::new, |repeat| {
                format!(" x{} every {}", repeat.times, repeat.every_minutes)
            });
            let notify = notify.join(",");
            format!("{:?} +{minutes} {by}: {notify}{repeat}", line.clock)
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_shipped_timetables_are_those_of_the_table() {
        let policy = Policy::default();
        assert_eq!(
            shown(&policy, Severity::Sev1),
            [
                "Declaration +0 page, wakes: ",
                "Declaration +0 sev1-declared/0: team,cto",
                "Declaration +0 executive-update/0: communicator",
                "Declaration +5 unacknowledged/0: backup",
                "Declaration +15 unacknowledged/1: lead",
                "Declaration +15 internal-update/0: commander",
                "Declaration +30 sev1-unmitigated/0: management",
                "Declaration +30 internal-update/1: lead",
                "Declaration +90 unresolved/0: commander",
                "Declaration +120 unresolved/1: lead",
                "Publication +30 public-update/0: communicator",
                "Resolution +60 watch/0: commander",
                "Resolution +7560 post-mortem/0: commander",
                "Resolution +10080 post-mortem/1: lead x7 every 1440",
                "Condition +0 data-leak/0: security-officer,legal",
                "Condition +0 data-loss/0: management,communicator x7 every 1440",
                "Condition +0 financial-impact/0: cfo,ceo",
                "Condition +0 customer-event/0: success,support",
                "Condition +3240 data-leak/1: security-officer,legal",
                "Condition +4320 data-leak/2: security-officer,legal,management",
            ]
        );
        let declared = |severity| -> Vec<String> {
            let lines = shown(&policy, severity).into_iter();
            lines
                .filter(|line| line.starts_with("Declaration"))
                .collect()
        };
        assert_eq!(
            declared(Severity::Sev2),
            [
                "Declaration +0 page, wakes: ",
                "Declaration +0 sev2-declared/0: lead,on-call",
                "Declaration +15 unacknowledged/0: backup",
                "Declaration +15 internal-update/0: commander",
                "Declaration +25 unacknowledged/1: lead",
                "Declaration +30 internal-update/1: lead",
                "Declaration +120 sev2-unresolved/0: management",
                "Declaration +180 unresolved/0: commander",
                "Declaration +240 unresolved/1: lead",
                "Declaration +1440 executive-update/0: communicator",
            ]
        );
        assert_eq!(
            declared(Severity::Sev3),
            [
                "Declaration +0 page, informs: ",
                "Declaration +60 unacknowledged/0: backup",
                "Declaration +60 internal-update/0: commander",
                "Declaration +70 unacknowledged/1: lead",
                "Declaration +75 internal-update/1: lead",
                "Declaration +1080 unresolved/0: commander",
                "Declaration +1440 unresolved/1: lead",
            ]
        );
        assert_eq!(declared(Severity::Sev4), ["Declaration +0 page, informs: "]);
    }

    #[test]
    fn business_hours_overrides_and_other_environments_show() {
        let mut policy = in_business_hours();
        policy.sev3 = SeverityPolicy {
            page: false,
            acknowledge_within: Some(TimeLimit {
                calendar: Some("office".parse().unwrap()),
                ..TimeLimit::minutes(4 * 60)
            }),
            resolve_within: None,
            update_every_minutes: None,
            ..policy.sev3
        };
        let declared: Vec<String> = shown(&policy, Severity::Sev3)
            .into_iter()
            .filter(|line| line.starts_with("Declaration"))
            .collect();
        // From Friday 17:00 in Paris to Monday noon.
        assert_eq!(
            declared,
            [
                "Declaration +4020 unacknowledged/0: backup",
                "Declaration +4030 unacknowledged/1: lead",
            ]
        );
        let policy = read(
            r#"{"overrides": [{"service": "api", "sev4": {"acknowledge_within": {"minutes": 7}}}],
            "rules": [
                {"name": "unacknowledged", "when": "unacknowledged", "levels": [{"from": "deadline", "notify": ["lead"]}]},
                {"name": "tests", "when": "declared", "environments": ["staging"], "levels": [{"notify": ["lead"]}]}]}"#,
        )
        .unwrap();
        let start: Timestamp = "2026-11-20T16:00:00Z".parse().unwrap();
        let rules = |services: &[ServiceId]| {
            let lines = timetable(
                &policy,
                services,
                &Affected::default(),
                Severity::Sev4,
                start,
            );
            let lines = lines
                .into_iter()
                .filter(|line| line.clock == ClockStart::Declaration);
            let rules = lines.filter_map(|line| Some((line.rule()?.to_string(), line.at)));
            rules.collect::<Vec<_>>()
        };
        let due = start.saturating_add(Duration::from_secs(7 * 60));
        assert_eq!(
            rules(&["api".parse().unwrap()]),
            [("unacknowledged".to_owned(), due)]
        );
        assert_eq!(rules(&[]), []);
    }
}

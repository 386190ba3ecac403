//! The linter: what is valid in a policy, and unwise.

use std::collections::BTreeSet;
use std::fmt;

use super::{
    EscalationRule, ExecutiveUpdates, Length, Policy, SeverityPolicy, TimeLimit, TimetableCause,
    TimetableLine, Trigger, timetable,
};
use crate::incident::{Affected, Incident, Severity};
use crate::paging::Urgency;
use crate::{Currency, Name, RuleName, Timestamp};

/// Words for a group of everyone.
const EVERYONE: [&str; 4] = ["all", "everybody", "everyone", "team"];

/// Number of groups from which on a level that notifies most of them is found.
const SEVERAL_GROUPS: usize = 4;

/// Minutes of repeats that nobody reads any more: 31 days.
const LONG_REPEATS: u64 = 31 * 24 * 60;

/// Monday, 2026-01-05, 09:00 UTC: an instant from which levels are compared. Any would do.
const MONDAY_MICROS: i64 = 1_767_603_600_000_000;

/// The groups and rules that are configured with a channel or a pager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The rules with a pager of their own.
    pub rules: BTreeSet<RuleName>,
    /// The groups with a channel.
    pub groups: BTreeSet<Name>,
    /// If `true`, a channel serves every group.
    pub every_group: bool,
}

/// A flaw of a policy: a hole, a loop, too many people at once, or values that do not fit together.
///
/// [`Display`](fmt::Display) writes a sentence in English.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyFlaw {
    /// A promise that no rule watches: nobody is notified when it is late.
    Unwatched {
        /// The severity.
        place: FlawPlace,
        /// The condition that a rule for it would have.
        when: Trigger,
    },
    /// However long nobody reacts, nobody but on-call is notified.
    NobodyElse {
        /// The severity.
        severity: Severity,
        /// If `false`, not even on-call is paged.
        pages: bool,
    },
    /// A rule about a promise that its severities do not make.
    NothingPromised {
        /// The rule.
        rule: RuleName,
        /// The condition.
        when: Trigger,
        /// Those of its severities that promise nothing; all of them if empty.
        severities: Vec<Severity>,
    },
    /// A level that notifies only groups that the levels before it notified in vain.
    NobodyNew {
        /// The rule.
        rule: RuleName,
        /// The number of the level, from 0.
        level: usize,
    },
    /// A level that is reached no later than the one before it.
    OutOfOrder {
        /// The rule.
        rule: RuleName,
        /// The number of the level, from 0.
        level: usize,
        /// A severity for which it is so.
        severity: Severity,
    },
    /// Repeats that go on for more than 31 days.
    EndlessRepeats {
        /// The rule.
        rule: RuleName,
    },
    /// A level that notifies a group of everyone.
    Everyone {
        /// The rule.
        rule: RuleName,
        /// The number of the level, from 0.
        level: usize,
        /// The group.
        group: Name,
    },
    /// A level that notifies more than half of all groups.
    MostGroups {
        /// The rule.
        rule: RuleName,
        /// The number of the level, from 0.
        level: usize,
        /// The groups that it notifies.
        notified: usize,
        /// All groups.
        all: usize,
    },
    /// A group that no channel and no pager serves: its notices are timeline entries only.
    Unserved {
        /// The group.
        group: Name,
        /// The rules that notify it.
        rules: Vec<RuleName>,
    },
    /// A page for something minor that wakes people.
    Wakes {
        /// The severity.
        place: FlawPlace,
    },
    /// A deadline in business hours where the page wakes people at night.
    OfficeHours {
        /// The severity.
        place: FlawPlace,
        /// The condition of the deadline.
        when: Trigger,
    },
    /// A time that is longer than that until the resolution, so that it never comes.
    AfterResolution {
        /// The severity.
        place: FlawPlace,
        /// The condition of the time.
        when: Trigger,
    },
    /// A rule about lost revenue in another currency than the thresholds of classification: one of
    /// the two leaves every amount out.
    OtherCurrency {
        /// The rule.
        rule: RuleName,
        /// The currency of the thresholds.
        currency: Currency,
    },
}

/// The place of the values of a severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlawPlace {
    /// The severity.
    pub severity: Severity,
    /// The number of the override, from 0; `None` for the severity itself.
    pub in_override: Option<usize>,
}

impl fmt::Display for FlawPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.severity)
    }
}

impl PolicyFlaw {
    /// Returns the path of its place in a policy file, such as `rules/unresolved/levels/1`.
    #[must_use]
    pub fn place(&self) -> String {
        let of = |place: &FlawPlace| match place.in_override {
            Some(number) => format!("overrides/{number}/{}", key(place.severity)),
            None => format!("severities/{}", key(place.severity)),
        };
        match self {
            Self::Unwatched { place, when }
            | Self::OfficeHours { place, when }
            | Self::AfterResolution { place, when } => {
                format!("{}/{}", of(place), field(*when))
            }
            Self::NobodyElse { severity, .. } => format!("severities/{}", key(*severity)),
            Self::NothingPromised { rule, .. } => format!("rules/{rule}"),
            Self::NobodyNew { rule, level }
            | Self::OutOfOrder { rule, level, .. }
            | Self::Everyone { rule, level, .. }
            | Self::MostGroups { rule, level, .. } => format!("rules/{rule}/levels/{level}"),
            Self::EndlessRepeats { rule } => format!("rules/{rule}/repeat"),
            Self::Unserved { group, .. } => format!("groups/{group}"),
            Self::Wakes { place } => format!("{}/urgency", of(place)),
            Self::OtherCurrency { rule, .. } => format!("rules/{rule}/at_least"),
        }
    }

    /// Returns its name in programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unwatched { .. } => "unwatched",
            Self::NobodyElse { .. } => "nobody_else",
            Self::NothingPromised { .. } => "nothing_promised",
            Self::NobodyNew { .. } => "nobody_new",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::EndlessRepeats { .. } => "endless_repeats",
            Self::Everyone { .. } => "everyone",
            Self::MostGroups { .. } => "most_groups",
            Self::Unserved { .. } => "unserved",
            Self::Wakes { .. } => "wakes",
            Self::OfficeHours { .. } => "office_hours",
            Self::AfterResolution { .. } => "after_resolution",
            Self::OtherCurrency { .. } => "other_currency",
        }
    }
}

impl fmt::Display for PolicyFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwatched { place, when } => write!(
                f,
                "{} of {place} is promised, and no rule notifies anyone when it is late",
                field(*when)
            ),
            Self::NobodyElse {
                severity,
                pages: true,
            } => write!(
                f,
                "nobody but on-call is notified of a {severity}, however long nobody reacts"
            ),
            Self::NobodyElse {
                severity,
                pages: false,
            } => write!(f, "nobody is paged or notified of a {severity}"),
            Self::NothingPromised {
                when, severities, ..
            } if severities.is_empty() => {
                write!(f, "never notifies anyone: no severity has {}", field(*when))
            }
            Self::NothingPromised {
                when, severities, ..
            } => {
                let severities: Vec<String> = severities.iter().map(Severity::to_string).collect();
                let list = severities.join(", ");
                write!(
                    f,
                    "notifies nobody of {list}, which has no {}",
                    field(*when)
                )
            }
            Self::NobodyNew { .. } => {
                f.write_str("notifies only groups that the levels before it notified in vain")
            }
            Self::OutOfOrder { severity, .. } => write!(
                f,
                "is reached no later than the level before it for a {severity}"
            ),
            Self::EndlessRepeats { .. } => f.write_str("repeats for more than 31 days"),
            Self::Everyone { group, .. } => write!(f, "notifies everyone at once: {group}"),
            Self::MostGroups { notified, all, .. } => {
                write!(f, "notifies {notified} of all {all} groups at once")
            }
            Self::Unserved { rules, .. } => {
                let rules: Vec<&str> = rules.iter().map(RuleName::as_str).collect();
                write!(
                    f,
                    "no channel and no pager serves it: notices of {} are timeline entries only",
                    rules.join(", ")
                )
            }
            Self::Wakes { place } => write!(f, "the page of a {place} wakes people"),
            Self::OfficeHours { place, when } => write!(
                f,
                "{} counts business hours, and the page of a {place} wakes people at any hour",
                field(*when)
            ),
            Self::AfterResolution { place, when } => write!(
                f,
                "{} is longer than resolve_within of a {place}, so it is never reached in time",
                field(*when)
            ),
            Self::OtherCurrency { currency, .. } => write!(
                f,
                "compares lost revenue in another currency than [classification], which has {currency}; no amount is converted"
            ),
        }
    }
}

/// Returns the field of the promise that a condition is about.
const fn field(when: Trigger) -> &'static str {
    match when {
        Trigger::Unacknowledged => "acknowledge_within",
        Trigger::Unresolved => "resolve_within",
        Trigger::InternalUpdate => "update_every_minutes",
        Trigger::PublicUpdate => "public_update_every_minutes",
        Trigger::ExecutiveUpdate => "executive_updates",
        Trigger::PostMortem => "post_mortem_within",
        Trigger::Watch => "watch_minutes",
        Trigger::Declared
        | Trigger::Unmitigated
        | Trigger::DataLeak
        | Trigger::DataLoss
        | Trigger::FinancialImpact
        | Trigger::CustomerEvent => "",
    }
}

fn key(severity: Severity) -> String {
    severity.to_string().to_lowercase()
}

/// Finds the flaws of a policy that is valid, in the order of the file: those of severities, of
/// overrides, of rules, of groups.
#[must_use]
pub fn lint(policy: &Policy, served: &Served) -> Vec<PolicyFlaw> {
    let mut flaws = Vec::new();
    for severity in Severity::ALL {
        let place = FlawPlace {
            severity,
            in_override: None,
        };
        lint_severity(policy, place, policy.of(severity), &mut flaws);
        lint_silence(policy, severity, &mut flaws);
    }
    for (number, one) in policy.overrides.iter().enumerate() {
        for (severity, values) in &one.severities {
            let place = FlawPlace {
                severity: *severity,
                in_override: Some(number),
            };
            lint_severity(policy, place, values, &mut flaws);
        }
    }
    let groups: BTreeSet<&Name> = policy.rules.iter().flat_map(groups_of).collect();
    let groups = groups.into_iter().chain(&served.groups).collect();
    for rule in &policy.rules {
        lint_rule(policy, rule, &groups, &mut flaws);
    }
    lint_served(policy, served, &mut flaws);
    flaws
}

fn groups_of(rule: &EscalationRule) -> impl Iterator<Item = &Name> {
    rule.levels.iter().flat_map(|level| &level.notify)
}

/// Returns `true` if the values of a severity have the promise that a condition is about.
const fn promises(values: &SeverityPolicy, when: Trigger) -> bool {
    match when {
        Trigger::Unacknowledged => values.acknowledge_within.is_some(),
        Trigger::Unresolved => values.resolve_within.is_some(),
        Trigger::InternalUpdate => values.update_every_minutes.is_some(),
        Trigger::PublicUpdate => values.public_update_every_minutes.is_some(),
        Trigger::ExecutiveUpdate => !matches!(values.executive_updates, ExecutiveUpdates::Never),
        Trigger::PostMortem => values.post_mortem_required && values.post_mortem_within.is_some(),
        Trigger::Watch => values.watch_minutes.is_some(),
        Trigger::Declared
        | Trigger::Unmitigated
        | Trigger::DataLeak
        | Trigger::DataLoss
        | Trigger::FinancialImpact
        | Trigger::CustomerEvent => true,
    }
}

fn lint_severity(
    policy: &Policy,
    place: FlawPlace,
    values: &SeverityPolicy,
    flaws: &mut Vec<PolicyFlaw>,
) {
    let wakes = values.page && values.urgency == Urgency::High;
    let minor = matches!(place.severity, Severity::Sev3 | Severity::Sev4);
    flaws.extend((wakes && minor).then_some(PolicyFlaw::Wakes { place }));
    for when in Trigger::ALL
        .into_iter()
        .filter(|when| !field(*when).is_empty())
    {
        let watches = |rule: &EscalationRule| {
            rule.when == when && rule.is_for(place.severity, Incident::PRODUCTION)
        };
        if promises(values, when) && !policy.rules.iter().any(watches) {
            flaws.push(PolicyFlaw::Unwatched { place, when });
        }
    }
    for (when, limit) in [
        (Trigger::Unacknowledged, &values.acknowledge_within),
        (Trigger::Unresolved, &values.resolve_within),
    ] {
        let in_business_hours = limit.as_ref().is_some_and(|limit| limit.calendar.is_some());
        if wakes && in_business_hours {
            flaws.push(PolicyFlaw::OfficeHours { place, when });
        }
    }
    let resolve = values.resolve_within.as_ref();
    if let Some(resolve) = resolve.and_then(minutes) {
        for (when, time) in [
            (
                Trigger::Unacknowledged,
                values.acknowledge_within.as_ref().and_then(minutes),
            ),
            (Trigger::InternalUpdate, values.update_every_minutes),
            (Trigger::PublicUpdate, values.public_update_every_minutes),
        ] {
            if time.is_some_and(|time| time > resolve) {
                flaws.push(PolicyFlaw::AfterResolution { place, when });
            }
        }
    }
}

/// Returns the minutes of a limit in which every hour counts.
fn minutes(limit: &TimeLimit) -> Option<u32> {
    match (limit.length, &limit.calendar) {
        (Length::Minutes(minutes), None) => Some(minutes),
        (Length::Days(days), None) => Some(u32::from(days) * 24 * 60),
        (_, Some(_)) => None,
    }
}

/// Finds a severity of which nobody is notified although nobody reacts. A page that only informs is
/// enough for what has no deadline.
fn lint_silence(policy: &Policy, severity: Severity, flaws: &mut Vec<PolicyFlaw>) {
    let values = policy.of(severity);
    let reacts = |line: &TimetableLine| match &line.cause {
        TimetableCause::Page(_) => false,
        TimetableCause::Rule { when, .. } => matches!(
            when,
            Trigger::Declared
                | Trigger::Unacknowledged
                | Trigger::Unmitigated
                | Trigger::Unresolved
        ),
    };
    let lines = lines_of(policy, severity);
    let informs = values.page && values.urgency == Urgency::Low;
    if !informs && !lines.iter().any(reacts) {
        flaws.push(PolicyFlaw::NobodyElse {
            severity,
            pages: values.page,
        });
    }
}

fn lines_of(policy: &Policy, severity: Severity) -> Vec<TimetableLine> {
    let monday = Timestamp::from_micros(MONDAY_MICROS).unwrap_or(Timestamp::MIN);
    timetable(policy, &[], &Affected::default(), severity, monday)
}

fn lint_rule(
    policy: &Policy,
    rule: &EscalationRule,
    groups: &BTreeSet<&Name>,
    flaws: &mut Vec<PolicyFlaw>,
) {
    lint_promise(policy, rule, flaws);
    let currency = policy.classification.currency();
    if rule
        .at_least
        .is_some_and(|least| least.currency != currency)
    {
        flaws.push(PolicyFlaw::OtherCurrency {
            rule: rule.name.clone(),
            currency,
        });
    }
    for (level, one) in rule.levels.iter().enumerate() {
        let name = || rule.name.clone();
        let everyone = one
            .notify
            .iter()
            .find(|group| EVERYONE.contains(&group.as_str()));
        if let Some(group) = everyone {
            flaws.push(PolicyFlaw::Everyone {
                rule: name(),
                level,
                group: group.clone(),
            });
        } else if groups.len() >= SEVERAL_GROUPS && one.notify.len() * 2 > groups.len() {
            flaws.push(PolicyFlaw::MostGroups {
                rule: name(),
                level,
                notified: one.notify.len(),
                all: groups.len(),
            });
        }
        // A reminder at another instant of the promise is no step of a ladder.
        let before = rule.levels.iter().take(level);
        let before: BTreeSet<&Name> = before
            .filter(|other| other.from == one.from)
            .flat_map(|other| &other.notify)
            .collect();
        if !before.is_empty() && one.notify.iter().all(|group| before.contains(group)) {
            flaws.push(PolicyFlaw::NobodyNew {
                rule: name(),
                level,
            });
        }
    }
    lint_order(policy, rule, flaws);
    if let Some(repeat) = rule.repeat
        && u64::from(repeat.every_minutes) * u64::from(repeat.times) > LONG_REPEATS
    {
        flaws.push(PolicyFlaw::EndlessRepeats {
            rule: rule.name.clone(),
        });
    }
}

/// Finds a rule about a promise that the severities do not make for which it is.
fn lint_promise(policy: &Policy, rule: &EscalationRule, flaws: &mut Vec<PolicyFlaw>) {
    let promised = |severity: &Severity| {
        let overriding = policy.overrides.iter();
        let overriding = overriding.filter_map(|one| one.severities.get(severity));
        let mut values = overriding.chain([policy.of(*severity)]);
        values.any(|values| promises(values, rule.when))
    };
    let named = rule.severities.iter().copied();
    let without: Vec<Severity> = match rule.severities.is_empty() {
        true if Severity::ALL.iter().any(promised) => return,
        true => Vec::new(),
        false => named.filter(|severity| !promised(severity)).collect(),
    };
    if rule.severities.is_empty() || !without.is_empty() {
        flaws.push(PolicyFlaw::NothingPromised {
            rule: rule.name.clone(),
            when: rule.when,
            severities: without,
        });
    }
}

/// Finds levels that are counted from different instants and reached in another order.
fn lint_order(policy: &Policy, rule: &EscalationRule, flaws: &mut Vec<PolicyFlaw>) {
    // Of each level the worst severity for which it is so.
    let mut found = BTreeSet::new();
    for severity in Severity::ALL {
        let lines = lines_of(policy, severity);
        let mut levels: Vec<(usize, Timestamp)> = lines
            .iter()
            .filter_map(|line| match &line.cause {
                TimetableCause::Rule {
                    rule: name, level, ..
                } if *name == rule.name => Some((*level, line.at)),
                TimetableCause::Rule { .. } | TimetableCause::Page(_) => None,
            })
            .collect();
        levels.sort_unstable();
        for (before, level) in levels.iter().zip(levels.iter().skip(1)) {
            if level.1 <= before.1 && found.insert(level.0) {
                flaws.push(PolicyFlaw::OutOfOrder {
                    rule: rule.name.clone(),
                    level: level.0,
                    severity,
                });
            }
        }
    }
}

fn lint_served(policy: &Policy, served: &Served, flaws: &mut Vec<PolicyFlaw>) {
    if served.every_group {
        return;
    }
    let unserved = |group: &&Name| !served.groups.contains(*group);
    let rules = || {
        let rules = policy.rules.iter();
        rules.filter(|rule| !served.rules.contains(&rule.name))
    };
    let groups: BTreeSet<&Name> = rules().flat_map(groups_of).filter(unserved).collect();
    for group in groups {
        let names = rules().filter(|rule| groups_of(rule).any(|one| one == group));
        flaws.push(PolicyFlaw::Unserved {
            group: group.clone(),
            rules: names.map(|rule| rule.name.clone()).collect(),
        });
    }
}

#[cfg(test)]
mod tests;

//! The form of a policy in files: only what differs from the policy that ships.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    BusinessCalendar, EscalationLevel, EscalationRule, ExecutiveUpdates, Length, Policy,
    PolicyOverride, Repeat, SeverityPolicy, TimeLimit, Trigger,
};
use crate::incident::Severity;
use crate::paging::Urgency;
use crate::response::ClassificationRules;
use crate::{ChannelPattern, Money, Name, RuleName, ServiceId, TenantId, ValidationError, Zone};

/// The tables of a policy file. Each replaces only the values that it names of the policy that
/// ships; an unknown one is an error.
///
/// ```
/// use incident_core::policy::{TimeLimit, PolicyTables};
/// let tables: PolicyTables = serde_json::from_str(
///     r#"{"severities": {"sev2": {"acknowledge_within": {"minutes": 10}, "watch_minutes": "never"}}}"#,
/// )?;
/// let policy = tables.policy()?;
/// assert_eq!(policy.sev2.acknowledge_within, Some(TimeLimit::minutes(10)));
/// assert!(policy.sev2.watch_minutes.is_none() && policy.sev2.page);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyTables {
    /// `[severities.sevN]`.
    pub severities: SeverityTables,
    /// `[deadlines]`.
    pub deadlines: DeadlineTable,
    /// `[team]`.
    pub team: TeamTable,
    /// `[calendars.NAME]`.
    pub calendars: BTreeMap<Name, BusinessCalendar>,
    /// `[[overrides]]`.
    pub overrides: Vec<OverrideTable>,
    /// `[[rules]]`.
    pub rules: Vec<RuleTable>,
    /// `[classification]`.
    pub classification: ClassificationRules,
}

/// Values of all deadlines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeadlineTable {
    /// Share of the time until a deadline, in percent, after which it is at risk.
    pub at_risk_percent: Option<u8>,
}

/// Values of the team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TeamTable {
    /// The zone in which days are counted; UTC if absent.
    pub timezone: Option<Zone>,
    /// The pattern of the channel of a new incident.
    pub channel: Option<String>,
}

impl TeamTable {
    /// Returns the pattern of channels, if there is one.
    ///
    /// # Errors
    /// Fails if it makes no valid name.
    pub fn pattern(&self) -> Result<Option<ChannelPattern>, ValidationError> {
        let zone = self.timezone.unwrap_or(Zone::UTC);
        let pattern = self.channel.as_deref();
        pattern
            .map(|text| ChannelPattern::new(text, zone))
            .transpose()
    }
}

/// Values per severity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeverityTables {
    /// Critical.
    pub sev1: SeverityTable,
    /// Major.
    pub sev2: SeverityTable,
    /// Minor.
    pub sev3: SeverityTable,
    /// Low.
    pub sev4: SeverityTable,
}

/// Values of one severity; absent ones are those that ship or, in an override, those of the
/// severity. Each is the field of [`SeverityPolicy`] of the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each field is that of `SeverityPolicy` of the same name"
)]
pub struct SeverityTable {
    pub page: Option<bool>,
    pub page_on_reopen: Option<bool>,
    pub page_on_raise: Option<bool>,
    pub urgency: Option<Urgency>,
    pub accept_within_seconds: Option<NumberValue>,
    pub coalesce_after_seconds: Option<NumberValue>,
    pub acknowledge_within: Option<LimitValue>,
    pub resolve_within: Option<LimitValue>,
    pub update_every_minutes: Option<NumberValue>,
    pub public_update_every_minutes: Option<NumberValue>,
    pub executive_updates: Option<ExecutiveUpdates>,
    pub post_mortem_required: Option<bool>,
    pub post_mortem_within: Option<LimitValue>,
    pub watch_minutes: Option<NumberValue>,
}

/// A number, or `"never"` for no promise: TOML has no null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a number or \"never\"")]
pub enum NumberValue {
    /// The number.
    Number(u32),
    /// No promise.
    None(Never),
}

/// A limit of time, or `"never"` for no promise.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected { minutes = 5 }, { minutes = 240, calendar = \"office\" }, { days = 7 } or \"never\""
)]
pub enum LimitValue {
    /// Minutes.
    Minutes(MinutesValue),
    /// Days of the calendar.
    Days(DaysValue),
    /// No promise.
    None(Never),
}

/// Minutes, of all hours or of those of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinutesValue {
    /// The number.
    pub minutes: u32,
    /// The calendar.
    #[serde(default)]
    pub calendar: Option<Name>,
}

/// Days of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaysValue {
    /// The number.
    pub days: u16,
}

/// The word `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Never {
    /// No promise.
    Never,
}

/// An override: the incidents that it is about, and the values of severities that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OverrideTable {
    /// The service.
    pub service: Option<ServiceId>,
    /// The tenant.
    pub tenant: Option<TenantId>,
    /// Critical.
    pub sev1: Option<SeverityTable>,
    /// Major.
    pub sev2: Option<SeverityTable>,
    /// Minor.
    pub sev3: Option<SeverityTable>,
    /// Low.
    pub sev4: Option<SeverityTable>,
}

/// An escalation rule: one with the name of a shipped rule replaces it as a whole, or removes it
/// if it is not enabled; any other one is added after those that ship.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTable {
    /// The name.
    pub name: RuleName,
    /// If `false`, there is no such rule.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// The condition.
    #[serde(default)]
    pub when: Option<Trigger>,
    /// The severities; all if empty.
    #[serde(default)]
    pub severities: BTreeSet<Severity>,
    /// The environments; production if empty.
    #[serde(default)]
    pub environments: BTreeSet<Name>,
    /// The smallest loss of revenue per hour.
    #[serde(default)]
    pub at_least: Option<Money>,
    /// The levels.
    #[serde(default)]
    pub levels: Vec<EscalationLevel>,
    /// Repeats of the last level.
    #[serde(default)]
    pub repeat: Option<Repeat>,
}

const fn enabled() -> bool {
    true
}

impl NumberValue {
    const fn or(named: Option<Self>, shipped: Option<u32>) -> Option<u32> {
        match named {
            Some(Self::Number(number)) => Some(number),
            Some(Self::None(Never::Never)) => None,
            None => shipped,
        }
    }
}

impl LimitValue {
    fn or(named: Option<&Self>, shipped: Option<TimeLimit>) -> Option<TimeLimit> {
        match named {
            Some(Self::Minutes(value)) => Some(TimeLimit {
                length: Length::Minutes(value.minutes),
                calendar: value.calendar.clone(),
            }),
            Some(Self::Days(value)) => Some(TimeLimit::days(value.days)),
            Some(Self::None(Never::Never)) => None,
            None => shipped,
        }
    }
}

impl SeverityTable {
    fn over(&self, shipped: SeverityPolicy) -> SeverityPolicy {
        let number = |named, shipped| NumberValue::or(named, shipped);
        let limit = |named: &Option<LimitValue>, shipped| LimitValue::or(named.as_ref(), shipped);
        SeverityPolicy {
            page: self.page.unwrap_or(shipped.page),
            page_on_reopen: self.page_on_reopen.unwrap_or(shipped.page_on_reopen),
            page_on_raise: self.page_on_raise.unwrap_or(shipped.page_on_raise),
            urgency: self.urgency.unwrap_or(shipped.urgency),
            accept_within_seconds: number(
                self.accept_within_seconds,
                shipped.accept_within_seconds,
            ),
            coalesce_after_seconds: number(
                self.coalesce_after_seconds,
                shipped.coalesce_after_seconds,
            ),
            acknowledge_within: limit(&self.acknowledge_within, shipped.acknowledge_within),
            resolve_within: limit(&self.resolve_within, shipped.resolve_within),
            update_every_minutes: number(self.update_every_minutes, shipped.update_every_minutes),
            public_update_every_minutes: number(
                self.public_update_every_minutes,
                shipped.public_update_every_minutes,
            ),
            executive_updates: self.executive_updates.unwrap_or(shipped.executive_updates),
            post_mortem_required: self
                .post_mortem_required
                .unwrap_or(shipped.post_mortem_required),
            post_mortem_within: limit(&self.post_mortem_within, shipped.post_mortem_within),
            watch_minutes: number(self.watch_minutes, shipped.watch_minutes),
        }
    }
}

impl OverrideTable {
    fn over(self, place: usize, policy: &Policy) -> Result<PolicyOverride, ValidationError> {
        let named = [&self.sev1, &self.sev2, &self.sev3, &self.sev4];
        let severities = Severity::ALL.into_iter().zip(named);
        let severities: BTreeMap<Severity, SeverityPolicy> = severities
            .filter_map(|(severity, table)| {
                let table = table.as_ref()?;
                Some((severity, table.over(policy.of(severity).clone())))
            })
            .collect();
        if severities.is_empty() {
            let field = format!("overrides/{place}");
            let expected = "values of a severity, such as sev2 = { page = false }";
            return Err(ValidationError::new(field, expected));
        }
        Ok(PolicyOverride {
            service: self.service,
            tenant: self.tenant,
            severities,
        })
    }
}

impl RuleTable {
    /// Adds the rule to those that ship, in the place of the one with its name.
    fn add_to(self, place: usize, rules: &mut Vec<EscalationRule>) -> Result<(), ValidationError> {
        let shipped = rules.iter().position(|rule| rule.name == self.name);
        if !self.enabled {
            let Some(shipped) = shipped else {
                let expected = "the name of a rule that ships";
                return Err(ValidationError::new(
                    format!("rules/{place}/name"),
                    expected,
                ));
            };
            rules.remove(shipped);
            return Ok(());
        }
        let Some(when) = self.when else {
            let expected = "a condition, such as when = \"unacknowledged\"";
            return Err(ValidationError::new(
                format!("rules/{place}/when"),
                expected,
            ));
        };
        let rule = EscalationRule {
            name: self.name,
            when,
            severities: self.severities,
            environments: self.environments,
            at_least: self.at_least,
            levels: self.levels,
            repeat: self.repeat,
        };
        match shipped.and_then(|place| rules.get_mut(place)) {
            Some(shipped) => *shipped = rule,
            None => rules.push(rule),
        }
        Ok(())
    }
}

impl PolicyTables {
    /// Returns the policy that ships with these values in it, checked.
    ///
    /// # Errors
    /// Names the field by its path in the file, such as `rules/unacknowledged/levels/1/notify`: a
    /// rule by its name, unless the name is what is wrong. See [`Policy::check`].
    pub fn policy(self) -> Result<Policy, ValidationError> {
        let shipped = Policy::default();
        let severities = &self.severities;
        let mut policy = Policy {
            sev1: severities.sev1.over(shipped.sev1),
            sev2: severities.sev2.over(shipped.sev2),
            sev3: severities.sev3.over(shipped.sev3),
            sev4: severities.sev4.over(shipped.sev4),
            timezone: self.team.timezone.unwrap_or(shipped.timezone),
            at_risk_percent: self
                .deadlines
                .at_risk_percent
                .unwrap_or(shipped.at_risk_percent),
            rules: shipped.rules,
            calendars: self.calendars,
            overrides: Vec::new(),
            classification: self.classification,
        };
        let mut overrides = Vec::with_capacity(self.overrides.len());
        for (place, table) in self.overrides.into_iter().enumerate() {
            overrides.push(table.over(place, &policy)?);
        }
        policy.overrides = overrides;
        let mut named = BTreeSet::new();
        for (place, rule) in self.rules.into_iter().enumerate() {
            if !named.insert(rule.name.clone()) {
                let field = format!("rules/{place}/name");
                return Err(ValidationError::new(field, "a name that no other rule has"));
            }
            rule.add_to(place, &mut policy.rules)?;
        }
        policy.check()?;
        Ok(policy)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Percent;
    use crate::policy::CountedFrom;

    /// A file that names every field, each with another value than the one that ships.
    pub(in crate::policy) const EVERY_FIELD: &str = r#"{
        "severities": {"sev2": {
            "page": false, "page_on_reopen": false, "page_on_raise": false, "urgency": "low",
            "accept_within_seconds": 5, "coalesce_after_seconds": 300,
            "acknowledge_within": {"minutes": 30, "calendar": "office"},
            "resolve_within": {"days": 2}, "update_every_minutes": 45,
            "public_update_every_minutes": "never", "executive_updates": "at_start_and_end",
            "post_mortem_required": false, "post_mortem_within": "never", "watch_minutes": 90}},
        "deadlines": {"at_risk_percent": 80},
        "team": {"timezone": "Europe/Paris"},
        "calendars": {"office": {"timezone": "Europe/Paris",
            "hours": {"monday": ["09:00-12:30", "14:00-18:00"], "friday": ["09:00-18:00"]},
            "holidays_version": "fr-2026", "holidays": ["2026-12-25"]}},
        "overrides": [{"service": "api", "tenant": "tenant-fr", "sev3": {"page": false}}],
        "rules": [
            {"name": "watch", "enabled": false},
            {"name": "unresolved", "when": "unresolved", "severities": ["sev1"],
                "environments": ["production", "staging"],
                "levels": [{"from": "at_risk", "after_minutes": 5, "notify": ["lead", "cto"]}],
                "repeat": {"every_minutes": 30, "times": 2}},
            {"name": "money", "when": "financial_impact",
                "at_least": {"minor": 5, "currency": "EUR"}, "levels": [{"notify": ["cfo"]}]}
        ],
        "classification": {"most_users_percent": "50", "many_users_percent": "10",
            "critical_revenue_per_hour": {"minor": 2000000, "currency": "EUR"},
            "major_revenue_per_hour": {"minor": 200000, "currency": "EUR"}}}"#;

    /// The policy that ships, for a team in Paris with office hours on Monday and Friday.
    pub(in crate::policy) fn in_business_hours() -> Policy {
        let calendar = r#"{"team": {"timezone": "Europe/Paris"}, "calendars": {"office": {
            "timezone": "Europe/Paris",
            "hours": {"monday": ["09:00-12:30", "14:00-18:00"], "friday": ["09:00-18:00"]}}}}"#;
        read(calendar).unwrap()
    }

    pub(in crate::policy) fn read(json: &str) -> Result<Policy, String> {
        let tables: PolicyTables = serde_json::from_str(json).map_err(|error| error.to_string())?;
        tables.policy().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_read_replaces_only_what_it_names() {
        assert_eq!(read("{}").unwrap(), Policy::default());
        let quiet = read(
            r#"{"severities": {"sev1": {"update_every_minutes": "never"}, "sev4": {"accept_within_seconds": 5}}}"#,
        )
        .unwrap();
        // A SEV1 that names one thing still wakes people.
        let shipped = Policy::default();
        let expected = Policy {
            sev1: SeverityPolicy {
                update_every_minutes: None,
                ..shipped.sev1.clone()
            },
            sev4: SeverityPolicy {
                accept_within_seconds: Some(5),
                ..shipped.sev4.clone()
            },
            ..shipped
        };
        assert_eq!(quiet, expected);
        for wrong in [
            r#"{"sev1": {}}"#,
            r#"{"severities": {"sev5": {}}}"#,
            r#"{"severities": {"sev1": {"pages": true}}}"#,
            r#"{"severities": {"sev1": {"update_every_minutes": "often"}}}"#,
            r#"{"severities": {"sev1": {"resolve_within": {"hours": 2}}}}"#,
            r#"{"severities": {"sev1": {"resolve_within": {"minutes": 2, "days": 2}}}}"#,
            r#"{"severities": {"sev1": {"resolve_within": {"days": 2, "calendar": "office"}}}}"#,
            r#"{"severities": {"sev1": {"resolve_within": 120}}}"#,
            r#"{"severities": {"sev1": {"executive_updates": "hourly"}}}"#,
            r#"{"team": {"timezone": "Europe/Pari"}}"#,
            r#"{"deadlines": {"at_risk": 80}}"#,
            r#"{"rules": [{"name": "x", "when": "late", "levels": []}]}"#,
            r#"{"rules": [{"name": "x", "when": "declared", "levels": [{"after": 5, "notify": ["a"]}]}]}"#,
            r#"{"rules": [{"name": "X", "when": "declared", "levels": [{"notify": ["a"]}]}]}"#,
            r#"{"overrides": [{"service": "api", "sev2": {"never": true}}]}"#,
            r#"{"overrides": [{"service": "api", "classification": {"many_users_percent": "5"}}]}"#,
            r#"{"classification": {"few_users_percent": "5"}}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_value_can_be_replaced() {
        let policy = read(EVERY_FIELD).unwrap();
        let shipped = Policy::default();
        let office = |minutes| TimeLimit {
            calendar: Some("office".parse().unwrap()),
            ..TimeLimit::minutes(minutes)
        };
        let expected = SeverityPolicy {
            page: false,
            page_on_reopen: false,
            page_on_raise: false,
            urgency: Urgency::Low,
            accept_within_seconds: Some(5),
            coalesce_after_seconds: Some(300),
            acknowledge_within: Some(office(30)),
            resolve_within: Some(TimeLimit::days(2)),
            update_every_minutes: Some(45),
            public_update_every_minutes: None,
            executive_updates: ExecutiveUpdates::AtStartAndEnd,
            post_mortem_required: false,
            post_mortem_within: None,
            watch_minutes: Some(90),
        };
        assert_eq!(policy.sev2, expected);
        assert_eq!(policy.sev1, shipped.sev1);
        assert_eq!(policy.timezone.name(), "Europe/Paris");
        assert_eq!(policy.at_risk_percent, 80);
        assert_eq!(policy.calendars.len(), 1);
        let [one] = &policy.overrides[..] else {
            unreachable!("one override")
        };
        let quiet = SeverityPolicy {
            page: false,
            ..shipped.sev3.clone()
        };
        assert_eq!(one.severities, BTreeMap::from([(Severity::Sev3, quiet)]));
        // The rule that was replaced stands in its place, the removed one nowhere, the new one last.
        let names = |rules: &[EscalationRule]| -> Vec<String> {
            rules.iter().map(|rule| rule.name.to_string()).collect()
        };
        let mut expected = names(&shipped.rules);
        expected.retain(|name| name != "watch");
        expected.push("money".to_owned());
        assert_eq!(names(&policy.rules), expected);
        let replaced = policy
            .rules
            .iter()
            .find(|rule| rule.name.as_str() == "unresolved");
        let replaced = replaced.unwrap();
        assert_eq!(replaced.severities, BTreeSet::from([Severity::Sev1]));
        assert_eq!(replaced.environments.len(), 2);
        assert_eq!(replaced.levels.len(), 1);
        assert_eq!(replaced.levels[0].from, CountedFrom::AtRisk);
        let repeat = Repeat {
            every_minutes: 30,
            times: 2,
        };
        assert_eq!(replaced.repeat, Some(repeat));
        let money = policy.rules.last().unwrap();
        assert_eq!(money.at_least.map(|money| money.minor), Some(5));
        let euros = |minor| Money::new(minor, "EUR".parse().unwrap());
        let percent = |whole| Percent::of_whole(whole).unwrap();
        let expected =
            ClassificationRules::new(percent(50), percent(10), euros(2_000_000), euros(200_000));
        assert_eq!(policy.classification, expected.unwrap());
    }
}

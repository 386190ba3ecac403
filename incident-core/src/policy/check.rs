//! Checks of a policy: errors, which name the field. What is only unwise is found by the linter.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Weekday;

use super::{
    BusinessCalendar, CountedFrom, EscalationLevel, EscalationRule, Length, Policy, SeverityPolicy,
    TimeLimit, Trigger,
};
use crate::incident::Severity;
use crate::{Name, ValidationError};

/// Maximum number of escalation rules, those that ship included. An incident stores one page for
/// each.
pub const MAX_RULES: usize = 50;
/// Maximum number of levels of a rule.
pub const MAX_LEVELS: usize = 10;
/// Maximum number of groups that a level notifies.
pub const MAX_NOTIFIED: usize = 20;
/// Maximum number of environments of a rule.
pub const MAX_ENVIRONMENTS: usize = 20;
/// Maximum number of repeats of a rule.
pub const MAX_REPEATS: u32 = 1_000;
/// Maximum number of overrides.
pub const MAX_OVERRIDES: usize = 1_000;
/// Maximum number of calendars.
pub const MAX_CALENDARS: usize = 100;
/// Maximum number of holidays of a calendar.
pub const MAX_HOLIDAYS: usize = 1_000;
/// Maximum length of a limit, a period or a delay in minutes: 366 days.
pub const MAX_LIMIT_MINUTES: u32 = 366 * 24 * 60;
/// Maximum length of a limit in days.
pub const MAX_LIMIT_DAYS: u16 = 366;

/// Weeks whose business hours a limit may use up at most.
const WEEKS: u32 = 52;

type Checked = Result<(), ValidationError>;

fn wrong(field: String, expected: impl Into<std::borrow::Cow<'static, str>>) -> ValidationError {
    ValidationError::new(field, expected)
}

/// Checks that a list is not longer than its maximum.
fn at_most(field: &str, found: usize, most: usize) -> Checked {
    match found > most {
        true => Err(wrong(field.to_owned(), format!("at most {most} entries"))),
        false => Ok(()),
    }
}

impl Policy {
    /// Checks that all values fit together. Every policy is checked before an engine uses it.
    ///
    /// # Errors
    /// Names the first field that is wrong, by its path in a policy file, with what was expected:
    /// `severities/sev1/resolve_within`, `overrides/0/sev2/watch_minutes`,
    /// `rules/unresolved/levels/1/notify`, `calendars/office/holidays`.
    pub fn check(&self) -> Checked {
        if self.at_risk_percent == 0 || self.at_risk_percent > 100 {
            let field = "deadlines/at_risk_percent".to_owned();
            return Err(wrong(field, "a percentage from 1 to 100"));
        }
        at_most("calendars", self.calendars.len(), MAX_CALENDARS)?;
        for (name, calendar) in &self.calendars {
            name.check("calendars")?;
            let field = format!("calendars/{name}/holidays");
            at_most(&field, calendar.holidays().len(), MAX_HOLIDAYS)?;
        }
        for severity in Severity::ALL {
            let field = format!("severities/{}", key(severity));
            check_severity(&field, self.of(severity), &self.calendars)?;
        }
        self.check_overrides()?;
        self.check_rules()
    }

    fn check_overrides(&self) -> Checked {
        at_most("overrides", self.overrides.len(), MAX_OVERRIDES)?;
        let mut named = BTreeSet::new();
        for (place, one) in self.overrides.iter().enumerate() {
            let field = format!("overrides/{place}");
            if one.service.is_none() && one.tenant.is_none() {
                return Err(wrong(field, "a service, a tenant or both"));
            }
            if let Some(service) = &one.service {
                let checked = service.check("service");
                checked.map_err(|wrong| wrong.at(format!("{field}/service")))?;
            }
            if let Some(tenant) = &one.tenant {
                let checked = tenant.check("tenant");
                checked.map_err(|wrong| wrong.at(format!("{field}/tenant")))?;
            }
            if !named.insert((&one.service, &one.tenant)) {
                return Err(wrong(field, "one override for each service and tenant"));
            }
            for (severity, values) in &one.severities {
                let field = format!("{field}/{}", key(*severity));
                check_severity(&field, values, &self.calendars)?;
            }
        }
        Ok(())
    }

    fn check_rules(&self) -> Checked {
        at_most("rules", self.rules.len(), MAX_RULES)?;
        let mut named = BTreeSet::new();
        for (place, rule) in self.rules.iter().enumerate() {
            if !named.insert(&rule.name) {
                let field = format!("rules/{place}/name");
                return Err(wrong(field, "a name that no other rule has"));
            }
            check_rule(rule)?;
        }
        Ok(())
    }
}

/// Returns the name of a severity in a path.
fn key(severity: Severity) -> String {
    severity.to_string().to_lowercase()
}

fn check_severity(
    field: &str,
    values: &SeverityPolicy,
    calendars: &BTreeMap<Name, BusinessCalendar>,
) -> Checked {
    for (name, minutes) in [
        ("update_every_minutes", values.update_every_minutes),
        (
            "public_update_every_minutes",
            values.public_update_every_minutes,
        ),
        ("watch_minutes", values.watch_minutes),
    ] {
        if let Some(minutes) = minutes {
            check_minutes(&format!("{field}/{name}"), minutes, 1)?;
        }
    }
    for (name, limit) in [
        ("acknowledge_within", &values.acknowledge_within),
        ("resolve_within", &values.resolve_within),
        ("post_mortem_within", &values.post_mortem_within),
    ] {
        if let Some(limit) = limit {
            check_limit(&format!("{field}/{name}"), limit, calendars)?;
        }
    }
    Ok(())
}

fn check_minutes(field: &str, minutes: u32, least: u32) -> Checked {
    match (least..=MAX_LIMIT_MINUTES).contains(&minutes) {
        true => Ok(()),
        false => {
            let expected = format!("a number of minutes from {least} to {MAX_LIMIT_MINUTES}");
            Err(wrong(field.to_owned(), expected))
        }
    }
}

fn check_limit(
    field: &str,
    limit: &TimeLimit,
    calendars: &BTreeMap<Name, BusinessCalendar>,
) -> Checked {
    let calendar_field = format!("{field}/calendar");
    let minutes = match (limit.length, &limit.calendar) {
        (Length::Days(1..=MAX_LIMIT_DAYS), None) => return Ok(()),
        (Length::Days(_), None) => {
            let expected = format!("a number of days from 1 to {MAX_LIMIT_DAYS}");
            return Err(wrong(format!("{field}/days"), expected));
        }
        (Length::Days(_), Some(_)) => {
            let expected = "no calendar: business hours are counted in minutes";
            return Err(wrong(calendar_field, expected));
        }
        (Length::Minutes(minutes), _) => minutes,
    };
    check_minutes(&format!("{field}/minutes"), minutes, 1)?;
    let Some(name) = &limit.calendar else {
        return Ok(());
    };
    let Some(calendar) = calendars.get(name) else {
        let expected = "the name of a calendar of the policy, as in [calendars.NAME]";
        return Err(wrong(calendar_field, expected));
    };
    let most = minutes_of_week(calendar).saturating_mul(WEEKS);
    if minutes > most {
        let expected = format!("at most {most} minutes: {WEEKS} weeks of its calendar's hours");
        return Err(wrong(format!("{field}/minutes"), expected));
    }
    Ok(())
}

fn minutes_of_week(calendar: &BusinessCalendar) -> u32 {
    let days = std::iter::successors(Some(Weekday::Mon), |day| Some(day.succ())).take(7);
    let hours = days.flat_map(|day| calendar.hours(day));
    hours.map(|open| u32::from(open.end() - open.start())).sum()
}

fn check_rule(rule: &EscalationRule) -> Checked {
    let field = |part: &str| format!("rules/{}/{part}", rule.name);
    let environments = field("environments");
    at_most(&environments, rule.environments.len(), MAX_ENVIRONMENTS)?;
    for environment in &rule.environments {
        let checked = environment.check("environments");
        checked.map_err(|wrong| wrong.at(environments.clone()))?;
    }
    match (rule.when, &rule.at_least) {
        (Trigger::FinancialImpact, None) => {
            let expected = "the smallest loss of revenue per hour, such as { minor = 1000000, currency = \"XAF\" }";
            return Err(wrong(field("at_least"), expected));
        }
        (Trigger::FinancialImpact, Some(money)) if money.minor <= 0 => {
            return Err(wrong(field("at_least/minor"), "an amount above 0"));
        }
        (Trigger::FinancialImpact, Some(_)) | (_, None) => {}
        (_, Some(_)) => {
            let expected = "no amount, unless when = \"financial_impact\"";
            return Err(wrong(field("at_least"), expected));
        }
    }
    if rule.levels.is_empty() {
        return Err(wrong(field("levels"), "at least one level"));
    }
    at_most(&field("levels"), rule.levels.len(), MAX_LEVELS)?;
    let mut before = None;
    for (place, level) in rule.levels.iter().enumerate() {
        check_level(&field(&format!("levels/{place}")), level, before, rule.when)?;
        before = Some(level);
    }
    if let Some(repeat) = rule.repeat {
        check_minutes(&field("repeat/every_minutes"), repeat.every_minutes, 1)?;
        if repeat.times == 0 || repeat.times > MAX_REPEATS {
            let expected = format!("a number from 1 to {MAX_REPEATS}");
            return Err(wrong(field("repeat/times"), expected));
        }
    }
    Ok(())
}

fn check_level(
    field: &str,
    level: &EscalationLevel,
    before: Option<&EscalationLevel>,
    when: Trigger,
) -> Checked {
    if level.from != CountedFrom::Start && !when.has_deadline() {
        let expected = format!("\"start\": the condition {} has no deadline", when.name());
        return Err(wrong(format!("{field}/from"), expected));
    }
    check_minutes(&format!("{field}/after_minutes"), level.after_minutes, 0)?;
    if let Some(before) = before {
        if level.from < before.from {
            let expected = "start, at_risk and deadline in this order";
            return Err(wrong(format!("{field}/from"), expected));
        }
        if level.from == before.from && level.after_minutes <= before.after_minutes {
            let expected = format!(
                "more than {}: a level comes after the one before it",
                before.after_minutes
            );
            return Err(wrong(format!("{field}/after_minutes"), expected));
        }
    }
    let notify = format!("{field}/notify");
    if level.notify.is_empty() {
        return Err(wrong(notify, "at least one group"));
    }
    at_most(&notify, level.notify.len(), MAX_NOTIFIED)?;
    let mut named = BTreeSet::new();
    for group in &level.notify {
        let checked = group.check("notify");
        checked.map_err(|wrong| wrong.at(notify.clone()))?;
        if !named.insert(group) {
            return Err(wrong(notify, "each group once"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::policy::tables::tests::read;

    /// A policy with so many parts.
    type Sample<'a> = &'a dyn Fn(usize) -> String;

    fn error(json: &str) -> String {
        read(json).unwrap_err()
    }

    fn rule(fields: &str) -> String {
        format!(r#"{{"rules": [{{"name": "one", {fields}}}]}}"#)
    }

    #[test]
    fn the_shipped_policy_is_valid() {
        assert_eq!(Policy::default().check(), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        let levels = |levels: &str| rule(&format!(r#""when": "unresolved", "levels": [{levels}]"#));
        let sev1 = |fields: &str| format!(r#"{{"severities": {{"sev1": {{{fields}}}}}}}"#);
        for (json, start) in [
            (sev1(r#""update_every_minutes": 0"#), "severities/sev1/update_every_minutes: expected a number of minutes from 1"),
            (sev1(r#""public_update_every_minutes": 0"#), "severities/sev1/public_update_every_minutes: "),
            (sev1(r#""watch_minutes": 0"#), "severities/sev1/watch_minutes: "),
            (sev1(r#""acknowledge_within": {"minutes": 0}"#), "severities/sev1/acknowledge_within/minutes: expected a number of minutes from 1"),
            (sev1(r#""resolve_within": {"days": 0}"#), "severities/sev1/resolve_within/days: expected a number of days from 1"),
            (sev1(r#""post_mortem_within": {"minutes": 5, "calendar": "office"}"#), "severities/sev1/post_mortem_within/calendar: expected the name of a calendar"),
            (r#"{"deadlines": {"at_risk_percent": 0}}"#.to_owned(), "deadlines/at_risk_percent: expected a percentage"),
            (r#"{"deadlines": {"at_risk_percent": 101}}"#.to_owned(), "deadlines/at_risk_percent: "),
            (r#"{"overrides": [{"sev2": {"page": false}}]}"#.to_owned(), "overrides/0: expected a service, a tenant or both"),
            (r#"{"overrides": [{"service": "api"}]}"#.to_owned(), "overrides/0: expected values of a severity"),
            (r#"{"overrides": [{"service": "ㅤ", "sev1": {}}]}"#.to_owned(), "overrides/0/service: "),
            (r#"{"overrides": [{"tenant": "ㅤ", "sev1": {}}]}"#.to_owned(), "overrides/0/tenant: "),
            (r#"{"overrides": [{"service": "api", "sev1": {}}, {"service": "api", "sev2": {}}]}"#.to_owned(), "overrides/1: expected one override for each"),
            (r#"{"overrides": [{"service": "api", "sev3": {"watch_minutes": 0}}]}"#.to_owned(), "overrides/0/sev3/watch_minutes: "),
            (r#"{"rules": [{"name": "nobody", "enabled": false}]}"#.to_owned(), "rules/0/name: expected the name of a rule that ships"),
            (r#"{"rules": [{"name": "watch", "enabled": false}, {"name": "watch", "enabled": false}]}"#.to_owned(), "rules/1/name: expected a name that no other rule has"),
            (rule(r#""levels": [{"notify": ["lead"]}]"#), "rules/0/when: expected a condition"),
            (rule(r#""when": "declared""#), "rules/one/levels: expected at least one level"),
            (levels(r#"{"notify": []}"#), "rules/one/levels/0/notify: expected at least one group"),
            (levels(r#"{"notify": ["lead", "lead"]}"#), "rules/one/levels/0/notify: expected each group once"),
            (levels(r#"{"notify": ["ㅤ"]}"#), "rules/one/levels/0/notify: "),
            (levels(r#"{"after_minutes": 5, "notify": ["a"]}, {"after_minutes": 5, "notify": ["b"]}"#), "rules/one/levels/1/after_minutes: expected more than 5"),
            (levels(r#"{"from": "deadline", "notify": ["a"]}, {"from": "at_risk", "after_minutes": 9, "notify": ["b"]}"#), "rules/one/levels/1/from: expected start, at_risk and deadline"),
            (rule(r#""when": "declared", "levels": [{"from": "deadline", "notify": ["a"]}]"#), "rules/one/levels/0/from: expected \"start\": the condition declared has no deadline"),
            (rule(r#""when": "data_loss", "levels": [{"from": "at_risk", "notify": ["a"]}]"#), "rules/one/levels/0/from: "),
            (rule(r#""when": "financial_impact", "levels": [{"notify": ["a"]}]"#), "rules/one/at_least: expected the smallest loss"),
            (rule(r#""when": "financial_impact", "at_least": {"minor": 0, "currency": "EUR"}, "levels": [{"notify": ["a"]}]"#), "rules/one/at_least/minor: expected an amount above 0"),
            (rule(r#""when": "declared", "at_least": {"minor": 5, "currency": "EUR"}, "levels": [{"notify": ["a"]}]"#), "rules/one/at_least: expected no amount"),
            (rule(r#""when": "declared", "environments": ["ㅤ"], "levels": [{"notify": ["a"]}]"#), "rules/one/environments: "),
            (rule(r#""when": "declared", "levels": [{"notify": ["a"]}], "repeat": {"every_minutes": 0, "times": 3}"#), "rules/one/repeat/every_minutes: "),
            (rule(r#""when": "declared", "levels": [{"notify": ["a"]}], "repeat": {"every_minutes": 5, "times": 0}"#), "rules/one/repeat/times: "),
            (r#"{"classification": {"many_users_percent": "90.0001"}}"#.to_owned(), "many_users_percent: expected a percentage above zero and at most"),
            (r#"{"classification": {"major_revenue_per_hour": {"minor": 5, "currency": "EUR"}}}"#.to_owned(), "major_revenue_per_hour: expected the currency of"),
        ] {
            let error = error(&json);
            assert!(error.starts_with(start), "{json}: {error}");
        }
    }

    #[test]
    fn a_host_cannot_count_days_in_business_hours() {
        let mut policy = Policy::default();
        policy.sev1.resolve_within = Some(TimeLimit {
            calendar: Some("office".parse().unwrap()),
            ..TimeLimit::days(2)
        });
        let error = policy.check().unwrap_err();
        assert_eq!(error.field(), "severities/sev1/resolve_within/calendar");
        let mut policy = Policy::default();
        policy.rules.extend_from_within(..1);
        let error = policy.check().unwrap_err();
        assert_eq!(error.field(), "rules/15/name");
    }

    #[test]
    fn a_policy_has_so_many_parts_and_no_more() {
        let list = |count: usize, one: &dyn Fn(usize) -> String| {
            (0..count).map(one).collect::<Vec<_>>().join(",")
        };
        let groups = |count| list(count, &|one| format!(r#""g{one}""#));
        let in_rule = |fields: &str| rule(&format!(r#""when": "declared", {fields}"#));
        let a_level = r#""levels": [{"notify": ["a"]}]"#;
        let shipped = Policy::default().rules.len();
        let rules = |count: usize| {
            let one = |one| format!(r#"{{"name": "r{one}", "when": "declared", {a_level}}}"#);
            format!(r#"{{"rules": [{}]}}"#, list(count - shipped, &one))
        };
        let levels = |count| {
            let one = |one| format!(r#"{{"after_minutes": {one}, "notify": ["a"]}}"#);
            in_rule(&format!(r#""levels": [{}]"#, list(count, &one)))
        };
        let notified =
            |count| in_rule(&format!(r#""levels": [{{"notify": [{}]}}]"#, groups(count)));
        let environments = |count| {
            in_rule(&format!(
                r#"{a_level}, "environments": [{}]"#,
                groups(count)
            ))
        };
        let repeats = |count| {
            in_rule(&format!(
                r#"{a_level}, "repeat": {{"every_minutes": 1, "times": {count}}}"#
            ))
        };
        let overrides = |count| {
            let one = |one| format!(r#"{{"service": "s{one}", "sev1": {{}}}}"#);
            format!(r#"{{"overrides": [{}]}}"#, list(count, &one))
        };
        let hours = r#""timezone": "UTC", "hours": {"monday": ["09:00-10:00"]}"#;
        let calendars = |count| {
            let one = |one| format!(r#""c{one}": {{{hours}}}"#);
            format!(r#"{{"calendars": {{{}}}}}"#, list(count, &one))
        };
        let holidays = |count: usize| {
            let mut days = chrono::NaiveDate::from_ymd_opt(2026, 1, 1)
                .unwrap()
                .iter_days();
            let mut text = String::new();
            for day in days.by_ref().take(count) {
                write!(text, "{}\"{day}\"", if text.is_empty() { "" } else { "," }).unwrap();
            }
            format!(
                r#"{{"calendars": {{"c": {{{hours}, "holidays_version": "v", "holidays": [{text}]}}}}}}"#
            )
        };
        let minutes =
            |count| format!(r#"{{"severities": {{"sev1": {{"watch_minutes": {count}}}}}}}"#);
        let days = |count| {
            format!(r#"{{"severities": {{"sev1": {{"resolve_within": {{"days": {count}}}}}}}}}"#)
        };
        let most = MAX_LIMIT_MINUTES as usize;
        let checks: [(Sample<'_>, usize, &str); 11] = [
            (&rules, MAX_RULES, "rules: "),
            (&levels, MAX_LEVELS, "rules/one/levels: "),
            (&notified, MAX_NOTIFIED, "rules/one/levels/0/notify: "),
            (&environments, MAX_ENVIRONMENTS, "rules/one/environments: "),
            (&repeats, MAX_REPEATS as usize, "rules/one/repeat/times: "),
            (&overrides, MAX_OVERRIDES, "overrides: "),
            (&calendars, MAX_CALENDARS, "calendars: "),
            (&holidays, MAX_HOLIDAYS, "calendars/c/holidays: "),
            (&minutes, most, "severities/sev1/watch_minutes: "),
            (
                &days,
                MAX_LIMIT_DAYS.into(),
                "severities/sev1/resolve_within/days: ",
            ),
            (
                &|count| {
                    format!(
                        r#"{{"calendars": {{"c": {{{hours}}}}}, "severities": {{"sev1": {{"resolve_within": {{"minutes": {count}, "calendar": "c"}}}}}}}}"#
                    )
                },
                52 * 60,
                "severities/sev1/resolve_within/minutes: expected at most 3120 minutes",
            ),
        ];
        for (json, most, field) in checks {
            assert!(read(&json(most)).is_ok(), "{field}");
            let error = error(&json(most + 1));
            assert!(error.starts_with(field), "{error}");
        }
    }
}

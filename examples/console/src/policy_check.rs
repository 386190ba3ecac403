//! `incident-console policy`: who would be notified when, and what is unwise in a policy.

use std::fmt::Write as _;
use std::path::Path;

use incident_core::incident::{Affected, AffectedTenant, Severity};
use incident_core::paging::Urgency;
use incident_core::policy::{
    ClockStart, CountedFrom, Policy, PolicyFlaw, Repeat, Served, TimetableCause, TimetableLine,
    Trigger, lint, timetable,
};
use incident_core::response::ClassificationRules;
use incident_core::{Name, RuleName, ServiceId, TenantId, Timestamp, ValidationError, Zone};

use crate::config::Config;
use crate::file::{POLICY_BYTES, read_text};
use crate::file_error;
use crate::policy_file::PolicyFile;

/// The policy that ships, as a file with comments.
pub const SHIPPED: &str = include_str!("../../../docs/policy.toml");

const USAGE: &str = "policy: expected show, or check with optionally FILE, --service NAME, --tenant NAME and --from TIME";

/// The subject of a check.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PolicyQuery<'a> {
    /// The file; that of the settings, or the policy that ships, if absent.
    pub file: Option<&'a str>,
    services: Vec<ServiceId>,
    tenants: Vec<TenantId>,
    from: Option<Timestamp>,
}

/// A task of the command.
#[derive(Debug, PartialEq, Eq)]
pub enum PolicyTask<'a> {
    /// Prints the policy that ships.
    Show,
    /// Prints the timetables and flaws of a policy.
    Check(PolicyQuery<'a>),
}

/// Reads the arguments of the command.
///
/// # Errors
/// Returns what was expected.
pub fn task<'a>(arguments: &[&'a str]) -> Result<PolicyTask<'a>, String> {
    let mut left = match *arguments {
        ["show"] => return Ok(PolicyTask::Show),
        ["check", ref left @ ..] => left,
        _ => return Err(USAGE.to_owned()),
    };
    let mut query = PolicyQuery::default();
    loop {
        left = match *left {
            [] => return Ok(PolicyTask::Check(query)),
            ["--service", name, ref rest @ ..] => {
                query.services.push(parsed("--service", name)?);
                rest
            }
            ["--tenant", name, ref rest @ ..] => {
                query.tenants.push(parsed("--tenant", name)?);
                rest
            }
            ["--from", time, ref rest @ ..] => {
                query.from = Some(parsed("--from", time)?);
                rest
            }
            [file, ref rest @ ..] if !file.starts_with('-') && query.file.is_none() => {
                query.file = Some(file);
                rest
            }
            _ => return Err(USAGE.to_owned()),
        };
    }
}

fn parsed<T: std::str::FromStr<Err = ValidationError>>(
    option: &str,
    text: &str,
) -> Result<T, String> {
    let value = text.parse();
    value.map_err(|error: ValidationError| format!("{option}: expected {}", error.expected()))
}

/// Checks a policy, and returns its timetables and flaws as text.
///
/// # Errors
/// Returns the file, the line and the field of the first value that is wrong.
pub fn report(query: &PolicyQuery<'_>, config: &Config, now: Timestamp) -> Result<String, String> {
    let path = query.file.map(Path::new).or(config.policy.as_deref());
    let (name, text) = match path {
        Some(path) => {
            let name = path.display().to_string();
            let text = read_text(path, POLICY_BYTES);
            let text = text.map_err(|error| format!("{name}: could not read the file: {error}"))?;
            (name, text)
        }
        None => ("the one that ships".to_owned(), String::new()),
    };
    let file = PolicyFile::parse(&text).map_err(|error| format!("{name}: {error}"))?;
    let policy = file.policy();
    let start = query.from.unwrap_or(now);
    let start = start.saturating_sub(std::time::Duration::from_micros(
        start.micros().unsigned_abs() % 60_000_000,
    ));
    let tenants = query.tenants.iter().cloned().map(AffectedTenant::whole);
    let tenants = Affected::these(tenants.collect())
        .map_err(|error| format!("--tenant: expected {}", error.expected()))?;

    let mut out = format!("policy: {name}\n{}", thresholds(&policy.classification));
    let zone = policy.timezone;
    let _ = writeln!(
        out,
        "for an incident declared at {}, of which nobody does anything:",
        local(zone, start)
    );
    for severity in Severity::ALL {
        let lines = timetable(&policy, &query.services, &tenants, severity, start);
        let _ = write!(out, "\n{severity}\n{}", table(&lines, zone, start));
    }
    let served = Served {
        rules: config.escalations.rules_with_keys(),
        every_group: config.channels.serves_every_group(),
        ..Served::default()
    };
    let flaws = lint(&policy, &served);
    out.push('\n');
    if flaws.is_empty() {
        out.push_str("no warnings");
    } else {
        out.push_str(&warnings(&flaws, &text, &policy));
    }
    Ok(out)
}

/// Writes the thresholds of classification, a line for each severity that has some.
fn thresholds(rules: &ClassificationRules) -> String {
    format!(
        "thresholds of the proposed severity:\n  SEV1  more than {} % of users, or more than {} an hour\n  SEV2  from {} % of users, or from {} an hour on\n",
        rules.most_users(),
        rules.critical_revenue(),
        rules.many_users(),
        rules.major_revenue(),
    )
}

/// Writes the lines of a severity, each clock under the event from which it runs.
fn table(lines: &[TimetableLine], zone: Zone, start: Timestamp) -> String {
    let mut rows = Vec::new();
    for line in lines {
        let who = match line.cause {
            TimetableCause::Page(_) => "on-call".to_owned(),
            TimetableCause::Rule { .. } => names(&line.notify),
        };
        let after = line.at.since(start).as_secs() / 60;
        rows.push((line.clock, after, local(zone, line.at), who, why(line)));
    }
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let after_width = width(&mut rows.iter().map(|row| span(row.1).chars().count()));
    let who_width = width(&mut rows.iter().map(|row| row.3.chars().count()));
    let mut text = String::new();
    let mut clock = None;
    for (of, after, at, who, why) in rows {
        if clock != Some(of) && of != ClockStart::Declaration {
            let _ = writeln!(text, "  {}", heading(of));
        }
        clock = Some(of);
        let after = span(after);
        let _ = writeln!(
            text,
            "  {after:>after_width$}  {at}  {who:<who_width$}  {why}"
        );
    }
    if text.is_empty() {
        text.push_str("  nobody is paged or notified\n");
    }
    text
}

const fn heading(clock: ClockStart) -> &'static str {
    match clock {
        ClockStart::Declaration => "from the declaration on:",
        ClockStart::Publication => "if it is public from then on:",
        ClockStart::Resolution => "if it is resolved then:",
        ClockStart::Condition => "if the condition is true from then on:",
    }
}

/// Writes the reason of a line, with the rule.
fn why(line: &TimetableLine) -> String {
    let mut text = match &line.cause {
        TimetableCause::Page(Urgency::High) => "page, which wakes people".to_owned(),
        TimetableCause::Page(Urgency::Low) => "page, which informs".to_owned(),
        TimetableCause::Rule {
            rule,
            when,
            from,
            after_minutes,
            ..
        } => {
            let late = match (from, after_minutes) {
                (CountedFrom::Start, _) => String::new(),
                (CountedFrom::AtRisk, 0) => ", soon late".to_owned(),
                (CountedFrom::AtRisk, minutes) => {
                    format!(", soon late since {}", span(u64::from(*minutes)))
                }
                (CountedFrom::Deadline, 0) => ", due".to_owned(),
                (CountedFrom::Deadline, minutes) => format!(", {} late", span(u64::from(*minutes))),
            };
            format!("{}{late} ({rule})", condition(*when))
        }
    };
    if let Some(Repeat {
        every_minutes,
        times,
    }) = line.repeat
    {
        let every = span(every_minutes.into());
        let _ = write!(text, ", again every {every}, {times} times");
    }
    text
}

const fn condition(when: Trigger) -> &'static str {
    match when {
        Trigger::Declared => "declared",
        Trigger::Unacknowledged => "not acknowledged",
        Trigger::Unmitigated => "neither mitigated nor resolved",
        Trigger::Unresolved => "not resolved",
        Trigger::InternalUpdate => "no update for the team",
        Trigger::PublicUpdate => "no update of the status page",
        Trigger::ExecutiveUpdate => "no update for executives",
        Trigger::PostMortem => "no post-mortem",
        Trigger::Watch => "watch after the resolution",
        Trigger::DataLeak => "data leak, authority not notified",
        Trigger::DataLoss => "data loss, users not notified",
        Trigger::FinancialImpact => "financial impact",
        Trigger::CustomerEvent => "on the day of a customer's event",
    }
}

/// Writes minutes as days, hours and minutes: `1 d 2 h`.
pub(crate) fn span(minutes: u64) -> String {
    let parts = [
        (minutes / 1_440, "d"),
        (minutes / 60 % 24, "h"),
        (minutes % 60, "min"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    match parts.is_empty() {
        true => "at once".to_owned(),
        false => parts.join(" "),
    }
}

/// Writes an instant by the clocks of a zone: `2026-11-20 17:00 Europe/Paris`.
pub(crate) fn local(zone: Zone, at: Timestamp) -> String {
    let offset = i64::from(zone.offset_at(at)) * 1_000_000;
    let there = Timestamp::from_micros(at.micros().saturating_add(offset)).unwrap_or(at);
    let text = there.to_string();
    let minutes = text.get(..16).unwrap_or(&text).replace('T', " ");
    format!("{minutes} {}", zone.name())
}

/// Writes groups as a list.
pub(crate) fn names(groups: &[Name]) -> String {
    groups
        .iter()
        .map(Name::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Writes the flaws, those of groups that nothing serves in one line.
fn warnings(flaws: &[PolicyFlaw], file: &str, policy: &Policy) -> String {
    let mut lines = Vec::new();
    let mut unserved = Vec::new();
    for flaw in flaws {
        if let PolicyFlaw::Unserved { group, .. } = flaw {
            unserved.push(group.clone());
        } else {
            let sentence = flaw.to_string();
            lines.push(file_error::sentence_at(file, &flaw.place(), &sentence));
        }
    }
    if !unserved.is_empty() {
        let rules = policy.rules.iter().map(|rule| &rule.name);
        let rules: Vec<&str> = rules.map(RuleName::as_str).collect();
        lines.push(format!(
            "no channel and no pager serves {}: their notices are log lines and timeline entries only; INCIDENT_NOTICES_URL posts those of every group, and INCIDENT_ESCALATIONS gives a rule a pager ({})",
            names(&unserved),
            rules.join(", ")
        ));
    }
    let mut text = format!("warnings: {}", lines.len());
    for line in lines {
        let _ = write!(text, "\n  {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<'a>(arguments: &[&'a str]) -> PolicyQuery<'a> {
        match task(arguments) {
            Ok(PolicyTask::Check(query)) => query,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn arguments_are_read_in_any_order() {
        assert_eq!(task(&["show"]), Ok(PolicyTask::Show));
        assert_eq!(check(&["check"]), PolicyQuery::default());
        let from = "2026-11-20T16:00:00Z";
        let one = check(&["check", "p.toml", "--service", "api", "--from", from]);
        let other = check(&["check", "--from", from, "--service", "api", "p.toml"]);
        assert_eq!(one, other);
        assert_eq!((one.file, one.services.len()), (Some("p.toml"), 1));
        let both = check(&["check", "--tenant", "a", "--tenant", "b"]);
        assert_eq!(both.tenants.len(), 2);
        for wrong in [
            &[][..],
            &["lint"],
            &["show", "x"],
            &["check", "a", "b"],
            &["check", "--service"],
            &["check", "--service", ""],
            &["check", "--from", "today"],
            &["check", "--loud"],
        ] {
            assert!(task(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn times_are_written_for_people() {
        for (minutes, text) in [
            (0, "at once"),
            (5, "5 min"),
            (60, "1 h"),
            (1_505, "1 d 1 h 5 min"),
            (10_080, "7 d"),
        ] {
            assert_eq!(span(minutes), text);
        }
        let at = "2026-07-01T22:30:00Z".parse().unwrap();
        let paris = "Europe/Paris".parse().unwrap();
        assert_eq!(local(paris, at), "2026-07-02 00:30 Europe/Paris");
    }

    /// The file with comments is the policy that ships, and names every value of it.
    #[test]
    fn the_documented_policy_is_the_one_that_ships() {
        let file = PolicyFile::parse(SHIPPED).unwrap();
        assert_eq!(file.policy(), Policy::default());
        let written: toml::Table = SHIPPED.parse().unwrap();
        let shipped = serde_json::to_value(Policy::default()).unwrap();
        for severity in ["sev1", "sev2", "sev3", "sev4"] {
            let named = written["severities"][severity].as_table().unwrap();
            let fields = shipped[severity].as_object().unwrap();
            let (named, fields): (Vec<_>, Vec<_>) =
                (named.keys().collect(), fields.keys().collect());
            let sorted = |mut names: Vec<&String>| {
                names.sort();
                names.into_iter().cloned().collect::<Vec<_>>()
            };
            assert_eq!(sorted(named), sorted(fields), "{severity}");
        }
        let rules = &Policy::default().classification;
        let rules = serde_json::to_value(rules).unwrap();
        let named = serde_json::to_value(&written["classification"]).unwrap();
        assert_eq!(named, rules);
        let rules = written["rules"].as_array().unwrap();
        assert_eq!(rules.len(), Policy::default().rules.len());
    }
}

//! The policy of the response, as lines of tables.

use incident_core::Name;
use incident_core::incident::Severity;
use incident_core::policy::{
    CountedFrom, EscalationLevel, EscalationRule, ExecutiveUpdates, Length, Policy, SeverityPolicy,
    TimeLimit, Trigger,
};
use incident_core::response::ClassificationRules;

use super::about_texts::AboutTexts;
use super::rule_texts::RuleTexts;
use crate::web::language::Language;
use crate::web::numbers::{money, percent};
use crate::web::texts::{count, fill};

/// A promise or a threshold in words, with its value for each severity.
pub(super) struct PromiseLine {
    /// The promise or the threshold.
    pub(super) name: &'static str,
    /// The values, of the worst severity first.
    pub(super) values: Vec<(Severity, String)>,
}

/// An escalation rule in words.
pub(super) struct EscalationLine {
    /// The name, as the operator wrote it.
    pub(super) name: String,
    /// The condition, with the severities and environments that the rule is for.
    pub(super) when: String,
    /// The levels: the time, and the groups that are notified.
    pub(super) levels: Vec<(String, String)>,
}

/// Returns a line per promise, with the values of all severities.
///
/// Without a status page, nothing is promised of it.
pub(super) fn promises(
    language: Language,
    texts: &'static AboutTexts,
    policy: &Policy,
    has_status_page: bool,
) -> Vec<PromiseLine> {
    let rules = RuleTexts::of(language);
    let line = |name, value: &dyn Fn(&SeverityPolicy) -> String| PromiseLine {
        name,
        values: Severity::ALL
            .into_iter()
            .map(|severity| (severity, value(policy.of(severity))))
            .collect(),
    };
    let never = || texts.never.to_owned();
    let word = |is: bool| if is { texts.yes } else { texts.no }.to_owned();
    let minutes = |minutes: Option<u32>| match minutes {
        Some(minutes) => span(language, u64::from(minutes) * 60),
        None => never(),
    };
    let seconds = |seconds: Option<u32>| match seconds {
        Some(seconds) => span(language, seconds.into()),
        None => never(),
    };
    let limit = |within: Option<&TimeLimit>| match within {
        Some(within) => limit_words(language, rules, within),
        None => never(),
    };
    let executive = |updates: ExecutiveUpdates| match updates {
        ExecutiveUpdates::Never => never(),
        ExecutiveUpdates::AtStartAndEnd => rules.at_start_and_end.to_owned(),
        ExecutiveUpdates::Daily => rules.daily.to_owned(),
    };
    let mut lines = vec![
        line(texts.pages, &|of| word(of.page)),
        line(texts.urgency, &|of| {
            texts.urgency_words(of.urgency).to_owned()
        }),
        line(texts.accept_within, &|of| seconds(of.accept_within_seconds)),
        line(rules.acknowledge_within, &|of| {
            limit(of.acknowledge_within.as_ref())
        }),
        line(rules.resolve_within, &|of| {
            limit(of.resolve_within.as_ref())
        }),
        line(texts.update_every, &|of| minutes(of.update_every_minutes)),
        line(rules.public_update_every, &|of| {
            minutes(of.public_update_every_minutes)
        }),
        line(rules.executive_updates, &|of| {
            executive(of.executive_updates)
        }),
        line(texts.on_raise, &|of| word(of.page_on_raise)),
        line(texts.on_reopen, &|of| word(of.page_on_reopen)),
        line(texts.post_mortem, &|of| word(of.post_mortem_required)),
        line(rules.post_mortem_within, &|of| {
            let within = of.post_mortem_within.as_ref();
            limit(within.filter(|_| of.post_mortem_required))
        }),
        line(rules.watched, &|of| minutes(of.watch_minutes)),
    ];
    lines.retain(|line| has_status_page || line.name != rules.public_update_every);
    lines
}

/// Returns a line per threshold of classification, with what each severity needs.
pub(super) fn thresholds(language: Language, rules: &ClassificationRules) -> Vec<PromiseLine> {
    let texts = RuleTexts::of(language);
    let line = |name, [most, many, few, least]: [String; 4]| PromiseLine {
        name,
        values: Severity::ALL
            .into_iter()
            .zip([most, many, few, least])
            .collect(),
    };
    let limited = |text, limit: &str| fill(text, &[("limit", limit)]);
    let none = || texts.none.to_owned();
    let most = percent(language, rules.most_users());
    let many = percent(language, rules.many_users());
    let critical = money(language, rules.critical_revenue());
    let major = money(language, rules.major_revenue());
    vec![
        line(
            texts.users_hit,
            [
                limited(texts.more_than, &most),
                limited(texts.from, &many),
                limited(texts.less_than, &many),
                none(),
            ],
        ),
        line(
            texts.revenue,
            [
                limited(texts.more_than, &critical),
                limited(texts.from, &major),
                none(),
                none(),
            ],
        ),
    ]
}

fn limit_words(language: Language, texts: &RuleTexts, limit: &TimeLimit) -> String {
    let length = match limit.length {
        Length::Minutes(minutes) => span(language, u64::from(minutes) * 60),
        Length::Days(days) => count(language, texts.days, days.into()),
    };
    match &limit.calendar {
        Some(calendar) => fill(
            texts.business_hours,
            &[("time", &length), ("calendar", calendar.as_str())],
        ),
        None => length,
    }
}

/// Writes seconds in the largest units that they fill: `2 h 30 min`.
fn span(language: Language, seconds: u64) -> String {
    let texts = RuleTexts::of(language);
    let parts = [
        (seconds / 3_600, texts.hours),
        (seconds / 60 % 60, texts.minutes),
        (seconds % 60, texts.seconds),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, text)| count(language, text, number))
        .collect();
    match parts.is_empty() {
        true => count(language, texts.seconds, 0),
        false => parts.join(" "),
    }
}

/// Returns a line per rule, in the order of the policy.
pub(super) fn rules(
    language: Language,
    policy: &Policy,
    has_status_page: bool,
) -> Vec<EscalationLine> {
    let texts = RuleTexts::of(language);
    let line = |rule: &EscalationRule| {
        let last = rule.levels.len().saturating_sub(1);
        let levels = rule.levels.iter().enumerate().map(|(place, level)| {
            let mut time = level_words(language, texts, level);
            if let Some(repeat) = rule.repeat.filter(|_| place == last) {
                let every = span(language, u64::from(repeat.every_minutes) * 60);
                let times = count(language, texts.times, repeat.times.into());
                time.push_str(&fill(texts.repeat, &[("every", &every), ("times", &times)]));
            }
            (time, listed(&level.notify))
        });
        EscalationLine {
            name: rule.name.to_string(),
            when: when_words(language, texts, rule),
            levels: levels.collect(),
        }
    };
    let rules = policy.rules.iter();
    let shown = rules.filter(|rule| has_status_page || rule.when != Trigger::PublicUpdate);
    shown.map(line).collect()
}

fn listed(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    names.join(", ")
}

fn when_words(language: Language, texts: &RuleTexts, rule: &EscalationRule) -> String {
    let mut words = texts.condition(rule.when).to_owned();
    if let Some(amount) = rule.at_least {
        let amount = money(language, amount);
        words.push_str(&fill(texts.at_least, &[("amount", &amount)]));
    }
    let severities: Vec<&str> = rule.severities.iter().map(|one| one.name()).collect();
    let environments: Vec<&str> = rule.environments.iter().map(Name::as_str).collect();
    let only = [severities.join(", "), environments.join(", ")];
    let only: Vec<String> = only.into_iter().filter(|text| !text.is_empty()).collect();
    if !only.is_empty() {
        words.push_str(" · ");
        words.push_str(&only.join(" · "));
    }
    words
}

fn level_words(language: Language, texts: &RuleTexts, level: &EscalationLevel) -> String {
    let after = span(language, u64::from(level.after_minutes) * 60);
    let text = match (level.from, level.after_minutes) {
        (CountedFrom::Start, 0) => texts.at_once,
        (CountedFrom::Start, _) => texts.after,
        (CountedFrom::AtRisk, 0) => texts.at_risk,
        (CountedFrom::AtRisk, _) => texts.after_risk,
        (CountedFrom::Deadline, 0) => texts.when_due,
        (CountedFrom::Deadline, _) => texts.after_due,
    };
    fill(text, &[("time", &after)])
}

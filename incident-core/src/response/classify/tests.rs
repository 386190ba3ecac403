//! Classification against a second table, over all combinations of facts, and at its boundaries.

use super::*;
use crate::incident::Level;
use crate::{Currency, Percent};

type Set = fn(&mut ClassificationFacts, Option<bool>);

/// The questions with yes and no, each with the severity of a yes.
const QUESTIONS: [(Set, u8); 11] = [
    (|facts, is| facts.service_down = is, 1),
    (|facts, is| facts.core_action_blocked = is, 1),
    (|facts, is| facts.security_breach = is, 1),
    (|facts, is| facts.critical_feature_down = is, 2),
    (|facts, is| facts.performance_degraded = is, 2),
    (|facts, is| facts.background_jobs_piling_up = is, 2),
    (|facts, is| facts.region_down = is, 2),
    (|facts, is| facts.workaround = is, 3),
    (|facts, is| facts.secondary_feature = is, 3),
    (|facts, is| facts.cosmetic = is, 4),
    // The floor, which is no severity of its own.
    (|facts, is| facts.customer_event_day = is, 9),
];

/// Thresholds, with answers around each of them.
struct Sample {
    rules: ClassificationRules,
    /// Shares of users in parts per million, each with its severity.
    users: [(Option<u32>, u8); 9],
    /// Revenue an hour, each with its severity; 0 for a currency that is not that of the rules.
    revenue: [(Option<(i64, &'static str)>, u8); 9],
}

fn shipped() -> Sample {
    Sample {
        rules: ClassificationRules::default(),
        users: [
            (None, 9),
            (Some(0), 3),
            (Some(1), 3),
            (Some(199_999), 3),
            (Some(200_000), 2),
            (Some(500_000), 2),
            (Some(900_000), 2),
            (Some(900_001), 1),
            (Some(1_000_000), 1),
        ],
        revenue: [
            (None, 9),
            (Some((-5_000_000, "XAF")), 9),
            (Some((0, "XAF")), 9),
            (Some((99_999, "XAF")), 9),
            (Some((100_000, "XAF")), 2),
            (Some((1_000_000, "XAF")), 2),
            (Some((1_000_001, "XAF")), 1),
            // XOF is another franc of the same worth, and another currency.
            (Some((9_000_000, "XOF")), 0),
            (Some((9_000_000, "EUR")), 0),
        ],
    }
}

/// More than 50 % or 20,000.00 EUR, and from 10 % or 2,000.00 EUR on.
fn in_euros() -> Sample {
    let euros = |minor| Money::new(minor, "EUR".parse().unwrap());
    let percent = |whole| Percent::of_whole(whole).unwrap();
    let rules =
        ClassificationRules::new(percent(50), percent(10), euros(2_000_000), euros(200_000));
    Sample {
        rules: rules.unwrap(),
        users: [
            (None, 9),
            (Some(0), 3),
            (Some(99_999), 3),
            (Some(100_000), 2),
            (Some(199_999), 2),
            (Some(500_000), 2),
            (Some(500_001), 1),
            (Some(900_000), 1),
            (Some(1_000_000), 1),
        ],
        revenue: [
            (None, 9),
            (Some((-5_000_000, "EUR")), 9),
            (Some((199_999, "EUR")), 9),
            (Some((200_000, "EUR")), 2),
            (Some((1_000_001, "EUR")), 2),
            (Some((2_000_000, "EUR")), 2),
            (Some((2_000_001, "EUR")), 1),
            (Some((9_000_000, "XAF")), 0),
            (Some((0, "USD")), 0),
        ],
    }
}

const LOSS: [(Option<LossState>, u8); 4] = [
    (None, 9),
    (Some(LossState::None), 9),
    (Some(LossState::Suspected), 1),
    (Some(LossState::Confirmed), 1),
];

/// Every yes or other answer, and a no or silence in turn for the rest.
fn facts(yes: usize, silent: bool) -> (ClassificationFacts, Vec<u8>, usize) {
    let (mut facts, mut severities, mut unanswered) =
        (ClassificationFacts::default(), Vec::new(), 0);
    for (nth, (set, severity)) in QUESTIONS.iter().enumerate() {
        if yes & (1 << nth) != 0 {
            set(&mut facts, Some(true));
            severities.push(*severity);
        } else if (nth % 2 == 0) == silent {
            set(&mut facts, Some(false));
        } else {
            unanswered += 1;
        }
    }
    (facts, severities, unanswered)
}

#[test]
fn every_combination_agrees_with_the_table() {
    for sample in [shipped(), in_euros()] {
        assert_eq!(compared(&sample), 2_048 * 9 * 9 * 4);
    }
}

/// Compares every combination of answers with the table, and returns their number.
fn compared(sample: &Sample) -> usize {
    let event = 1 << 10;
    let mut combinations = 0;
    for yes in 0..1 << QUESTIONS.len() {
        let (base, answers, silent) = facts(yes, yes % 3 == 0);
        for (users, of_users) in sample.users {
            for (revenue, of_revenue) in sample.revenue {
                for (loss, of_loss) in LOSS {
                    combinations += 1;
                    let money = |(minor, code): (i64, &str)| {
                        Money::new(minor, Currency::new(code).unwrap())
                    };
                    let facts = ClassificationFacts {
                        users_hit_percent: users.map(|ppm| Percent::from_ppm(ppm).unwrap()),
                        revenue_per_hour: revenue.map(money),
                        data_loss: loss,
                        ..base.clone()
                    };
                    let found = classify(&facts, &sample.rules);
                    // However bad the rest is: nothing is left out silently.
                    if of_revenue == 0 {
                        let wrong = found.unwrap_err();
                        assert_eq!(wrong.field(), "revenue_per_hour/currency", "{facts:?}");
                        continue;
                    }
                    let mut table = answers.clone();
                    table.extend([of_users, of_revenue, of_loss]);
                    // The lowest number that stands in the table; three where none does.
                    let plain = (1..=4)
                        .find(|severity| table.contains(severity))
                        .unwrap_or(3);
                    let is_event = yes & event != 0;
                    let expected = if is_event && plain > 2 { 2 } else { plain };

                    let found = found.unwrap();
                    let severity = Severity::ALL[usize::from(expected) - 1];
                    assert_eq!(found.severity, severity, "{facts:?}");
                    assert_eq!(found.floor, expected != plain, "{facts:?}");
                    let worst = found.reasons.iter().map(ClassificationReason::severity);
                    assert_eq!(worst.min(), Some(severity), "{facts:?}");
                    let absent = [users.is_none(), revenue.is_none(), loss.is_none()];
                    let absent = absent.into_iter().filter(|is_absent| *is_absent).count();
                    assert_eq!(found.unanswered.len(), silent + absent, "{facts:?}");
                }
            }
        }
    }
    combinations
}

fn codes(facts: &ClassificationFacts) -> Vec<&'static str> {
    let found = classify(facts, &ClassificationRules::default()).unwrap();
    let codes: Vec<&str> = found
        .reasons
        .iter()
        .map(ClassificationReason::code)
        .collect();
    // A rule fires once.
    let distinct: std::collections::BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(distinct.len(), codes.len(), "{codes:?}");
    codes
}

/// Every question has a reason of its own, and each reason names the rule that fired.
#[test]
fn each_yes_is_a_reason() {
    let expected = [
        "service_down",
        "core_action_blocked",
        "security_breach",
        "critical_feature_down",
        "performance_degraded",
        "background_jobs_piling_up",
        "region_down",
        "workaround",
        "secondary_feature",
        "cosmetic",
        "customer_event_day",
    ];
    for ((set, _), code) in QUESTIONS.iter().zip(expected) {
        let mut facts = ClassificationFacts::default();
        set(&mut facts, Some(true));
        assert_eq!(codes(&facts), [code]);
        set(&mut facts, Some(false));
        assert_eq!(codes(&facts), ["no_rule"]);
    }
    for (loss, code) in [
        (LossState::None, "no_rule"),
        (LossState::Suspected, "data_loss_suspected"),
        (LossState::Confirmed, "data_lost"),
    ] {
        let facts = ClassificationFacts {
            data_loss: Some(loss),
            ..ClassificationFacts::default()
        };
        assert_eq!(codes(&facts), [code]);
    }
}

fn sentence(rules: &ClassificationRules, users: Option<u32>, revenue: Option<i64>) -> String {
    let facts = ClassificationFacts {
        users_hit_percent: users.map(|ppm| Percent::from_ppm(ppm).unwrap()),
        revenue_per_hour: revenue.map(|minor| Money::new(minor, rules.currency())),
        ..ClassificationFacts::default()
    };
    let found = classify(&facts, rules).unwrap();
    let first = found.reasons.first().unwrap();
    format!("{} {first}", found.severity)
}

/// Exactly 90 % is not more than 90 %, exactly 20 % is SEV2, and so are exactly 1,000,000 XAF.
#[test]
fn sentences_name_what_was_compared() {
    let rules = ClassificationRules::default();
    for (users, text) in [
        (900_001, "SEV1 90.0001 % of users are hit, more than 90 %"),
        (900_000, "SEV2 90 % of users are hit, at least 20 %"),
        (200_000, "SEV2 20 % of users are hit, at least 20 %"),
        (199_999, "SEV3 19.9999 % of users are hit, less than 20 %"),
    ] {
        assert_eq!(sentence(&rules, Some(users), None), text);
    }
    for (revenue, text) in [
        (
            1_000_001,
            "SEV1 revenue of 1,000,001 XAF an hour is blocked, more than 1,000,000 XAF",
        ),
        (
            1_000_000,
            "SEV2 revenue of 1,000,000 XAF an hour is blocked, at least 100,000 XAF",
        ),
        (
            99_999,
            "SEV3 no rule speaks for another severity, and it is not known to be cosmetic",
        ),
    ] {
        assert_eq!(sentence(&rules, None, Some(revenue)), text);
    }
    let other = ClassificationFacts {
        revenue_per_hour: Some(Money::new(200_000_000, Currency::new("EUR").unwrap())),
        cosmetic: Some(true),
        ..ClassificationFacts::default()
    };
    assert_eq!(
        classify(&other, &rules).unwrap_err().to_string(),
        "revenue_per_hour/currency: expected XAF, the currency of the policy"
    );
}

#[test]
fn sentences_have_the_thresholds_in_force() {
    let rules = in_euros().rules;
    for (users, text) in [
        (500_001, "SEV1 50.0001 % of users are hit, more than 50 %"),
        (500_000, "SEV2 50 % of users are hit, at least 10 %"),
        (100_000, "SEV2 10 % of users are hit, at least 10 %"),
        (99_999, "SEV3 9.9999 % of users are hit, less than 10 %"),
    ] {
        assert_eq!(sentence(&rules, Some(users), None), text);
    }
    for (revenue, text) in [
        (
            2_000_001,
            "SEV1 revenue of 20,000.01 EUR an hour is blocked, more than 20,000.00 EUR",
        ),
        (
            2_000_000,
            "SEV2 revenue of 20,000.00 EUR an hour is blocked, at least 2,000.00 EUR",
        ),
        (
            199_999,
            "SEV3 no rule speaks for another severity, and it is not known to be cosmetic",
        ),
    ] {
        assert_eq!(sentence(&rules, None, Some(revenue)), text);
    }
}

/// Nothing known is no reason to sleep: SEV4 is for what is known to be cosmetic.
#[test]
fn nothing_known_is_sev3_and_every_question_is_open() {
    let found = classify(
        &ClassificationFacts::default(),
        &ClassificationRules::default(),
    )
    .unwrap();
    assert_eq!(found.severity, Severity::Sev3);
    assert_eq!(found.reasons, [ClassificationReason::NoRule]);
    assert_eq!((found.priority, found.floor), (None, false));
    let names = serde_json::to_value(&found.unanswered).unwrap();
    let facts = serde_json::to_value(ClassificationFacts::default()).unwrap();
    let mut fields: Vec<&String> = facts.as_object().unwrap().keys().collect();
    fields.retain(|field| !["impact", "urgency"].contains(&field.as_str()));
    let mut names: Vec<&str> = names
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, fields);
}

#[test]
fn priority_needs_both_levels() {
    let mut facts = ClassificationFacts {
        impact: Some(Level::High),
        ..ClassificationFacts::default()
    };
    let rules = ClassificationRules::default();
    assert_eq!(classify(&facts, &rules).unwrap().priority, None);
    facts.urgency = Some(Level::Medium);
    let found = classify(&facts, &rules).unwrap();
    assert_eq!(found.priority, Some(Priority::P2));
    // The severity does not follow from them.
    assert_eq!(found.severity, Severity::Sev3);
}

#[test]
fn thresholds_are_data_and_unknown_facts_are_refused() {
    let read = |json: &str| serde_json::from_str::<ClassificationRules>(json);
    assert_eq!(read("{}").unwrap(), ClassificationRules::default());
    let euros = r#"{"most_users_percent": "50",
        "critical_revenue_per_hour": {"minor": 200000, "currency": "EUR"},
        "major_revenue_per_hour": {"minor": 20000, "currency": "EUR"}}"#;
    let euros = read(euros).unwrap();
    let written = serde_json::to_string(&euros).unwrap();
    assert_eq!(read(&written).unwrap(), euros);
    let facts: ClassificationFacts = serde_json::from_str(
        r#"{"users_hit_percent": "50.0001", "revenue_per_hour": {"minor": 20000, "currency": "EUR"}}"#,
    )
    .unwrap();
    let found = classify(&facts, &euros).unwrap().reasons;
    let found: Vec<&str> = found.iter().map(ClassificationReason::code).collect();
    assert_eq!(found, ["most_users_hit", "major_revenue"]);
    for (json, field) in [
        (r#"{"many_users_percent": "95"}"#, "many_users_percent: "),
        (r#"{"many_users_percent": "0"}"#, "many_users_percent: "),
        (
            r#"{"major_revenue_per_hour": {"minor": 5, "currency": "EUR"}}"#,
            "major_revenue_per_hour: ",
        ),
        (
            r#"{"major_revenue_per_hour": {"minor": 0, "currency": "XAF"}}"#,
            "major_revenue_per_hour: ",
        ),
        (
            r#"{"critical_revenue_per_hour": {"minor": 99999, "currency": "XAF"}}"#,
            "major_revenue_per_hour: ",
        ),
        (r#"{"few_users_percent": "5"}"#, "`few_users_percent`"),
    ] {
        let wrong = read(json).unwrap_err();
        assert!(wrong.to_string().contains(field), "{json}: {wrong}");
    }
    for unknown in [r#"{"service_up": true}"#, r#"{"service_down": "yes"}"#] {
        assert!(
            serde_json::from_str::<ClassificationFacts>(unknown).is_err(),
            "{unknown}"
        );
    }
}

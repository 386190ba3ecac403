//! The policy that ships.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::CountedFrom::{AtRisk, Deadline, Start};
use super::{
    CountedFrom, EscalationLevel, EscalationRule, ExecutiveUpdates, Policy, Repeat, SeverityPolicy,
    TimeLimit, Trigger,
};
use crate::incident::Severity::{self, Sev1, Sev2, Sev3};
use crate::paging::Urgency;
use crate::response::ClassificationRules;
use crate::{Currency, Money, Name, RuleName, Zone};

impl Default for Policy {
    fn default() -> Self {
        let sev1 = SeverityPolicy {
            page: true,
            page_on_reopen: true,
            page_on_raise: true,
            urgency: Urgency::High,
            accept_within_seconds: Some(60),
            coalesce_after_seconds: None,
            acknowledge_within: Some(TimeLimit::minutes(5)),
            resolve_within: Some(TimeLimit::minutes(2 * 60)),
            update_every_minutes: Some(15),
            public_update_every_minutes: Some(30),
            executive_updates: ExecutiveUpdates::AtStartAndEnd,
            post_mortem_required: true,
            post_mortem_within: Some(TimeLimit::days(7)),
            watch_minutes: Some(60),
        };
        let sev4 = SeverityPolicy {
            page: true,
            page_on_reopen: false,
            page_on_raise: true,
            urgency: Urgency::Low,
            accept_within_seconds: Some(3_600),
            coalesce_after_seconds: None,
            acknowledge_within: None,
            resolve_within: None,
            update_every_minutes: None,
            public_update_every_minutes: None,
            executive_updates: ExecutiveUpdates::Never,
            post_mortem_required: false,
            post_mortem_within: None,
            watch_minutes: None,
        };
        Self {
            sev2: SeverityPolicy {
                acknowledge_within: Some(TimeLimit::minutes(15)),
                resolve_within: Some(TimeLimit::minutes(4 * 60)),
                public_update_every_minutes: Some(60),
                executive_updates: ExecutiveUpdates::Daily,
                ..sev1.clone()
            },
            sev1,
            sev3: SeverityPolicy {
                accept_within_seconds: Some(900),
                acknowledge_within: Some(TimeLimit::minutes(60)),
                resolve_within: Some(TimeLimit::minutes(24 * 60)),
                update_every_minutes: Some(60),
                ..sev4.clone()
            },
            sev4,
            timezone: Zone::UTC,
            at_risk_percent: 75,
            rules: rules(),
            calendars: BTreeMap::new(),
            overrides: Vec::new(),
            classification: ClassificationRules::default(),
        }
    }
}

/// Minutes of a day of 24 hours.
const DAY: u32 = 24 * 60;

/// Levels: the instant from which one is counted, minutes after it, and who is notified.
type Levels<'a> = &'a [(CountedFrom, u32, &'a [&'a str])];

fn rule(name: &str, when: Trigger, severities: &[Severity], levels: Levels<'_>) -> EscalationRule {
    let level = |(from, after_minutes, notify): &(CountedFrom, u32, &[&str])| EscalationLevel {
        from: *from,
        after_minutes: *after_minutes,
        notify: notify.iter().map(|group| Name::made(group)).collect(),
    };
    EscalationRule {
        name: RuleName::made(name),
        when,
        severities: severities.iter().copied().collect(),
        environments: BTreeSet::new(),
        at_least: None,
        levels: levels.iter().map(level).collect(),
        repeat: None,
    }
}

/// Returns the rules that ship: those of the severities first, then those of special conditions.
fn rules() -> Vec<EscalationRule> {
    const ALL: &[Severity] = &[];
    let daily = |times| {
        Some(Repeat {
            every_minutes: DAY,
            times,
        })
    };
    vec![
        rule(
            "sev1-declared",
            Trigger::Declared,
            &[Sev1],
            &[(Start, 0, &["team", "cto"])],
        ),
        rule(
            "sev1-unmitigated",
            Trigger::Unmitigated,
            &[Sev1],
            &[(Start, 30, &["management"])],
        ),
        rule(
            "sev2-declared",
            Trigger::Declared,
            &[Sev2],
            &[(Start, 0, &["lead", "on-call"])],
        ),
        rule(
            "sev2-unresolved",
            Trigger::Unresolved,
            &[Sev2],
            &[(Start, 120, &["management"])],
        ),
        rule(
            "unacknowledged",
            Trigger::Unacknowledged,
            &[Sev1, Sev2, Sev3],
            &[(Deadline, 0, &["backup"]), (Deadline, 10, &["lead"])],
        ),
        rule(
            "unresolved",
            Trigger::Unresolved,
            &[Sev1, Sev2, Sev3],
            &[(AtRisk, 0, &["commander"]), (Deadline, 0, &["lead"])],
        ),
        rule(
            "internal-update",
            Trigger::InternalUpdate,
            ALL,
            &[(Deadline, 0, &["commander"]), (Deadline, 15, &["lead"])],
        ),
        rule(
            "public-update",
            Trigger::PublicUpdate,
            ALL,
            &[(Deadline, 0, &["communicator"])],
        ),
        rule(
            "executive-update",
            Trigger::ExecutiveUpdate,
            ALL,
            &[(Deadline, 0, &["communicator"])],
        ),
        EscalationRule {
            repeat: daily(7),
            ..rule(
                "post-mortem",
                Trigger::PostMortem,
                ALL,
                &[(AtRisk, 0, &["commander"]), (Deadline, 0, &["lead"])],
            )
        },
        rule(
            "watch",
            Trigger::Watch,
            ALL,
            &[(Deadline, 0, &["commander"])],
        ),
        rule(
            "data-leak",
            Trigger::DataLeak,
            ALL,
            &[
                (Start, 0, &["security-officer", "legal"]),
                (AtRisk, 0, &["security-officer", "legal"]),
                (Deadline, 0, &["security-officer", "legal", "management"]),
            ],
        ),
        EscalationRule {
            repeat: daily(7),
            ..rule(
                "data-loss",
                Trigger::DataLoss,
                ALL,
                &[(Start, 0, &["management", "communicator"])],
            )
        },
        EscalationRule {
            at_least: Some(Money {
                minor: 1_000_000,
                currency: Currency::XAF,
            }),
            ..rule(
                "financial-impact",
                Trigger::FinancialImpact,
                ALL,
                &[(Start, 0, &["cfo", "ceo"])],
            )
        },
        rule(
            "customer-event",
            Trigger::CustomerEvent,
            ALL,
            &[(Start, 0, &["success", "support"])],
        ),
    ]
}

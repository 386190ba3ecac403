//! Tests of the linter: each flaw by the smallest policy that has it.

use super::*;
use crate::policy::tables::tests::read;

fn all_served() -> Served {
    Served {
        every_group: true,
        ..Served::default()
    }
}

fn found(json: &str) -> Vec<String> {
    let policy = read(json).unwrap();
    let flaws = lint(&policy, &all_served());
    let shown = flaws.iter().map(|flaw| {
        assert!(flaw.to_string().len() > 20 && !flaw.place().contains("//"));
        format!("{} {}", flaw.code(), flaw.place())
    });
    // The policy that ships notifies the whole team of a SEV1, as the table of the domain says.
    let shipped = "everyone rules/sev1-declared/levels/0";
    shown.filter(|shown| shown != shipped).collect()
}

#[test]
fn the_shipped_policy_has_one_flaw() {
    let flaws = lint(&Policy::default(), &all_served());
    let shown: Vec<String> = flaws.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["notifies everyone at once: team"]);
}

#[test]
fn each_flaw_is_found_where_it_is() {
    let severity = |fields: &str| format!(r#"{{"severities": {{{fields}}}}}"#);
    let rule = |fields: &str| format!(r#"{{"rules": [{{"name": "one", {fields}}}]}}"#);
    let office =
        r#""calendars": {"office": {"timezone": "UTC", "hours": {"monday": ["09:00-18:00"]}}}"#;
    for (json, expected) in [
        ("{}".to_owned(), &[][..]),
        // Holes.
        (
            r#"{"rules": [{"name": "unacknowledged", "enabled": false}]}"#.to_owned(),
            &[
                "unwatched severities/sev1/acknowledge_within",
                "unwatched severities/sev2/acknowledge_within",
                "unwatched severities/sev3/acknowledge_within",
            ],
        ),
        (
            r#"{"rules": [{"name": "watch", "enabled": false}]}"#.to_owned(),
            &[
                "unwatched severities/sev1/watch_minutes",
                "unwatched severities/sev2/watch_minutes",
            ],
        ),
        (
            r#"{"rules": [{"name": "watch", "when": "watch", "environments": ["staging"], "levels": [{"notify": ["lead"]}]}]}"#.to_owned(),
            &[
                "unwatched severities/sev1/watch_minutes",
                "unwatched severities/sev2/watch_minutes",
            ],
        ),
        (
            severity(r#""sev4": {"acknowledge_within": {"minutes": 60}}"#),
            &["unwatched severities/sev4/acknowledge_within"],
        ),
        (
            r#"{"overrides": [{"tenant": "t", "sev4": {"resolve_within": {"days": 3}}}]}"#.to_owned(),
            &["unwatched overrides/0/sev4/resolve_within"],
        ),
        (severity(r#""sev4": {"page": false}"#), &["nobody_else severities/sev4"]),
        (
            severity(r#""sev4": {"urgency": "high"}"#),
            &["wakes severities/sev4/urgency", "nobody_else severities/sev4"],
        ),
        // Two currencies.
        (
            r#"{"classification": {
                "critical_revenue_per_hour": {"minor": 2000000, "currency": "EUR"},
                "major_revenue_per_hour": {"minor": 200000, "currency": "EUR"}}}"#.to_owned(),
            &["other_currency rules/financial-impact/at_least"],
        ),
        (
            rule(r#""when": "financial_impact", "at_least": {"minor": 5, "currency": "EUR"}, "levels": [{"notify": ["x"]}]"#),
            &["other_currency rules/one/at_least"],
        ),
        // A rule without its promise.
        (
            rule(r#""when": "unresolved", "severities": ["sev3", "sev4"], "levels": [{"notify": ["x"]}]"#),
            &["nothing_promised rules/one"],
        ),
        (
            severity(r#""sev1": {"watch_minutes": "never"}, "sev2": {"watch_minutes": "never"}"#),
            &["nothing_promised rules/watch"],
        ),
        // Loops.
        (
            rule(r#""when": "declared", "levels": [{"notify": ["a"]}, {"after_minutes": 5, "notify": ["a"]}]"#),
            &["nobody_new rules/one/levels/1"],
        ),
        (
            rule(r#""when": "declared", "levels": [{"notify": ["a"]}, {"after_minutes": 5, "notify": ["b", "a"]}, {"after_minutes": 9, "notify": ["a"]}]"#),
            &["nobody_new rules/one/levels/2"],
        ),
        (
            rule(r#""when": "data_leak", "levels": [{"notify": ["a"]}, {"from": "deadline", "notify": ["a"]}]"#),
            &[],
        ),
        (
            rule(r#""when": "declared", "levels": [{"notify": ["a"]}], "repeat": {"every_minutes": 60, "times": 744}"#),
            &[],
        ),
        (
            rule(r#""when": "declared", "levels": [{"notify": ["a"]}], "repeat": {"every_minutes": 60, "times": 745}"#),
            &["endless_repeats rules/one/repeat"],
        ),
        // The levels of a SEV2 are in order: its promise is longer.
        (
            rule(r#""when": "unacknowledged", "severities": ["sev1", "sev2"], "levels": [{"after_minutes": 5, "notify": ["a"]}, {"from": "deadline", "notify": ["b"]}]"#),
            &["out_of_order rules/one/levels/1"],
        ),
        // Too many at once.
        (
            rule(r#""when": "declared", "levels": [{"notify": ["everyone"]}]"#),
            &["everyone rules/one/levels/0"],
        ),
        (
            rule(r#""when": "declared", "levels": [{"notify": ["lead", "cto", "management", "backup", "commander", "communicator", "on-call", "legal"]}]"#),
            &["most_groups rules/one/levels/0"],
        ),
        (
            rule(r#""when": "declared", "levels": [{"notify": ["lead", "cto", "management", "backup", "commander", "communicator", "legal"]}]"#),
            &[],
        ),
        // Values that do not fit together.
        (
            severity(r#""sev3": {"urgency": "high"}"#),
            &["wakes severities/sev3/urgency"],
        ),
        (severity(r#""sev3": {"urgency": "high", "page": false}"#), &[]),
        (
            format!(r#"{{{office}, "severities": {{"sev2": {{"resolve_within": {{"minutes": 240, "calendar": "office"}}}}}}}}"#),
            &["office_hours severities/sev2/resolve_within"],
        ),
        (
            format!(r#"{{{office}, "severities": {{"sev3": {{"resolve_within": {{"minutes": 1440, "calendar": "office"}}}}}}}}"#),
            &[],
        ),
        (
            severity(r#""sev1": {"update_every_minutes": 121, "acknowledge_within": {"minutes": 121}}"#),
            &[
                "after_resolution severities/sev1/acknowledge_within",
                "after_resolution severities/sev1/update_every_minutes",
            ],
        ),
        (
            severity(r#""sev1": {"update_every_minutes": 2881, "resolve_within": {"days": 2}}"#),
            &["after_resolution severities/sev1/update_every_minutes"],
        ),
        (severity(r#""sev1": {"update_every_minutes": 120}"#), &[]),
    ] {
        assert_eq!(found(&json), expected, "{json}");
    }
}

#[test]
fn groups_without_a_channel_or_pager_are_found() {
    let policy = read(
        r#"{"rules": [{"name": "one", "when": "declared", "levels": [{"notify": ["cto", "new"]}]}]}"#,
    )
    .unwrap();
    let unserved = |served: &Served| -> Vec<String> {
        let flaws = lint(&policy, served);
        let unserved = flaws.iter().filter(|flaw| flaw.code() == "unserved");
        unserved
            .map(|flaw| format!("{}: {flaw}", flaw.place()))
            .collect()
    };
    assert_eq!(unserved(&all_served()), [""; 0]);
    // Fourteen groups of the shipped rules, and the new one.
    assert_eq!(unserved(&Served::default()).len(), 15);
    let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    let mut groups: BTreeSet<Name> = policy.rules.iter().flat_map(groups_of).cloned().collect();
    groups.remove("cto");
    groups.remove("new");
    let served = Served {
        groups,
        ..Served::default()
    };
    let entries = "no channel and no pager serves it: notices of";
    assert_eq!(
        unserved(&served),
        [
            format!("groups/cto: {entries} sev1-declared, one are timeline entries only"),
            format!("groups/new: {entries} one are timeline entries only"),
        ]
    );
    let by_pager = Served {
        rules: ["one".parse().unwrap()].into(),
        groups: names(&["team"]),
        every_group: false,
    };
    let shown = unserved(&by_pager);
    assert!(!shown.iter().any(|flaw| flaw.starts_with("groups/new")));
    assert!(!shown.iter().any(|flaw| flaw.starts_with("groups/team")));
}

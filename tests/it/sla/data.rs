//! The arithmetic against published histories and their published figures.

use std::collections::BTreeMap;

use incident_core::sla::{Basis, Downtime, IncidentShare, SlaStatement, SlaTerms, statement};
use incident_core::{IncidentId, Percent, TenantId, Timestamp, Window, Windows};
use serde_json::Value;
use uuid::Uuid;

use crate::over_http::harness::shared;
use crate::sla::tables::presets;

pub(crate) const MINUTE_US: u64 = 60_000_000;

pub(crate) fn read(path: &str) -> Option<Value> {
    Some(serde_json::from_str(&shared(path)?).unwrap())
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn percent(text: &str) -> Percent {
    text.parse().unwrap()
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("tenant-fr").unwrap()
}

pub(crate) fn share(n: usize, start: Timestamp, end: Timestamp, weight: Percent) -> IncidentShare {
    IncidentShare {
        incident: IncidentId::from_uuid(Uuid::from_u128(n as u128)),
        outage: Window::non_empty(start, end).into_iter().collect(),
        weight,
        open: false,
    }
}

pub(crate) fn whole(n: usize, start: &str, end: &str) -> IncidentShare {
    share(n, at(start), at(end), Percent::HUNDRED)
}

pub(crate) fn made(terms: &SlaTerms, period: &str, shares: &[IncidentShare]) -> SlaStatement {
    let period = period.parse().unwrap();
    statement(terms, &tenant(), period, shares, None, Timestamp::MAX).unwrap()
}

pub(crate) fn per_month() -> SlaTerms {
    SlaTerms::default().per(Basis::PerMonth).unwrap()
}

/// An incident of the archive, with the window given by `expected.json`.
struct Published {
    start: Timestamp,
    end: Option<Timestamp>,
    impact: String,
    components: Vec<String>,
}

fn github() -> Option<(Value, Vec<Published>)> {
    let (history, expected) = (
        read("github-status/incidents.json")?,
        read("github-status/expected.json")?,
    );
    let rows = expected["incidents"].as_array().unwrap().iter();
    let published = history
        .as_array()
        .unwrap()
        .iter()
        .zip(rows)
        .map(|(incident, row)| {
            assert_eq!(incident["id"], row["id"]);
            let names = incident["components"].as_array().into_iter().flatten();
            Published {
                start: at(row["start"].as_str().unwrap()),
                end: row["end"].as_str().map(at),
                impact: incident["impact"].as_str().unwrap().to_owned(),
                components: names
                    .map(|one| one["name"].as_str().unwrap().to_owned())
                    .collect(),
            }
        });
    let published = published.collect();
    Some((expected, published))
}

/// Returns whether a name contains the words of a component, by the rule of the archive's
/// calculator.
fn names(published: &str, component: &str) -> bool {
    let (name, wanted) = (published.trim().to_lowercase(), component.to_lowercase());
    let name = name.strip_prefix("and ").unwrap_or(&name);
    let word =
        |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    name.match_indices(&wanted).any(|(place, _)| {
        let before = place
            .checked_sub(1)
            .and_then(|place| name.as_bytes().get(place));
        word(before) && word(name.as_bytes().get(place + wanted.len()))
    })
}

#[test]
fn every_published_incident_earns_the_computed_credit() {
    let Some((expected, published)) = github() else {
        return;
    };
    let terms = SlaTerms::default();
    let rows = expected["incidents"].as_array().unwrap();
    let mut compared = 0;
    for (one, row) in published.iter().zip(rows) {
        let Some(end) = one.end else {
            assert!(row["credit_pct"].is_null());
            continue;
        };
        let down = end.since(one.start).as_micros();
        let credit = terms.credit_for(Downtime::of(u64::try_from(down).unwrap()), u64::MAX);
        assert_eq!(
            credit.to_string(),
            row["credit_pct"].to_string(),
            "{}",
            row["id"]
        );
        compared += 1;
    }
    assert_eq!((rows.len(), compared), (917, 914));
}

/// Months by the union of outages: 104 minutes posted ten times are 104 minutes.
#[test]
fn every_month_of_a_published_history_agrees() {
    let Some((expected, published)) = github() else {
        return;
    };
    let terms = per_month();
    let mut months = 0;
    let mut agree = |rows: &Value, wanted: &dyn Fn(&Published) -> bool| {
        let shares: Vec<IncidentShare> = published
            .iter()
            .filter(|one| wanted(one))
            .enumerate()
            .filter_map(|(n, one)| Some(share(n, one.start, one.end?, Percent::HUNDRED)))
            .collect();
        for row in rows.as_array().unwrap() {
            let month = row["month"].as_str().unwrap();
            let made = made(&terms, month, &shares);
            assert_eq!(
                made.outage_ms(),
                row["union_ms"].as_u64().unwrap(),
                "{month}"
            );
            assert_eq!(
                made.target_breached,
                row["breaches_99_9"].as_bool().unwrap(),
                "{month}"
            );
            assert_eq!(
                made.credit_percent.to_string(),
                row["credit_pct_union"].to_string(),
                "{month}"
            );
            let up = made.period_us - made.outage_us;
            let ppm = u128::from(up) * 1_000_000 / u128::from(made.period_us);
            assert_eq!(
                ppm,
                u128::from(row["uptime_ppm"].as_u64().unwrap()),
                "{month}"
            );
            months += 1;
        }
    };
    agree(&expected["monthly_major_and_critical"], &|one| {
        ["major", "critical"].contains(&one.impact.as_str())
    });
    for (component, rows) in expected["monthly_by_component_minor_and_up"]
        .as_object()
        .unwrap()
    {
        agree(rows, &|one| {
            let counts = ["minor", "major", "critical"].contains(&one.impact.as_str());
            counts && one.components.iter().any(|name| names(name, component))
        });
    }
    assert_eq!(months, 249);
}

/// The archive's own calculator: weights by impact, the heaviest of overlapping incidents,
/// quarters, 99.9 and 99.0 %.
#[test]
fn eighty_eight_quarters_of_another_calculator_agree() {
    let Some(history) = read("github-status/incidents.json") else {
        return;
    };
    let Some(theirs) = read("github-status/third_party_sla.json") else {
        return;
    };
    let presets = presets();
    let quarterly = presets.get("github-enterprise").unwrap();
    let snapshot = at("2026-08-22T01:06:03Z");
    let shares = |component: &str| -> Vec<IncidentShare> {
        let hit = history.as_array().unwrap().iter().filter(|one| {
            let mut parts = one["components"].as_array().into_iter().flatten();
            parts.any(|part| names(part["name"].as_str().unwrap(), component))
        });
        let time = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(at);
        hit.enumerate()
            .map(|(n, one)| {
                let updates = one["incident_updates"].as_array().unwrap();
                let resolved = updates.iter().find(|update| update["status"] == "resolved");
                let end = resolved
                    .and_then(|update| time(&update["created_at"]))
                    .or_else(|| time(&one["resolved_at"]))
                    .unwrap_or(snapshot);
                let start = time(&one["started_at"]).or_else(|| time(&one["created_at"]));
                let weight = match one["impact"].as_str().unwrap() {
                    "none" | "maintenance" => "0",
                    "minor" => "25",
                    "major" => "75",
                    "critical" => "100",
                    _ => "50",
                };
                share(n, start.unwrap(), end, percent(weight))
            })
            .collect()
    };
    let rows = theirs.as_array().unwrap();
    for row in rows {
        let (quarter, component) = (
            row["quarter"].as_str().unwrap(),
            row["component"].as_str().unwrap(),
        );
        let made = made(quarterly, quarter, &shares(component));
        let whose = format!("{quarter} {component}");
        let minutes = (made.down.micros() + MINUTE_US / 2) / MINUTE_US;
        assert_eq!(minutes, row["downtime_min"].as_u64().unwrap(), "{whose}");
        assert_eq!(
            made.credit_percent.to_string(),
            row["credit"].to_string(),
            "{whose}"
        );
        // The published value ends a millisecond early and is rounded as a float.
        let shown = row["uptime"].as_f64().unwrap() * 10_000.0;
        let apart = (f64::from(made.availability.rounded().ppm()) - shown).abs();
        assert!(
            apart < 1.2,
            "{whose}: {} and {shown}",
            made.availability_percent
        );
    }
    assert_eq!(rows.len(), 88);
}

#[test]
fn the_outages_that_a_monitor_saw_agree() {
    let (Some(expected), Some(log)) = (
        read("upptime-manticore/expected.json"),
        shared("upptime-manticore/transitions.tsv"),
    ) else {
        return;
    };
    let mut down: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut outages: BTreeMap<&str, Vec<Window>> = BTreeMap::new();
    for line in log.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (time, state, site) = (at(columns[1]), columns[3], columns[4]);
        match state {
            "down" => {
                down.entry(site).or_insert(time);
            }
            _ => {
                if let Some(start) = down.remove(site) {
                    let window = Window::new(start, time).unwrap();
                    outages.entry(site).or_default().push(window);
                }
            }
        }
    }
    let terms = SlaTerms::default();
    let mut compared = 0;
    for (site, row) in expected["sites"].as_object().unwrap() {
        let ours = outages.get(site.as_str()).cloned().unwrap_or_default();
        let theirs = row["outages"].as_array().unwrap();
        assert_eq!(ours.len(), theirs.len(), "{site}");
        for (window, row) in ours.iter().zip(theirs) {
            assert_eq!(
                window.micros() / 1_000,
                row["duration_ms"].as_u64().unwrap(),
                "{site}"
            );
            let credit = terms.credit_for(Downtime::of(window.micros()), u64::MAX);
            assert_eq!(credit.to_string(), row["credit_pct"].to_string(), "{site}");
            compared += 1;
        }
    }
    let all = || outages.values().flatten();
    let union: Windows = all().copied().collect();
    let sum: u64 = all().map(|window| window.micros()).sum();
    assert_eq!(
        union.micros() / 1_000,
        expected["union_any_site_down_ms"].as_u64().unwrap()
    );
    assert_eq!(sum / 1_000, expected["naive_sum_ms"].as_u64().unwrap());
    assert_eq!(compared, 47);
}

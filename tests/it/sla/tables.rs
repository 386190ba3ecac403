//! The arithmetic against published tables, worked examples, and the bugs of other tools.

use std::collections::BTreeMap;
use std::time::Duration;

use incident_core::sla::{
    Availability, Basis, Downtime, IncidentShare, Scale, SlaTerms, Tier, statement,
};
use incident_core::{Name, Percent, Period, PeriodKind, Window, Zone};
use serde_json::Value;

use crate::sla::data::{MINUTE_US, at, made, per_month, percent, read, share, tenant, whole};

/// Converts minutes, which may have decimals, into microseconds exactly.
fn micros(minutes: &Value) -> u64 {
    let text = minutes.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, "0"));
    let decimals: u64 = format!("{decimals:0<6}").parse().unwrap();
    whole.parse::<u64>().unwrap() * MINUTE_US + decimals * 60
}

#[test]
fn worked_examples_of_other_contracts_are_reproduced() {
    let Some(examples) = read("sla/worked_examples.json") else {
        return;
    };
    let terms = SlaTerms::default();
    let examples = examples.as_array().unwrap();
    for example in examples {
        let id = example["id"].as_str().unwrap();
        let credit = |down: u64| terms.credit_for(Downtime::of(down), u64::MAX).to_string();
        if example["good"].is_array() {
            // Occurrences: good of all, as an availability of counted units.
            let sum = |name: &str| -> u64 {
                example[name]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one.as_u64().unwrap())
                    .sum()
            };
            let (good, all) = (sum("good"), sum("total"));
            assert_eq!(
                Availability::new(Downtime::of(all - good), all)
                    .rounded()
                    .to_string(),
                "94.0678",
                "{id}"
            );
            assert_eq!(
                example["printed_uptime"], "94.0677",
                "theirs is cut, not rounded"
            );
            continue;
        }
        if let Some(seconds) = example["seconds"].as_u64() {
            let (start, end) = (
                example["start"].as_str().unwrap(),
                example["end"].as_str().unwrap(),
            );
            let window = Window::new(at(start), at(end)).unwrap();
            assert_eq!(window.micros(), seconds * 1_000_000, "{id}");
            assert_eq!(
                credit(window.micros()),
                example["our_credit"].to_string(),
                "{id}"
            );
            continue;
        }
        let (down, period) = (micros(&example["down_min"]), micros(&example["period_min"]));
        if let Some(ours) = example["our_credit"].as_u64() {
            assert_eq!(credit(down), ours.to_string(), "{id}");
        }
        if let Some(ratio) = example["affected_ratio"].as_f64() {
            // Minutes times the share of affected customers: a weight.
            assert!((ratio - 0.021).abs() < 1e-9);
            let weighed = Downtime::at(down, percent("2.1")).weighted();
            let ratio = weighed / u128::from(period);
            assert_eq!(
                (ratio, &example["printed_credit_ratio"]),
                (48, &Value::from("0.000049")),
                "{id}"
            );
        }
        let Some(printed) = example["printed_uptime"].as_str() else {
            continue;
        };
        let decimals = printed
            .split_once('.')
            .map_or(0, |(_, decimals)| decimals.len());
        let scale = 10_u128.pow(u32::try_from(decimals).unwrap());
        let (up, whole) = (u128::from(period - down) * 100 * scale, u128::from(period));
        let (cut, nearest) = (up / whole, (up * 2 + whole) / (whole * 2));
        let theirs: u128 = printed.replace('.', "").parse().unwrap();
        match id {
            "cragvale-WRONG" => {
                assert_eq!(
                    (nearest, theirs),
                    (9_722, 9_997),
                    "the published one is wrong"
                );
                let presets = presets();
                let credit = presets["cragvale"].credit_for(Downtime::of(down), period);
                assert_eq!(credit, Percent::HUNDRED);
            }
            "elevenlabs-weighted" => assert_eq!((nearest, theirs), (9_875, 9_873)),
            "incident.io" => assert_eq!((cut, theirs), (66, 66)),
            _ => assert_eq!(nearest, theirs, "{id}"),
        }
    }
    assert_eq!(examples.len(), 15);
    // Four incidents in one month: each by itself 10, 10, 10, 25 %; together 50 %.
    let starts = ["2025-10-21", "2025-10-24", "2025-10-28", "2025-10-29"];
    let shares: Vec<IncidentShare> = starts
        .iter()
        .zip([103, 72, 123, 429])
        .enumerate()
        .map(|(n, (day, minutes))| {
            let start = at(&format!("{day}T00:00:00Z"));
            let end = start.saturating_add(Duration::from_secs(minutes * 60));
            share(n, start, end, Percent::HUNDRED)
        })
        .collect();
    let month = made(&per_month(), "2025-10", &shares);
    assert_eq!(
        (
            month.outage_us / MINUTE_US,
            month.credit_percent.to_string()
        ),
        (727, "50".to_owned())
    );
    let each = made(&SlaTerms::default(), "2025-10", &shares);
    let own: Vec<String> = each
        .incidents
        .iter()
        .map(|one| one.own.as_ref().unwrap().credit_percent.to_string())
        .collect();
    assert_eq!(
        (
            own,
            each.uncapped.to_string(),
            each.credit_percent.to_string()
        ),
        (
            ["10", "10", "10", "25"].map(str::to_owned).to_vec(),
            "55".to_owned(),
            "50".to_owned(),
        )
    );
}

/// Returns the tables of other companies that ship as presets.
pub(crate) fn presets() -> BTreeMap<String, SlaTerms> {
    toml::from_str(include_str!("../../../examples/console/presets/sla.toml")).unwrap()
}

#[test]
fn published_tables_can_be_expressed() {
    let presets = presets();
    assert!(presets.len() >= 8);
    let Some(expected) = read("sla/expected.json") else {
        return;
    };
    let theirs = [
        ("aws-s3-2019", "amazon-s3"),
        ("pingpong", "pingpong"),
        ("github-2021", "github-enterprise"),
        ("zus", "zus"),
        ("leonardo", "leonardo"),
    ];
    let (mut compared, mut gaps) = (0, 0);
    for row in expected["tables_compared"].as_array().unwrap() {
        let period = row["days"].as_u64().unwrap() * 1_440 * MINUTE_US;
        let minutes: Value = serde_json::from_str(row["down_min"].as_str().unwrap()).unwrap();
        let down = Downtime::of(micros(&minutes));
        let ours = SlaTerms::default().credit_for(down, period);
        assert_eq!(ours.to_string(), row["ours"].to_string());
        let breached = Availability::new(down, period).misses(percent("99.9"));
        assert_eq!(breached, row["breaches_99_9"].as_bool().unwrap(), "{row}");
        for (id, name) in theirs {
            let credit = presets[name].credit_for(down, period);
            match row[id].as_u64() {
                Some(published) => {
                    assert_eq!(credit.to_string(), published.to_string(), "{id}: {row}")
                }
                None => gaps += 1,
            }
            compared += 1;
        }
    }
    assert!(compared > 250 && gaps > 0, "{compared} {gaps}");
    // Rows as published, for all tables that have complete ones.
    let tables = read("sla/sla_tables.json").unwrap();
    let ids = [
        ("aws-s3-2019", "amazon-s3"),
        ("aws-ec2-instance", "amazon-ec2-instance"),
        ("aws-s3-rtc", "amazon-s3-replication"),
        ("gcp-bigtable-multi", "google-bigtable"),
        ("gcp-interconnect", "google-interconnect"),
        ("travelgatex", "travelgatex"),
        ("github-2021", "github-enterprise"),
        ("azure-style", "azure-style"),
        ("digitalocean-app", "digitalocean-app"),
        ("tidb", "tidb"),
        ("pingpong", "pingpong"),
        ("zus", "zus"),
        ("leonardo", "leonardo"),
        ("cragvale", "cragvale"),
    ];
    for (id, name) in ids {
        let tables = tables["tables"].as_array().unwrap();
        let table = tables.iter().find(|table| table["id"] == id).unwrap();
        let terms = &presets[name];
        assert_eq!(
            terms.target().to_string(),
            table["target"].to_string(),
            "{id}"
        );
        let Scale::ByAvailability(rows) = terms.scale() else {
            panic!("{id} is by availability");
        };
        let theirs = table["tiers"].as_array().unwrap();
        assert_eq!(rows.len(), theirs.len(), "{id}");
        for (ours, row) in rows.iter().zip(theirs) {
            let (bound, inclusive) = match row["below"].is_number() {
                true => (&row["below"], false),
                false => (&row["at_or_below"], true),
            };
            let bound = bound.to_string();
            let bound = bound.strip_suffix(".0").unwrap_or(&bound);
            let ours = (
                ours.bound.to_string(),
                ours.inclusive,
                ours.credit_percent.to_string(),
            );
            assert_eq!(
                ours,
                (bound.to_owned(), inclusive, row["credit"].to_string()),
                "{id}"
            );
        }
    }
}

/// Eight bugs of other tools (`bugs_seen_in_other_tools`), in order.
mod bugs_of_others {
    use super::*;

    const NOVEMBER: &str = "2026-11";

    #[test]
    fn overlapping_incidents_do_not_add_up_to_zero_uptime() {
        // Forty posts of one day: their sum is more than the month.
        let day = |n| whole(n, "2026-11-12T00:00:00Z", "2026-11-13T00:00:00Z");
        let made = made(
            &per_month(),
            NOVEMBER,
            &(0..40).map(day).collect::<Vec<_>>(),
        );
        assert_eq!(made.availability_percent, "96.6667");
    }

    #[test]
    fn overlapping_downtime_is_not_counted_twice() {
        let made = made(
            &per_month(),
            NOVEMBER,
            &[
                whole(1, "2026-11-12T10:00:00Z", "2026-11-12T10:40:00Z"),
                whole(2, "2026-11-12T10:20:00Z", "2026-11-12T10:44:00Z"),
            ],
        );
        assert_eq!(
            (made.outage_us / MINUTE_US, made.credit_percent),
            (44, Percent::ZERO)
        );
    }

    #[test]
    fn availability_is_never_below_nothing() {
        let long = whole(1, "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
        let made = made(&per_month(), NOVEMBER, &[long]);
        assert_eq!(
            (made.availability.rounded(), made.outage_us),
            (Percent::ZERO, made.period_us)
        );
    }

    #[test]
    fn what_lies_outside_the_period_is_not_counted() {
        let long = whole(1, "2026-10-31T23:00:00Z", "2026-11-01T00:30:00Z");
        let of =
            |period| made(&per_month(), period, std::slice::from_ref(&long)).outage_us / MINUTE_US;
        assert_eq!((of("2026-10"), of(NOVEMBER), of("2026-12")), (60, 30, 0));
    }

    #[test]
    fn a_clock_that_steps_back_gives_no_more_than_everything() {
        let reversed = whole(1, "2026-11-12T11:00:00Z", "2026-11-12T10:00:00Z");
        let made = made(&per_month(), NOVEMBER, &[reversed]);
        assert_eq!(
            (made.availability.rounded(), made.outage_us),
            (Percent::HUNDRED, 0)
        );
    }

    #[test]
    fn an_outage_lasts_to_its_end_and_not_to_the_last_failed_probe() {
        // Failed at 10:00, 10:01, 10:02; up at 10:03: three minutes.
        let probed = whole(1, "2026-11-12T10:00:00Z", "2026-11-12T10:03:00Z");
        assert_eq!(
            made(&per_month(), NOVEMBER, &[probed]).outage_us,
            3 * MINUTE_US
        );
    }

    #[test]
    fn a_figure_is_of_the_period_that_it_names() {
        let earlier = whole(1, "2026-09-12T10:00:00Z", "2026-09-12T20:00:00Z");
        let shares = [earlier];
        assert_eq!(
            made(&per_month(), NOVEMBER, &shares).credit_percent,
            Percent::ZERO
        );
        let quarter = made(
            &SlaTerms::default().per(Basis::PerQuarter).unwrap(),
            "2026-Q4",
            &shares,
        );
        assert_eq!(
            (quarter.outage_us, quarter.period_us / MINUTE_US),
            (0, 92 * 1_440)
        );
    }

    #[test]
    fn the_zone_is_that_of_the_contract_and_not_of_the_machine() {
        let night = [whole(1, "2026-10-01T01:00:00Z", "2026-10-01T03:00:00Z")];
        let of = |zone: &str, period: &str| {
            let terms = SlaTerms::default()
                .per(Basis::PerQuarter)
                .unwrap()
                .in_zone(zone.parse().unwrap());
            made(&terms, period, &night).outage_us / MINUTE_US
        };
        assert_eq!((of("UTC", "2026-Q3"), of("UTC", "2026-Q4")), (0, 120));
        assert_eq!(
            (
                of("America/New_York", "2026-Q3"),
                of("America/New_York", "2026-Q4")
            ),
            (120, 0)
        );
    }
}

/// Exactly 45 minutes, per incident or over midnight of a month, in whole minutes, in maintenance:
/// excluded time is shown and not lost.
#[test]
fn what_terms_leave_out_is_told_in_the_derivation() {
    let terms: SlaTerms = toml::from_str(
        r#"
        target_percent = "99.9"
        version = "gold-3"
        basis = "per_month"
        timezone = "Europe/Paris"
        minimum_outage_seconds = 300
        whole_minutes = true
        partial_weight_percent = "30"
        cap_percent = "20"
        tiers = [{ from_minutes = 0, credit_percent = "0" }, { from_minutes = 45, credit_percent = "25" }]
        exclusions = [{ start = "2026-11-10T02:00:00Z", end = "2026-11-10T04:00:00Z", reason = "upgrade" }]
        "#,
    )
    .unwrap();
    let third = percent("30");
    let shares = [
        whole(1, "2026-11-10T01:30:00Z", "2026-11-10T02:30:00Z"),
        whole(2, "2026-11-11T00:00:00Z", "2026-11-11T00:04:59Z"),
        whole(3, "2026-11-12T00:00:00Z", "2026-11-12T00:10:30Z"),
        share(
            4,
            at("2026-11-13T00:00:00Z"),
            at("2026-11-13T00:50:00Z"),
            third,
        ),
    ];
    let fee = serde_json::from_str(r#"{"minor": 9995, "currency": "EUR"}"#).unwrap();
    let period = "2026-11".parse().unwrap();
    let made = statement(
        &terms,
        &tenant(),
        period,
        &shares,
        Some(fee),
        at("2026-12-01T00:00:00Z"),
    )
    .unwrap();
    // 30 before the upgrade, 10 whole ones, 0.3 x 50: 55 weighed minutes.
    assert_eq!(made.down.micros(), 55 * MINUTE_US);
    assert_eq!(made.outage_us, 90 * MINUTE_US);
    assert_eq!(
        (made.uncapped.to_string(), made.credit_percent.to_string()),
        ("25".to_owned(), "20".to_owned())
    );
    assert_eq!(made.amount.unwrap().minor, 1_999);
    assert!(!made.provisional);
    insta::assert_snapshot!(made.derivation().join("\n"));
}

#[test]
fn invalid_terms_name_the_field() {
    let base = "target_percent = \"99.9\"\nversion = \"x\"\n";
    let tiers = "tiers = [{ from_minutes = 0, credit_percent = \"0\" }]\n";
    for (more, named) in [
        ("", "tiers"),
        (
            "tiers = [{ from_minutes = 0, credit_percent = \"-5\" }]",
            "percent",
        ),
        (
            "tiers = [{ from_minutes = 0, credit_percent = \"101\" }]",
            "percent",
        ),
        (
            "tiers = [{ from_minutes = 0, credit_percent = \"10\" }, { from_minutes = 9, credit_percent = \"5\" }]",
            "tiers/1/credit_percent",
        ),
        // M6: an availability refers to a period.
        (
            "availability_tiers = [{ below_percent = \"99\", credit_percent = \"5\" }]",
            "basis",
        ),
        (
            "basis = \"per_incident\"\navailability_tiers = [{ below_percent = \"99\", credit_percent = \"5\" }]",
            "per_month, per_quarter or per_year",
        ),
        (
            "availability_tiers = [{ credit_percent = \"5\" }]",
            "below_percent",
        ),
        (
            "availability_tiers = [{ below_percent = \"99\", credit_percent = \"5\" }, { below_percent = \"99.9\", credit_percent = \"10\" }]",
            "availability_tiers/1",
        ),
        (
            &format!(
                "{tiers}availability_tiers = [{{ below_percent = \"99\", credit_percent = \"5\" }}]"
            ),
            "availability_tiers",
        ),
        (&format!("{tiers}timezone = \"CEST\""), "timezone"),
        (&format!("{tiers}basis = \"per_week\""), "per_week"),
        (
            &format!(
                "{tiers}valid_from = \"2026-02-01T00:00:00Z\"\nvalid_until = \"2026-01-01T00:00:00Z\""
            ),
            "valid_until",
        ),
        (
            &format!(
                "{tiers}exclusions = [{{ start = \"2026-02-01T00:00:00Z\", end = \"2026-02-01T00:00:00Z\", reason = \"\" }}]"
            ),
            "exclusions/0",
        ),
        (
            &format!(
                "{tiers}exclusions = [{{ start = \"2026-02-01T00:00:00Z\", end = \"2026-02-02T00:00:00Z\", reason = \"\" }}, {{ start = \"2026-02-01T23:00:00Z\", end = \"2026-02-03T00:00:00Z\", reason = \"\" }}]"
            ),
            "exclusions/1",
        ),
    ] {
        let error = toml::from_str::<SlaTerms>(&format!("{base}{more}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{more}: {error}");
    }
}

#[test]
fn terms_come_back_as_they_were_written() {
    for (name, terms) in presets() {
        let json = serde_json::to_string(&terms).unwrap();
        assert_eq!(
            serde_json::from_str::<SlaTerms>(&json).unwrap(),
            terms,
            "{name}"
        );
    }
    let tier = |from_minutes, text| Tier {
        from_minutes,
        credit_percent: percent(text),
    };
    let plain =
        SlaTerms::new(percent("99.5"), vec![tier(0, "5")], Name::new("x").unwrap()).unwrap();
    assert_eq!(
        (plain.basis(), plain.zone(), plain.cap().to_string()),
        (Basis::PerIncident, Zone::UTC, "5".to_owned())
    );
    assert_eq!(PeriodKind::Month, plain.basis().period());
    let period: Period = "2026-11".parse().unwrap();
    assert_eq!(period.window(plain.zone()).micros(), 30 * 1_440 * MINUTE_US);
}

//! Derivations, recomputed from their own text: the lines alone are enough to get the same figures
//! by hand.

use std::time::Duration;

use incident_core::sla::{
    AvailabilityTier, Basis, Exclusion, IncidentShare, Scale, SlaStatement, SlaTerms, Tier,
    statement,
};
use incident_core::{
    Currency, IncidentId, Money, Name, Percent, Period, TenantId, Text, Timestamp, Window, Windows,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::over_http::harness::at;

/// Parses a length of time into picoseconds.
fn time(text: &str) -> u128 {
    let words: Vec<&str> = text.split(' ').collect();
    assert!(
        !words.is_empty() && words.len().is_multiple_of(2),
        "no length of time: {text:?}"
    );
    let pairs = words.chunks(2);
    let sum = pairs.map(|pair| {
        let unit = match pair[1] {
            "h" => 3_600,
            "min" => 60,
            "s" => 1,
            other => panic!("no unit: {other:?} in {text:?}"),
        };
        let (whole, fraction) = pair[0].split_once('.').unwrap_or((pair[0], ""));
        let seconds: u128 = whole.parse().unwrap();
        let fraction: u128 = format!("{fraction:0<12}").parse().unwrap();
        unit * (seconds * 1_000_000_000_000 + fraction)
    });
    sum.sum()
}

/// Parses a percentage into parts per million.
fn ppm(text: &str) -> u128 {
    let number = text
        .strip_suffix(" %")
        .unwrap_or_else(|| panic!("no percentage: {text:?}"));
    number.parse::<Percent>().unwrap().ppm().into()
}

/// Parses an amount into minor units and the number of decimals.
fn money(text: &str) -> (i128, usize) {
    let (number, _) = text.split_once(' ').unwrap();
    let decimals = number
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    (number.replace([',', '.'], "").parse().unwrap(), decimals)
}

/// Checks `A + B x 30 % = C`, or a single `A = A`, and returns the result.
fn weighed(text: &str) -> u128 {
    let (parts, sum) = text.rsplit_once(" = ").unwrap();
    let parts = parts.split(" + ").map(|part| match part.split_once(" x ") {
        Some((length, weight)) => time(length) * ppm(weight) / 1_000_000,
        None => time(part),
    });
    let computed: u128 = parts.sum();
    assert_eq!(computed, time(sum), "{text}");
    computed
}

/// Returns the credit of a table's row, after checking that the counted time or the availability
/// reaches it.
fn row(text: &str, down: u128, period: u128) -> u128 {
    if text == "no row of the table is reached: 0 %" {
        return 0;
    }
    let (bound, credit) = text.split_once(": ").unwrap();
    let up = (period - down) * 1_000_000;
    if let Some(minutes) = bound.strip_suffix(" or more") {
        assert!(time(minutes) <= down && down > 0, "{text}");
    } else if let Some(bound) = bound.strip_prefix("at or below ") {
        assert!(up <= ppm(bound) * period, "{text}");
    } else {
        assert!(
            up < ppm(bound.strip_prefix("below ").unwrap()) * period,
            "{text}"
        );
    }
    ppm(credit)
}

/// Subtracts the lengths after ` - ` from the first one, and returns the rest.
fn taken_off(text: &str) -> u128 {
    let mut parts = text.split(" - ");
    let first = time(parts.next().unwrap());
    parts.fold(first, |left, part| {
        let part = part.strip_suffix(" in maintenance").unwrap_or(part);
        left - time(part.strip_suffix(" too short to count").unwrap_or(part))
    })
}

/// Computes the credit and the amount from the lines of a derivation.
fn computed_again(lines: &[String]) -> (u128, Option<i128>) {
    let mut lines = lines.iter().map(String::as_str).peekable();
    let head = lines.next().unwrap();
    let (_, rest) = head.split_once(" has ").unwrap();
    let (length, promised) = rest.split_once("; terms ").unwrap();
    let period = time(length);
    let target = ppm(promised.split_once(", target ").unwrap().1);
    let mut sum = 0;
    while let Some(line) = lines.next_if(|line| line.starts_with("incident ")) {
        sum += time(line.split_once(": ").unwrap().1);
    }
    let together = lines.next().unwrap().strip_prefix("total: ").unwrap();
    let mut left = match together.split_once(" that overlap = ") {
        Some((difference, joined)) => {
            assert!(
                difference.starts_with(&format!("{} - ", difference.split(" - ").next().unwrap()))
            );
            assert_eq!(
                time(difference.split(" - ").next().unwrap()),
                sum,
                "{together}"
            );
            assert_eq!(taken_off(difference), time(joined), "{together}");
            time(joined)
        }
        None => {
            assert_eq!(time(together), sum, "{together}");
            sum
        }
    };
    while let Some(line) = lines.next_if(|line| line.starts_with("minus ")) {
        let (difference, result) = line.split_once(": ").unwrap().1.split_once(" = ").unwrap();
        assert_eq!(
            time(difference.split(" - ").next().unwrap()),
            left,
            "{line}"
        );
        assert_eq!(taken_off(difference), time(result), "{line}");
        left = time(result);
    }
    let mut down = left;
    if let Some(line) = lines.next_if(|line| line.starts_with("weighted: ")) {
        let terms = line.strip_prefix("weighted: ").unwrap();
        let whole: u128 = terms
            .rsplit_once(" = ")
            .unwrap()
            .0
            .split(" + ")
            .map(|part| time(part.split(" x ").next().unwrap()))
            .sum();
        assert_eq!(whole, left, "{line}");
        down = weighed(terms);
    }
    let line = lines.next().unwrap();
    let rest = line.strip_prefix("availability: (").unwrap();
    let (difference, rest) = rest.split_once(") / ").unwrap();
    assert_eq!(
        time(difference.split_once(" - ").unwrap().0),
        period,
        "{line}"
    );
    assert_eq!(
        time(difference.split_once(" - ").unwrap().1),
        down,
        "{line}"
    );
    let (whole, rest) = rest.split_once(" = ").unwrap();
    assert_eq!(time(whole), period, "{line}");
    let (shown, rest) = rest.split_once(" %; the target of ").unwrap();
    let (promised, verdict) = rest.split_once(" is ").unwrap();
    assert_eq!(ppm(promised), target, "{line}");
    let missed = (period - down) * 1_000_000 < target * period;
    assert_eq!(verdict, if missed { "missed" } else { "met" }, "{line}");
    // The displayed value is on the side of the verdict, and less than one unit off.
    let decimals = u32::try_from(shown.split_once('.').unwrap().1.len()).unwrap();
    let units: u128 = shown.replace('.', "").parse().unwrap();
    let scale = 10_u128.pow(decimals);
    assert_eq!(units * 10_000 < target * scale, missed, "{line}");
    let exact = (period - down) / 1_000_000 * 100 * scale;
    assert!(
        (units * (period / 1_000_000)).abs_diff(exact) < period / 1_000_000 * 2,
        "{line}"
    );

    let mut own = Vec::new();
    while let Some(line) = lines.next_if(|line| line.starts_with("credit of incident ")) {
        let (times, table) = line.split_once(": ").unwrap().1.split_once("; ").unwrap();
        let (net, weights) = match times.split_once(", weighted: ") {
            Some((net, weights)) => (net, Some(weights)),
            None => (times, None),
        };
        let counted = match net.split_once(" = ") {
            Some((difference, result)) => {
                assert_eq!(taken_off(difference), time(result), "{line}");
                time(result)
            }
            None => time(net),
        };
        own.push(row(table, weights.map_or(counted, weighed), period));
    }
    let line = lines.next().unwrap();
    let mut credit = if line.starts_with("no incident ended in ") {
        assert!(own.is_empty());
        0
    } else if let Some(one) = line.strip_prefix("credit: ") {
        assert_eq!(own, [ppm(one)], "{line}");
        ppm(one)
    } else if let Some(sum) = line.strip_prefix("total credits: ") {
        let (parts, result) = match sum.split_once(", capped at ") {
            Some((parts, _)) => (parts, 1_000_000),
            None => {
                let (parts, result) = sum.split_once(" = ").unwrap();
                (parts, ppm(result))
            }
        };
        let parts: Vec<u128> = parts.split(" + ").map(ppm).collect();
        assert_eq!(parts, own, "{line}");
        assert_eq!(parts.iter().sum::<u128>().min(1_000_000), result, "{line}");
        result
    } else {
        row(line, down, period)
    };
    if let Some(line) = lines.next_if(|line| line.starts_with("capped at ")) {
        let (cap, capped) = line
            .strip_prefix("capped at ")
            .unwrap()
            .split_once(" of the fee: ")
            .unwrap();
        assert_eq!(credit.min(ppm(cap)), ppm(capped), "{line}");
        credit = ppm(capped);
    }
    let amount = lines
        .next_if(|line| line.ends_with(", rounded half to even"))
        .map(|line| {
            let (percent, rest) = line.split_once(" of ").unwrap();
            let (fee, rest) = rest.split_once(" = ").unwrap();
            let amount = rest.strip_suffix(", rounded half to even").unwrap();
            assert_eq!(ppm(percent), credit, "{line}");
            let (fee, decimals) = money(fee);
            let (amount, same) = money(amount);
            assert_eq!(decimals, same, "{line}");
            let (exact, rounded) = (fee * credit as i128, amount * 1_000_000);
            let off = (exact - rounded).abs();
            assert!(off < 500_000 || off == 500_000 && amount % 2 == 0, "{line}");
            amount
        });
    let last = lines.next();
    assert!(
        last.is_none() || last == Some("provisional: the period or an incident is not over"),
        "{last:?}"
    );
    assert_eq!(lines.next(), None);
    (credit, amount)
}

fn check(made: &SlaStatement) {
    let lines = made.derivation();
    let (credit, amount) = computed_again(&lines);
    assert_eq!(credit, u128::from(made.credit_percent.ppm()), "{lines:#?}");
    let minor = made.amount.map(|one| i128::from(one.minor));
    assert_eq!(amount, minor, "{lines:#?}");
}

fn minute(n: u64, micros: u64) -> Timestamp {
    at("2026-10-30T00:00:00Z").saturating_add(Duration::from_micros(n * 60_000_000 + micros))
}

fn window(start: u64, micros: u64, length: u64) -> Option<Window> {
    Window::non_empty(minute(start, micros), minute(start, micros + length))
}

#[derive(Clone, Debug)]
struct Case {
    basis: Basis,
    by_availability: bool,
    minimum: u64,
    whole_minutes: bool,
    upkeep: Vec<(u64, u64)>,
    outages: Vec<(u64, u64, u64, u32, u64)>,
    cap: Option<u32>,
    fee: Option<(i64, &'static str)>,
}

fn case() -> impl Strategy<Value = Case> {
    let basis = prop::sample::select(vec![
        Basis::PerIncident,
        Basis::PerMonth,
        Basis::PerQuarter,
        Basis::PerYear,
    ]);
    let length = prop_oneof![
        0_u64..200_000_000,
        (0_u64..900).prop_map(|n| n * 60_000_000),
        Just(45 * 60_000_000 - 1)
    ];
    let weight = prop_oneof![3 => Just(1_000_000_u32), 1 => 0_u32..=1_000_000];
    let outage = (0_u64..50_000, 0_u64..60_000_000, length, weight, 0_u64..4);
    let fee = (
        0_i64..1_000_000_000,
        prop::sample::select(vec!["EUR", "JPY", "KWD"]),
    );
    (
        (basis, any::<bool>(), 0_u64..900, any::<bool>()),
        prop::collection::vec((0_u64..50_000, 1_u64..400), 0..3),
        prop::collection::vec(outage, 0..7),
        prop::option::of(0_u32..60),
        prop::option::of(fee),
    )
        .prop_map(
            |((basis, by_availability, minimum, whole_minutes), upkeep, outages, cap, fee)| Case {
                basis,
                by_availability: by_availability && basis != Basis::PerIncident,
                minimum,
                whole_minutes,
                upkeep,
                outages,
                cap,
                fee,
            },
        )
}

impl Case {
    fn terms(&self) -> Option<SlaTerms> {
        let percent = |whole| Percent::of_whole(whole).unwrap();
        let scale = if self.by_availability {
            let row = |bound: &str, inclusive, credit| AvailabilityTier {
                bound: bound.parse().unwrap(),
                inclusive,
                credit_percent: percent(credit),
            };
            Scale::by_availability(vec![row("99.9", false, 10), row("99.5", true, 25)])
        } else {
            let tier = |from_minutes, credit| Tier {
                from_minutes,
                credit_percent: percent(credit),
            };
            Scale::by_outage(vec![tier(0, 1), tier(45, 10), tier(240, 40)])
        };
        let upkeep = self.upkeep.iter().map(|(start, length)| Exclusion {
            start: minute(*start, 0),
            end: minute(start + length, 0),
            reason: Text::default(),
        });
        let version = Name::new("gold: v 1").unwrap();
        let mut terms = SlaTerms::with_scale("99.9".parse().unwrap(), scale.unwrap(), version)
            .per(self.basis)
            .unwrap()
            .counting_from(Duration::from_secs(self.minimum))
            // Overlapping windows are refused; another test covers that.
            .excluding(upkeep.collect())
            .ok()?;
        if self.whole_minutes {
            terms = terms.in_whole_minutes();
        }
        if let Some(cap) = self.cap {
            terms = terms.capped_at(percent(cap));
        }
        Some(terms)
    }

    fn made(&self) -> Option<SlaStatement> {
        let terms = self.terms()?;
        let shares: Vec<IncidentShare> = self
            .outages
            .iter()
            .map(|(start, micros, length, weight, incident)| IncidentShare {
                // Some of them belong to the same incident.
                incident: IncidentId::from_uuid(Uuid::from_u128(u128::from(*incident))),
                outage: window(*start, *micros, *length)
                    .into_iter()
                    .collect::<Windows>(),
                weight: Percent::from_ppm(*weight).unwrap(),
                open: false,
            })
            .collect();
        let period = Period::of_month("2026-11".parse().unwrap(), self.basis.period());
        let fee = self.fee.map(|(minor, code)| Money {
            minor,
            currency: Currency::new(code).unwrap(),
        });
        let tenant = TenantId::new("tenant-fr").unwrap();
        Some(statement(&terms, &tenant, period, &shares, fee, Timestamp::MAX).unwrap())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    /// M9, M12: every step follows from the previous one with the displayed figures.
    #[test]
    fn a_derivation_is_computed_again_from_its_own_text(case in case()) {
        if let Some(made) = case.made() {
            check(&made);
        }
    }
}

/// M12, as in the trial: two overlapping incidents, and maintenance in one of them.
#[test]
fn gross_and_net_are_distinguished() {
    let terms = SlaTerms::default()
        .per(Basis::PerMonth)
        .unwrap()
        .excluding(vec![Exclusion {
            start: at("2026-11-10T12:00:00Z"),
            end: at("2026-11-10T12:30:00Z"),
            reason: Text::default(),
        }])
        .unwrap();
    let share = |n, start: &str, end: &str| IncidentShare {
        incident: IncidentId::from_uuid(Uuid::from_u128(n)),
        outage: Windows::from(Window::new(at(start), at(end)).unwrap()),
        weight: Percent::HUNDRED,
        open: false,
    };
    let shares = [
        share(1, "2026-11-10T10:00:00Z", "2026-11-10T12:00:00Z"),
        share(2, "2026-11-10T11:30:00Z", "2026-11-10T14:30:00Z"),
    ];
    let fee = Money {
        minor: 123_455,
        currency: Currency::new("EUR").unwrap(),
    };
    let (tenant, period) = (
        TenantId::new("tenant-fr").unwrap(),
        "2026-11".parse().unwrap(),
    );
    let made = statement(&terms, &tenant, period, &shares, Some(fee), Timestamp::MAX).unwrap();
    check(&made);
    insta::assert_snapshot!(made.derivation().join("\n"));
}

/// Returns the example of a basis in `docs/sla.md`.
fn walk(basis: Basis) -> SlaStatement {
    let text = match basis {
        Basis::PerIncident => {
            r#"cap_percent = "25"
            tiers = [{ from_minutes = 0, credit_percent = "0" }, { from_minutes = 45, credit_percent = "10" },
                     { from_minutes = 240, credit_percent = "25" }]
            exclusions = [{ start = "2026-11-12T02:00:00Z", end = "2026-11-12T02:30:00Z", reason = "upgrade" }]"#
        }
        Basis::PerMonth => {
            r#"basis = "per_month"
            timezone = "Europe/Paris"
            partial_weight_percent = "30"
            tiers = [{ from_minutes = 0, credit_percent = "0" }, { from_minutes = 45, credit_percent = "10" },
                     { from_minutes = 240, credit_percent = "25" }]
            exclusions = [{ start = "2026-11-12T02:00:00Z", end = "2026-11-12T02:30:00Z", reason = "upgrade" }]"#
        }
        Basis::PerQuarter => {
            r#"basis = "per_quarter"
            availability_tiers = [{ below_percent = "99.9", credit_percent = "5" },
                                  { below_percent = "99.5", credit_percent = "15" }]"#
        }
        Basis::PerYear => {
            r#"basis = "per_year"
            minimum_outage_seconds = 300
            tiers = [{ from_minutes = 0, credit_percent = "0" }, { from_minutes = 300, credit_percent = "5" }]"#
        }
    };
    let terms: SlaTerms = toml::from_str(&format!(
        "target_percent = \"99.9\"\nversion = \"gold-1\"\n{text}"
    ))
    .unwrap();
    let share = |n: u128, start: &str, end: &str, weight: Percent| IncidentShare {
        incident: IncidentId::from_uuid(Uuid::from_u128(n)),
        outage: Windows::from(Window::new(at(start), at(end)).unwrap()),
        weight,
        open: false,
    };
    let shares = [
        share(
            1,
            "2026-10-31T23:30:00Z",
            "2026-11-01T00:15:00Z",
            Percent::HUNDRED,
        ),
        share(
            2,
            "2026-11-12T00:00:00Z",
            "2026-11-12T04:10:00Z",
            Percent::HUNDRED,
        ),
        share(
            3,
            "2026-11-12T04:00:00Z",
            "2026-11-12T05:00:00Z",
            terms.partial_weight(),
        ),
        share(
            4,
            "2026-11-20T10:00:00Z",
            "2026-11-20T10:04:59Z",
            Percent::HUNDRED,
        ),
    ];
    let fee = Money {
        minor: 123_455,
        currency: Currency::new("EUR").unwrap(),
    };
    let period = Period::of_month("2026-11".parse().unwrap(), basis.period());
    let tenant = TenantId::new("tenant-fr").unwrap();
    statement(&terms, &tenant, period, &shares, Some(fee), Timestamp::MAX).unwrap()
}

/// The guide shows one derivation of each basis, exactly as computed.
#[test]
fn the_guide_walks_through_each_basis() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/sla.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let bases = [
        Basis::PerIncident,
        Basis::PerMonth,
        Basis::PerQuarter,
        Basis::PerYear,
    ];
    let missing = bases.into_iter().filter_map(|basis| {
        let made = walk(basis);
        check(&made);
        let lines = made.derivation().join("\n");
        (!guide.contains(&lines)).then_some(lines)
    });
    let missing: Vec<String> = missing.collect();
    assert!(
        missing.is_empty(),
        "docs/sla.md lacks:\n{}",
        missing.join("\n\n")
    );
}

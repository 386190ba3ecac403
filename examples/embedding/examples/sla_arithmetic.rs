//! SLA arithmetic without a server, a database or async code.
//!
//! Run with `cargo run -p incident-embedding --example sla_arithmetic`.

use incident_core::incident::AffectedTenant;
use incident_core::sla::{CreditRow, SlaTerms, Tier, credit_rows};
use incident_core::{Name, Percent, TenantId, Timestamp, ValidationError, Window, Windows};

/// Returns terms with a target of 99.5 %, and a credit of 5 % of the fee from the first hour on.
fn contract() -> Result<SlaTerms, ValidationError> {
    let tiers = vec![
        Tier {
            from_minutes: 0,
            credit_percent: "0".parse()?,
        },
        Tier {
            from_minutes: 60,
            credit_percent: "5".parse()?,
        },
        Tier {
            from_minutes: 600,
            credit_percent: "12.5".parse()?,
        },
    ];
    SlaTerms::new("99.5".parse()?, tiers, Name::new("gold-2026")?)
}

/// Returns two overlapping windows of one outage: their union counts, not their sum.
fn outage() -> Result<Windows, ValidationError> {
    let at = |text: &str| text.parse::<Timestamp>();
    Ok([
        Window::new(at("2026-11-20T22:00:00Z")?, at("2026-11-20T22:40:00Z")?)?,
        Window::new(at("2026-11-20T22:20:00Z")?, at("2026-11-20T23:00:00Z")?)?,
    ]
    .into_iter()
    .collect())
}

fn row<'a>(
    terms: &SlaTerms,
    hit: &'a [AffectedTenant],
) -> Result<Option<CreditRow<'a>>, ValidationError> {
    let outage = outage()?;
    Ok(credit_rows(terms, &outage, Percent::HUNDRED, hit, Timestamp::MIN).next())
}

fn main() -> Result<(), ValidationError> {
    let hit = [AffectedTenant::whole(TenantId::new("tenant-fr")?)];
    for (name, terms) in [("default", SlaTerms::default()), ("gold", contract()?)] {
        if let Some(row) = row(&terms, &hit)? {
            println!(
                "{name}: {} minutes in {}, availability {} %, target {} % {}, credit {} %",
                row.outage_minutes(),
                row.period,
                terms.format_availability(row.availability),
                terms.target(),
                if row.target_breached {
                    "breached"
                } else {
                    "met"
                },
                row.credit_percent,
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_ten_percent_by_default_and_five_by_contract() {
        let hit = [AffectedTenant::whole(TenantId::new("tenant-fr").unwrap())];
        let row = |terms: &SlaTerms| row(terms, &hit).unwrap().unwrap();
        assert_eq!(
            (
                row(&SlaTerms::default())
                    .credit_percent
                    .to_string()
                    .as_str(),
                row(&SlaTerms::default()).target_breached
            ),
            ("10", true)
        );
        assert_eq!(
            (
                row(&contract().unwrap())
                    .credit_percent
                    .to_string()
                    .as_str(),
                row(&contract().unwrap()).target_breached
            ),
            ("5", false)
        );
    }
}

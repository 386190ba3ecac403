//! Differences between statements and ledger: `doctor` reports them until they are recomputed.

use incident_core::actor::Role;
use incident_core::billing::CreditDecision;
use incident_core::engine::Incidents;
use incident_core::sla::Contracts;
use incident_core::{Currency, Money, Month};

use crate::over_http::credits::billing::world::{World, context, decide_all, hour, tenant};
use crate::over_http::credits::figures::terms;
use crate::over_http::harness::at;

/// The check can fail: a figure that changed terms moved away from the ledger is reported, and no
/// longer after the ledger was recomputed.
#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_named_until_it_is_computed_again() {
    let world = World::new().await;
    let process = world.process();
    hour(&process, 9, &["tenant-0"]).await;
    process.worker().drain().await.unwrap();
    let november: Month = "2026-11".parse().unwrap();
    assert!(
        process
            .reports()
            .check_figures(november)
            .await
            .unwrap()
            .is_empty()
    );
    let other = r#"target_percent = "99.9"
        version = "other"
        tiers = [{ from_minutes = 0, credit_percent = "77" }]"#;
    let under_others = world.process_under(Contracts::standard(terms(other)));
    let found = under_others
        .reports()
        .check_figures(november)
        .await
        .unwrap();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(
        found
            .iter()
            .any(|one| one.contains("the statement says 77 %")),
        "{found:?}"
    );
    let bill = context("bill", Role::Billing);
    under_others
        .credits()
        .recompute(&bill, november)
        .await
        .unwrap();
    assert!(
        under_others
            .reports()
            .check_figures(november)
            .await
            .unwrap()
            .is_empty()
    );
}

/// Amounts differ if a fee changed under an approved credit; a credit of a month blocks the change
/// to terms per quarter.
#[tokio::test(flavor = "multi_thread")]
async fn amounts_and_periods_that_differ_are_named() {
    let text = |version: &str, basis: &str| {
        format!(
            r#"target_percent = "99.9"
            version = "{version}"
            basis = "{basis}"
            tiers = [{{ from_minutes = 0, credit_percent = "20" }}]"#
        )
    };
    let under = |version: &str, basis: &str, minor| {
        let fee = Money {
            minor,
            currency: Currency::new("EUR").unwrap(),
        };
        Contracts::standard(terms(&text(version, basis)))
            .with_tenant(tenant("tenant-0"), None, Some(fee))
            .unwrap()
    };
    let world = World::new().await;
    let process = world.process_under(under("each", "per_incident", 1_000));
    hour(&process, 9, &["tenant-0"]).await;
    process.worker().drain().await.unwrap();
    let november: Month = "2026-11".parse().unwrap();
    let differ = async |process: &Incidents| -> Vec<String> {
        let found = process.reports().check_figures(november).await.unwrap();
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(decide_all(&process, &CreditDecision::Approve).await, 1);
    assert!(differ(&process).await.is_empty());
    let dearer = world.process_under(under("each", "per_incident", 2_000));
    assert_eq!(
        differ(&dearer).await,
        ["amount of tenant-0 in 2026-11: the statement says 4.00 EUR, the ledger 2.00 EUR"]
    );
    world.clock.set(at("2027-01-05T00:00:00Z"));
    let by_quarter = world.process_under(under("quarter", "per_quarter", 1_000));
    let expected = [
        "credit of tenant-0 in 2026-11: the statement says nothing, the ledger 20 %",
        "credit of tenant-0 in 2026-Q4: the statement says 20 %, the ledger nothing",
        "amount of tenant-0 in 2026-Q4: the statement says 6.00 EUR, the ledger 0.00 EUR",
        "outage of tenant-0 in 2026-Q4: the statement says 1 h, the ledger 0 min",
    ];
    assert_eq!(differ(&by_quarter).await, expected);
}

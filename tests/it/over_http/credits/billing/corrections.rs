//! Corrections, decisions and issuing in any order.

use std::collections::BTreeMap;
use std::time::Duration;

use incident_core::TenantId;
use incident_core::actor::Role;
use incident_core::billing::{BilledCredit, CreditDecision, CreditState, LedgerRow};
use incident_core::incident::{Affected, AffectedTenant, Change, Command};
use incident_core::port::IncidentFilter;
use proptest::test_runner::{Config, TestRunner};

use crate::over_http::harness::at;

use super::world::{World, approve_all, context, decide_all, hour, said, tenant};

/// Returns the net credits of an incident by tenant, in parts per million.
fn net(ledger: &[BilledCredit]) -> BTreeMap<TenantId, i64> {
    let mut net: BTreeMap<TenantId, i64> = BTreeMap::new();
    for one in ledger {
        let ppm = i64::from(one.credit_percent.percent.ppm());
        let signed = if one.credit_percent.negative {
            -ppm
        } else {
            ppm
        };
        *net.entry(one.tenant_id.clone()).or_default() += signed;
    }
    net
}

/// In whatever order credits are corrected, approved, waived and issued, billing never reverses
/// more than it credited; when everything is approved, it has credited the amounts owed.
#[test]
fn corrections_in_any_order_end_with_what_is_owed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cases = if crate::ON_POSTGRES { 12 } else { 300 };
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    };
    let steps = proptest::collection::vec((0_u8..7, 0_u32..14), 1..20);
    TestRunner::new(config)
        .run(&steps, |steps| {
            runtime.block_on(corrected(&steps));
            Ok(())
        })
        .unwrap();
}

async fn corrected(steps: &[(u8, u32)]) {
    let world = World::new().await;
    let process = world.process();
    let anna = context("anna", Role::Admin);
    let id = hour(&process, 9, &["tenant-0", "tenant-1"]).await;
    for (step, hours) in steps {
        match step {
            0 => {
                let start = at("2026-11-09T11:00:00Z");
                let earlier = u64::from(*hours) * 3_600;
                let start = start.saturating_sub(Duration::from_secs(earlier.max(60)));
                let change = Change::StartedAt(start);
                let change = Command::Change(vec![change]);
                process.act(&anna, id, &change).await.unwrap();
            }
            1 => {
                let names = ["tenant-0", "tenant-1", "tenant-2"];
                let kept = names.iter().enumerate();
                let kept = kept.filter(|(at, _)| hours & (1 << at) != 0);
                let kept = kept.map(|(_, name)| AffectedTenant::whole(tenant(name)));
                let tenants = Affected::these(kept.collect()).unwrap();
                let change = Command::Change(vec![Change::AffectedTenants(tenants)]);
                process.act(&anna, id, &change).await.unwrap();
            }
            2 => {
                let reason = said("agreed");
                decide_all(&process, &CreditDecision::Waive { reason }).await;
            }
            3 => {
                approve_all(&process).await;
            }
            // Any one of them.
            4 => {
                let bill = context("bill", Role::Billing);
                let reason = said("this one");
                let waive = CreditDecision::Waive { reason };
                let approve = CreditDecision::Approve;
                let decision = if hours % 2 == 0 { &waive } else { &approve };
                let rows = world.rows().await;
                let open = rows
                    .iter()
                    .filter(|row| row.state == CreditState::Estimated);
                if let Some(row) = open.clone().nth(*hours as usize % open.count().max(1)) {
                    let _ = process.credits().decide(&bill, row.id, decision).await;
                }
            }
            _ => world.hand_over().await,
        }
        for (tenant, net) in net(&world.sink.ledger()) {
            assert!((0..=500_000).contains(&net), "{tenant}: {net}");
        }
    }
    // One more correction, then everything is approved.
    let change = Command::Change(vec![Change::StartedAt(at("2026-11-09T06:30:00Z"))]);
    process.act(&anna, id, &change).await.unwrap();
    approve_all(&process).await;
    world.hand_over().await;
    world.hand_over().await;
    let filter = IncidentFilter {
        limit: 9,
        ..IncidentFilter::default()
    };
    let incident = process
        .reports()
        .incidents(&filter)
        .await
        .unwrap()
        .remove(0);
    let hit = incident.affected_tenants.list().unwrap().to_vec();
    let hit: Vec<TenantId> = hit.into_iter().map(|one| one.tenant_id).collect();
    // A person may have waived the reversal for a tenant that is no longer affected.
    let rows = world.rows().await;
    let stays = |tenant: &TenantId| {
        let waived = |row: &&LedgerRow| row.reverses.is_some() && row.state == CreditState::Waived;
        rows.iter()
            .any(|row| row.tenant_id == *tenant && waived(&row))
    };
    for (tenant, net) in net(&world.sink.ledger()) {
        if !hit.contains(&tenant) && stays(&tenant) {
            continue;
        }
        let owed = if hit.contains(&tenant) { 250_000 } else { 0 };
        assert_eq!(net, owed, "{tenant}");
    }
    assert!(
        hit.iter()
            .all(|one| net(&world.sink.ledger()).contains_key(one))
    );
    world.is_balanced().await;
}

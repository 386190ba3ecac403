//! A custom billing sink, checked by the conformance macro: the host's invoices.
//!
//! Run with `cargo run -p incident-embedding --example custom_sink`; its tests
//! with `cargo test -p incident-embedding --example custom_sink`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::actor::{Caller, Role};
use incident_core::billing::{Batch, BilledCredit, CreditDecision, HeldCredit, Lookup, Submission};
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Affected, AffectedTenant, Declare, Mode, Severity, Status, Update};
use incident_core::paging::{NotSentReason, TargetId};
use incident_core::port::{BillingSink, CreditQuery, LookupBy};
use incident_core::{CreditId, MessageId, ValidationError};
use incident_store_memory::MemoryStore;

/// The lines of the host's next invoices. In production this is a table with the credit's key as a
/// unique column, written in one transaction per batch.
#[derive(Clone, Debug)]
struct Invoices {
    target: TargetId,
    lines: Arc<Mutex<Lines>>,
}

#[derive(Debug, Default)]
struct Lines {
    batches: BTreeSet<MessageId>,
    credits: BTreeMap<CreditId, BilledCredit>,
}

impl Invoices {
    fn new() -> Result<Self, ValidationError> {
        Ok(Self {
            target: TargetId::new("invoices")?,
            lines: Arc::default(),
        })
    }
}

#[async_trait]
impl BillingSink for Invoices {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    // Invoice lines are stored forever.
    fn key_window(&self) -> Option<Duration> {
        None
    }

    async fn submit(&self, batch: &Batch, _timeout: Duration) -> Submission {
        let Ok(credits) = batch.credits() else {
            return Submission::NotSent(NotSentReason::Rejected.into());
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if !lines.batches.insert(batch.id()) {
            return Submission::Accepted;
        }
        lines
            .credits
            .extend(credits.into_iter().map(|one| (one.key, one)));
        Submission::Accepted
    }

    async fn lookup(&self, asked: LookupBy<'_>, _timeout: Duration) -> Lookup {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let held = lines.credits.values().filter(|one| asked.includes(one));
        Lookup::Found(held.map(HeldCredit::from).collect())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let invoices = Invoices::new()?;
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .billing(Arc::new(invoices.clone()))
        .build()?;
    let by = |name: &str, role| -> Result<RequestContext, ValidationError> {
        Ok(RequestContext::new(Caller::person(name.parse()?, role)))
    };
    let (anna, bill) = (by("anna", Role::Commander)?, by("bill", Role::Billing)?);

    // An hour of API outage for tenant-fr, entered afterwards.
    let mut outage = Declare::new("API down".parse()?, Severity::Sev2);
    outage.mode = Mode::Retrospective;
    outage.started_at = Some("2026-11-09T10:00:00Z".parse()?);
    outage.affected_tenants = Affected::these(vec![AffectedTenant::whole("tenant-fr".parse()?)])?;
    let id = incidents.declare(&anna, &outage).await?.incident.id;
    let mut over = Update::to_status("over".parse()?, Status::Resolved);
    over.occurred_at = Some("2026-11-09T11:00:00Z".parse()?);
    incidents.act(&anna, id, &over.into()).await?;

    // Another person approves it; the host's loop issues and submits it.
    for credit in incidents.credits().list(&CreditQuery::default()).await? {
        incidents
            .credits()
            .decide(&bill, credit.row.id, &CreditDecision::Approve)
            .await?;
    }
    incidents.worker().issue_credits().await?;
    incidents.worker().drain().await?;

    let lines = invoices
        .lines
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    for line in lines.credits.values() {
        let BilledCredit {
            tenant_id, period, ..
        } = line;
        println!("{tenant_id} {period}: {} % of its fee", line.credit_percent);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use incident_core::conformance::BillingBackend;

    struct InMemory;

    #[async_trait]
    impl BillingBackend for InMemory {
        type Guard = Invoices;

        async fn open() -> (Arc<dyn BillingSink>, Invoices) {
            let invoices = Invoices::new().unwrap();
            (Arc::new(invoices.clone()), invoices)
        }

        async fn reopen(guard: &Invoices) -> Arc<dyn BillingSink> {
            Arc::new(guard.clone())
        }

        async fn black_hole() -> Option<(Arc<dyn BillingSink>, Invoices)> {
            None
        }
    }

    incident_core::billing_conformance!(InMemory);

    #[test]
    fn it_tells_its_story() {
        main().unwrap();
    }
}

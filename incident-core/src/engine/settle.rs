//! Credits as an effect of the end of an incident and of corrections after it.

use std::sync::Arc;

use super::gather::Gathered;
use super::statements::weight;
use super::{Error, Incidents};
use crate::actor::Actor;
use crate::billing::{CreditState, LedgerRow};
use crate::commit::{Commit, IncidentWrite, LedgerWrite};
use crate::incident::{Affected, AffectedTenant, Incident};
use crate::outbox::{Claim, MessageBody, Settled, Settlement};
use crate::port::StoreError;
use crate::sla::{Basis, IncidentOutage, SlaTerms, TenantOutage, credit_rows};
use crate::{CreditId, Percent, PersonName, Timestamp};

impl Incidents {
    /// Adds the credits of an incident that ended to its commit. An incident
    /// that hits all tenants is settled by the relay, which may ask who they are.
    pub(super) fn settle(
        &self,
        gathered: &mut Gathered,
        commit: &mut Commit,
        by: &Actor,
        now: Timestamp,
    ) {
        let mut after = gathered.after.clone();
        match &gathered.after.affected_tenants {
            Affected::All => gathered.outbox.push(self.0.message(
                &after,
                after.severity,
                MessageBody::Settle(by.name.clone()),
                now,
            )),
            Affected::These(tenants) => {
                after.state_mut().credit_revision += 1;
                commit
                    .ledger
                    .push(self.ledger_of(&after, tenants, &by.name, now));
                gathered.write.after = Arc::new(after.clone());
                gathered.after = after;
            }
        }
    }

    fn ledger_of(
        &self,
        incident: &Incident,
        tenants: &[AffectedTenant],
        author: &PersonName,
        now: Timestamp,
    ) -> LedgerWrite {
        let revision = incident.credit_revision;
        let mut write = LedgerWrite {
            incident_id: incident.id,
            revision,
            rows: Vec::new(),
        };
        if incident.excluded().is_some() {
            return write;
        }
        let outage = incident.outage(now);
        let end = incident.resolved_at.unwrap_or(now);
        for (terms, tenants) in self.by_terms(tenants, outage.end().unwrap_or(end)) {
            let outage = IncidentOutage {
                windows: &outage,
                weight: weight(incident, terms),
            };
            for row in credit_rows(terms, outage, parts(tenants), end) {
                write.rows.push(LedgerRow {
                    id: CreditId::from_uuid(self.0.ids.sortable(now)),
                    incident_id: incident.id,
                    tenant_id: row.tenant.clone(),
                    revision,
                    period: row.period,
                    outage_us: row.outage_us,
                    // Under a contract per period the period is credited, not its incidents.
                    credit: match terms.basis() {
                        Basis::PerIncident => row.credit,
                        Basis::PerMonth | Basis::PerQuarter | Basis::PerYear => Percent::ZERO,
                    },
                    terms_version: terms.version().clone(),
                    state: CreditState::Estimated,
                    author: author.clone(),
                    granted: None,
                });
            }
        }
        write
    }

    /// Tenants, sorted by name, in runs that have the same terms at a time.
    pub(super) fn by_terms<'a>(
        &'a self,
        tenants: &'a [AffectedTenant],
        at: Timestamp,
    ) -> impl Iterator<Item = (&'a SlaTerms, &'a [AffectedTenant])> {
        let contracts = &self.0.settings.contracts;
        let terms = move |one: &AffectedTenant| contracts.terms(&one.tenant_id, at);
        let runs = tenants.chunk_by(move |a, b| std::ptr::eq(terms(a), terms(b)));
        runs.filter_map(move |run| Some((terms(run.first()?), run)))
    }

    /// The same for an incident that hits all tenants, as a message.
    pub(super) async fn settle_all(&self, claim: Claim, author: PersonName) -> Result<(), Error> {
        let tenants: Vec<AffectedTenant> = self
            .everybody()
            .await?
            .into_iter()
            .map(AffectedTenant::whole)
            .collect();
        loop {
            let before = self.get(claim.message.incident_id).await?;
            let mut after = Incident::clone(&before);
            after.state_mut().revision = before.revision.next();
            after.state_mut().credit_revision += 1;
            let ledger = self.ledger_of(&after, &tenants, &author, self.0.now());
            let commit = Commit {
                writes: vec![IncidentWrite {
                    after: Arc::new(after),
                    expected: Some(before.revision),
                    entries: Vec::new(),
                }],
                ledger: vec![ledger],
                settles: Some(Settlement {
                    message: claim.message.id,
                    lease: claim.lease,
                    outcome: Settled::Done,
                }),
                ..Commit::default()
            };
            match self
                .0
                .store
                .commit(commit, self.0.settings.store_deadline)
                .await
            {
                Err(StoreError::Conflict) => {}
                other => return other.map(|_| ()).map_err(Error::from),
            }
        }
    }

    /// All tenants, by name, each once: the arithmetic relies on it, whatever order
    /// the host's directory has.
    pub(super) async fn everybody(&self) -> Result<Vec<crate::TenantId>, Error> {
        let missing =
            Error::NotConfigured("an incident that hits all tenants needs a tenant directory");
        let directory = self.0.directory.as_ref().ok_or(missing)?;
        let mut all = directory.tenants(self.0.settings.usage_deadline).await?;
        all.sort();
        all.dedup();
        Ok(all)
    }
}

/// What of an incident hit each tenant, for the arithmetic.
pub(super) fn parts(tenants: &[AffectedTenant]) -> impl Iterator<Item = TenantOutage<'_>> {
    tenants.iter().map(|one| TenantOutage {
        tenant: &one.tenant_id,
        from: one.from,
        until: one.until,
    })
}

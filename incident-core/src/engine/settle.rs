//! Credits as an effect of the end of an incident and of corrections after it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::gather::Gathered;
use super::statements::weight;
use super::{Error, Incidents};
use crate::actor::Actor;
use crate::audit::AuditDraft;
use crate::billing::{
    CreditInput, CreditSubject, Fresh, LedgerRow, LedgerWrite, is_settled, revise,
};
use crate::commit::{Commit, IncidentWrite};
use crate::incident::{Affected, AffectedTenant, Incident, outage_by_tenant};
use crate::outbox::{Claim, MessageBody, Resettle, Settled, Settlement};
use crate::port::{CreditQuery, StoreError};
use crate::sla::{Basis, IncidentOutage, SlaTerms, TenantOutage, credit_rows};
use crate::{CreditId, IncidentId, Percent, Period, PeriodKind, PersonName, TenantId, Timestamp};
use crate::{Window, Windows};

/// How often credits are computed anew where something else was faster.
pub(super) const ATTEMPTS: u32 = 16;

/// What comes with new credits of an incident.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) audit: Vec<AuditDraft>,
    pub(super) settles: Option<Settlement>,
}

impl Incidents {
    /// Adds the credits of an incident that ended to its commit. What needs to know
    /// other incidents, or who all tenants are, is left to the relay.
    pub(super) async fn settle(
        &self,
        before: &Incident,
        gathered: &mut Gathered,
        commit: &mut Commit,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        if let Affected::These(tenants) = &gathered.after.affected_tenants {
            let rows = self.rows_of(before).await?;
            let mut after = gathered.after.clone();
            after.state_mut().credit_revision += 1;
            let fresh = self.fresh(&after, tenants, now);
            commit
                .ledger
                .push(self.revised(&after, &rows, fresh, &by.name, now));
            gathered.write.after = Arc::new(after.clone());
            gathered.after = after;
        }
        if let Some(asked) = self.resettle(before, &gathered.after, &by.name, now) {
            let (after, body) = (&gathered.after, MessageBody::Settle(asked));
            let message = self.0.message(after, after.severity, body, now);
            gathered.outbox.push(message);
        }
        Ok(())
    }

    /// What is left to the relay, if anything is.
    fn resettle(
        &self,
        before: &Incident,
        after: &Incident,
        author: &PersonName,
        now: Timestamp,
    ) -> Option<Resettle> {
        let contracts = &self.0.settings.contracts;
        let outage = before.outage(now).union(&after.outage(now));
        let span = outage.start().zip(outage.end());
        let span = span.and_then(|(start, end)| Window::non_empty(start, end));
        let tenants = match (&before.affected_tenants, &after.affected_tenants) {
            (Affected::These(before), Affected::These(after)) => {
                let names = before.iter().chain(after.iter()).map(|one| &one.tenant_id);
                let by_period = |tenant: &&TenantId| contracts.is_by_period(tenant);
                let names: BTreeSet<TenantId> = names.filter(by_period).cloned().collect();
                if names.is_empty() {
                    return None;
                }
                Some(names.into_iter().collect())
            }
            (Affected::All, _) | (_, Affected::All) => None,
        };
        Some(Resettle {
            author: author.clone(),
            tenants,
            span,
        })
    }

    /// All rows of an incident, if it ever had any.
    pub(super) async fn rows_of(&self, incident: &Incident) -> Result<Vec<LedgerRow>, Error> {
        if incident.credit_revision == 0 {
            return Ok(Vec::new());
        }
        let wanted = CreditQuery {
            incident: Some(incident.id),
            ..CreditQuery::default()
        };
        self.ledger(&wanted).await
    }

    fn revised(
        &self,
        after: &Incident,
        rows: &[LedgerRow],
        fresh: Vec<Fresh>,
        author: &PersonName,
        now: Timestamp,
    ) -> LedgerWrite {
        let subject = CreditSubject::Incident(after.id);
        let id = || CreditId::from_uuid(self.0.ids.sortable(now));
        revise(subject, after.credit_revision, rows, fresh, author, id)
    }

    /// What each tenant is owed for an incident, as it stands now.
    fn fresh(&self, incident: &Incident, tenants: &[AffectedTenant], now: Timestamp) -> Vec<Fresh> {
        if incident.excluded().is_some() {
            return Vec::new();
        }
        let outage = incident.outage(now);
        let end = incident.resolved_at.unwrap_or(now);
        let mut fresh = Vec::with_capacity(tenants.len());
        for (terms, tenants) in self.by_terms(tenants, outage.end().unwrap_or(end)) {
            let weight = weight(incident, terms);
            let whole = input(incident.id, outage.clone(), weight);
            let hit = IncidentOutage {
                windows: &outage,
                weight,
            };
            let parts_of = tenants.chunk_by(|a, b| a.tenant_id == b.tenant_id);
            for (row, of) in credit_rows(terms, hit, parts(tenants), end).zip(parts_of) {
                fresh.push(Fresh {
                    tenant_id: row.tenant.clone(),
                    period: Period::of_month(row.period, PeriodKind::Month),
                    outage_us: row.outage_us,
                    // Under a contract per period the period is credited, not its incidents.
                    credit: match terms.basis() {
                        Basis::PerIncident => row.credit,
                        Basis::PerMonth | Basis::PerQuarter | Basis::PerYear => Percent::ZERO,
                    },
                    terms_version: terms.version().clone(),
                    inputs: match of {
                        [one] if one.from.is_none() && one.until.is_none() => Arc::clone(&whole),
                        of => input(incident.id, part_of(&outage, of), weight),
                    },
                });
            }
        }
        fresh
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

    /// What a commit left to the relay, as a message.
    pub(super) async fn settle_later(&self, claim: Claim, asked: Resettle) -> Result<(), Error> {
        let within = self.0.settings.store_deadline;
        if let Some(span) = asked.span {
            let only = asked.tenants.map(BTreeSet::from_iter);
            self.settle_periods(&asked.author, only.as_ref(), span)
                .await?;
        }
        let settles = Some(Settlement {
            message: claim.message.id,
            lease: claim.lease,
            outcome: Settled::Done,
        });
        if let Some(id) = claim.message.incident_id
            && self.get(id).await?.affected_tenants == Affected::All
        {
            let beside = Beside {
                settles,
                ..Beside::default()
            };
            return self.settle_again(id, &asked.author, beside).await.map(drop);
        }
        let commit = Commit {
            settles,
            ..Commit::default()
        };
        self.0.store.commit(commit, within).await?;
        Ok(())
    }

    /// Computes the credits of an incident anew, in a commit of its own, and says
    /// whether anything came out differently. Nothing is written where it did not,
    /// but what is to be settled with it.
    pub(super) async fn settle_again(
        &self,
        id: IncidentId,
        author: &PersonName,
        beside: Beside,
    ) -> Result<bool, Error> {
        let within = self.0.settings.store_deadline;
        for _ in 0..ATTEMPTS {
            let before = self.get(id).await?;
            let tenants = self.tenants_of(&before.affected_tenants).await?;
            let (rows, now) = (self.rows_of(&before).await?, self.0.now());
            let fresh = self.fresh(&before, &tenants, now);
            let changed = before.credit_revision == 0 || !is_settled(&rows, &fresh);
            let mut commit = Commit {
                settles: beside.settles.clone(),
                ..Commit::default()
            };
            if changed {
                let mut after = Incident::clone(&before);
                after.state_mut().revision = before.revision.next();
                after.state_mut().credit_revision += 1;
                let ledger = self.revised(&after, &rows, fresh, author, now);
                commit.ledger.push(ledger);
                commit.audit.clone_from(&beside.audit);
                let (after, expected) = (Arc::new(after), Some(before.revision));
                commit
                    .writes
                    .push(IncidentWrite::new(after, expected, Vec::new()));
            } else if commit.settles.is_none() {
                return Ok(false);
            }
            match self.0.store.commit(commit, within).await {
                Err(StoreError::Conflict | StoreError::CreditMoved(_)) => {}
                other => return other.map(|_| changed).map_err(Error::from),
            }
        }
        Err(StoreError::Conflict.into())
    }

    pub(super) async fn tenants_of(
        &self,
        affected: &Affected,
    ) -> Result<Vec<AffectedTenant>, Error> {
        match affected {
            Affected::These(tenants) => Ok(tenants.to_vec()),
            Affected::All => {
                let all = self.everybody().await?.into_iter();
                Ok(all.map(AffectedTenant::whole).collect())
            }
        }
    }

    /// All tenants, by name, each once: the arithmetic relies on it, whatever order
    /// the host's directory has.
    pub(super) async fn everybody(&self) -> Result<Vec<TenantId>, Error> {
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

fn input(incident_id: IncidentId, windows: Windows, weight: Percent) -> Arc<[CreditInput]> {
    Arc::from([CreditInput {
        incident_id,
        windows,
        weight,
    }])
}

/// What of an outage hit the one tenant whose parts these are.
fn part_of(outage: &Windows, parts: &[AffectedTenant]) -> Windows {
    let mut all = outage_by_tenant(outage, parts).into_values();
    all.next().unwrap_or_default()
}

//! Credits of an incident, computed at its end and after corrections.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::actor::Actor;
use crate::audit::AuditDraft;
use crate::billing::{
    ComputedCredit, CreditInput, CreditState, CreditSubject, LedgerRow, LedgerWrite, is_up_to_date,
    newest, revise,
};
use crate::commit::{Commit, IncidentWrite, OutboxWrite};
use crate::engine::commands::prepare::PreparedCommand;
use crate::engine::conflict::MAX_CONFLICT_RETRIES;
use crate::engine::{Error, Incidents};
use crate::incident::{Affected, AffectedTenant, Incident, Severity, SlaFacts, outage_of_tenant};
use crate::outbox::{Claim, JobOutcome, LeaseCompletion, Message, MessageBody, RecomputeCredits};
use crate::port::{CreditQuery, StoreError};
use crate::sla::{Basis, IncidentTerms, credit_rows};
use crate::{CreditId, IncidentId, MessageId, Percent, PersonName, TenantId, Timestamp};
use crate::{Window, Windows, Zone};

/// Extra writes committed with recomputed credits.
#[derive(Default)]
pub(in crate::engine) struct RecomputeContext {
    pub(in crate::engine) audit: Vec<AuditDraft>,
    pub(in crate::engine) completes: Option<LeaseCompletion>,
}

impl Incidents {
    /// Adds the credits of an incident that ended to its commit. Credits that depend on other
    /// incidents, or on the list of all tenants, are left to the relay.
    pub(in crate::engine) async fn add_credits(
        &self,
        before: &Incident,
        prepared: &mut PreparedCommand,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut makes_room = BTreeSet::new();
        let facts = SlaFacts::of(prepared.after(before));
        let owes = !facts.is_open() || before.credit_revision > 0;
        if let Affected::These(tenants) = facts.tenants()
            && owes
        {
            let rows = self.rows_of(before).await?;
            let computed = if facts.is_open() {
                as_before(&rows, tenants)
            } else {
                self.computed_credits(facts, tenants, now)
            };
            if before.credit_revision == 0 || !is_up_to_date(&rows, &computed) {
                if let Some(after) = prepared.after_mut(before.id) {
                    after.state_mut().credit_revision += 1;
                }
                let after = prepared.after(before);
                let write = self.revised(after, &rows, computed, &[], &by.name, now);
                makes_room.extend(write.changed(&rows).into_iter().cloned());
                prepared.commit.ledger.push(write);
            }
        }
        let after = prepared.after(before);
        if let Some(asked) = self.recompute_message(before, after, makes_room, &by.name, now) {
            let body = MessageBody::RecomputeCredits(asked);
            let message = self.inner.message(after, after.severity, body, now);
            prepared.commit.outbox.push(message);
        }
        Ok(())
    }

    /// Returns the message for the relay, if something is left to it: periods that are credited as
    /// a whole, and what a cap had cut of other credits of the tenants whose credits changed.
    fn recompute_message(
        &self,
        before: &Incident,
        after: &Incident,
        makes_room: BTreeSet<TenantId>,
        author: &PersonName,
        now: Timestamp,
    ) -> Option<RecomputeCredits> {
        let contracts = &self.inner.settings.contracts;
        let (was, is) = (SlaFacts::of(before), SlaFacts::of(after));
        let outage = was.outage(now).union(&is.outage(now));
        let span = outage.start().zip(outage.end());
        let span = span.and_then(|(start, end)| Window::non_empty(start, end));
        let tenants = match (was.tenants(), is.tenants()) {
            (Affected::These(before), Affected::These(after)) => {
                let names = before.iter().chain(after.iter()).map(|one| &one.tenant_id);
                let by_period = |tenant: &&TenantId| contracts.is_by_period(tenant);
                let mut names: BTreeSet<TenantId> = names.filter(by_period).cloned().collect();
                names.extend(makes_room);
                if names.is_empty() {
                    return None;
                }
                Some(names.into_iter().collect())
            }
            (Affected::All, _) | (_, Affected::All) => None,
        };
        Some(RecomputeCredits {
            author: author.clone(),
            tenants,
            span,
        })
    }

    /// Returns the message that recomputes the credits of a tenant and period after one of them was
    /// waived or reversed: what a cap had cut of the others may have room.
    pub(in crate::engine) fn freed_room(
        &self,
        row: &LedgerRow,
        author: &PersonName,
        now: Timestamp,
    ) -> OutboxWrite {
        let asked = RecomputeCredits {
            author: author.clone(),
            tenants: Some(vec![row.tenant_id.clone()]),
            span: Some(row.period.window(Zone::UTC)),
        };
        OutboxWrite::Add(Box::new(Message {
            id: MessageId::from_uuid(self.inner.ids.sortable(now)),
            incident_id: None,
            priority: Severity::Sev4,
            body: MessageBody::RecomputeCredits(asked),
            committed_at: now,
            due_at: now,
            log: Vec::new(),
        }))
    }

    /// Loads all ledger rows of an incident; empty if it never had any.
    pub(in crate::engine) async fn rows_of(
        &self,
        incident: &Incident,
    ) -> Result<Vec<LedgerRow>, Error> {
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
        fresh: Vec<ComputedCredit>,
        outgrown: &[CreditId],
        author: &PersonName,
        now: Timestamp,
    ) -> LedgerWrite {
        let subject = CreditSubject::Incident(after.id);
        let id = || CreditId::from_uuid(self.inner.ids.sortable(now));
        let revision = after.credit_revision;
        revise(subject, revision, rows, fresh, outgrown, author, id)
    }

    /// Computes the credit of each tenant for an incident, as it is now.
    fn computed_credits(
        &self,
        facts: SlaFacts<'_>,
        tenants: &[AffectedTenant],
        now: Timestamp,
    ) -> Vec<ComputedCredit> {
        if facts.excluded().is_some() {
            return Vec::new();
        }
        let (outage, end) = (facts.outage(now), facts.end(now));
        let mut fresh = Vec::with_capacity(tenants.len());
        for credited in self.by_terms(tenants, &outage, end) {
            let IncidentTerms { terms, tenants, .. } = credited;
            let outage = credited.outage(&outage);
            let weight = terms.weight(facts.is_partial());
            let whole = input(facts.incident(), outage.clone(), weight);
            let by_tenant = tenants.chunk_by(|a, b| a.tenant_id == b.tenant_id);
            let rows = credit_rows(terms, &outage, weight, tenants, end);
            for (row, parts) in rows.zip(by_tenant) {
                fresh.push(ComputedCredit {
                    tenant_id: row.tenant.clone(),
                    period: row.period,
                    outage_us: row.outage_us,
                    // Under a contract per period the period is credited, not its incidents.
                    credit_percent: match terms.basis() {
                        Basis::PerIncident => row.credit_percent,
                        Basis::PerMonth | Basis::PerQuarter | Basis::PerYear => Percent::ZERO,
                    },
                    terms_version: terms.version().clone(),
                    inputs: match parts {
                        [one] if one.is_whole() => Arc::clone(&whole),
                        parts => {
                            let hit = outage_of_tenant(&outage, parts);
                            input(facts.incident(), hit, weight)
                        }
                    },
                });
            }
        }
        fresh
    }

    /// Groups tenants, sorted by name, into runs of the same terms: those of the period in which
    /// the outage of each ended, or of `fallback` without one.
    pub(in crate::engine) fn by_terms<'a>(
        &'a self,
        tenants: &'a [AffectedTenant],
        outage: &Windows,
        fallback: Timestamp,
    ) -> Vec<IncidentTerms<'a>> {
        let contracts = &self.inner.settings.contracts;
        let mut runs: Vec<IncidentTerms<'_>> = Vec::new();
        // The start of the last run, and the end of the tenants that were grouped.
        let (mut start, mut end) = (0, 0);
        let by_tenant = tenants.chunk_by(|a, b| a.tenant_id == b.tenant_id);
        for found in by_tenant.filter_map(|one| contracts.terms_of_outage(outage, one, fallback)) {
            end += found.tenants.len();
            match runs.last_mut() {
                Some(last) if last.are_those_of(&found) => {
                    last.tenants = tenants.get(start..end).unwrap_or_default();
                }
                _ => {
                    start = end - found.tenants.len();
                    runs.push(found);
                }
            }
        }
        runs
    }

    /// Runs a message that computes the credits that a commit left to the relay.
    pub(in crate::engine) async fn run_recompute_job(
        &self,
        claim: &Claim,
        asked: &RecomputeCredits,
    ) -> Result<(), Error> {
        let timeout = self.inner.settings.store_deadline;
        // A message of a time with SLA is done without a row; a recomputation of its month makes up
        // for it if there is SLA again.
        if let Some(span) = asked.span.filter(|_| self.has_sla()) {
            let only = asked.tenants.as_ref();
            let only = only.map(|names| names.iter().cloned().collect::<BTreeSet<_>>());
            self.recompute_period_credits(&asked.author, only.as_ref(), span)
                .await?;
        }
        let completes = Some(claim.complete(JobOutcome::Done));
        if let Some(id) = claim.message.incident_id
            && let incident = self.get(id).await?
            && incident.affected_tenants == Affected::All
            && !incident.is_provisional()
            && self.has_sla()
        {
            let beside = RecomputeContext {
                completes,
                ..RecomputeContext::default()
            };
            let settled = self.recompute_incident_credits(id, &asked.author, &[], beside);
            return settled.await.map(drop);
        }
        let commit = Commit {
            completes,
            ..Commit::default()
        };
        self.store.commit(commit, timeout).await?;
        Ok(())
    }

    /// Recomputes the credits of an incident in a commit of its own, and returns whether any
    /// changed. Those that are `outgrown` count as changed while they stand as granted.
    ///
    /// Without a change nothing is written, except for the lease completion.
    pub(in crate::engine) async fn recompute_incident_credits(
        &self,
        id: IncidentId,
        author: &PersonName,
        outgrown: &[CreditId],
        beside: RecomputeContext,
    ) -> Result<bool, Error> {
        let timeout = self.inner.settings.store_deadline;
        for _ in 0..MAX_CONFLICT_RETRIES {
            let before = self.get(id).await?;
            let tenants = self.tenants_of(&before.affected_tenants).await?;
            let (rows, now) = (self.rows_of(&before).await?, self.inner.now());
            let fresh = self.computed_credits(SlaFacts::of(&before), &tenants, now);
            let changed = before.credit_revision == 0
                || !is_up_to_date(&rows, &fresh)
                || still_granted(&rows, outgrown);
            let mut commit = Commit {
                completes: beside.completes.clone(),
                ..Commit::default()
            };
            if changed {
                let mut after = Incident::clone(&before);
                after.state_mut().revision = before.revision.next();
                after.state_mut().credit_revision += 1;
                let ledger = self.revised(&after, &rows, fresh, outgrown, author, now);
                commit.ledger.push(ledger);
                commit.audit.clone_from(&beside.audit);
                let (after, expected) = (Arc::new(after), Some(before.revision));
                commit.writes.push(IncidentWrite {
                    after,
                    expected,
                    entries: Vec::new(),
                });
            } else if commit.completes.is_none() {
                return Ok(false);
            }
            match self.store.commit(commit, timeout).await {
                Err(StoreError::Conflict | StoreError::CreditMoved(_)) => {}
                other => return other.map(|_| changed).map_err(Error::from),
            }
        }
        Err(StoreError::Conflict.into())
    }

    pub(in crate::engine) async fn tenants_of(
        &self,
        affected: &Affected,
    ) -> Result<Vec<AffectedTenant>, Error> {
        match affected {
            Affected::These(tenants) => Ok(tenants.to_vec()),
            Affected::All => {
                let all = self.all_tenants().await?.into_iter();
                Ok(all.map(AffectedTenant::whole).collect())
            }
        }
    }

    /// Lists all tenants, sorted and deduplicated as the computation requires, whatever order the
    /// host's directory has.
    pub(in crate::engine) async fn all_tenants(&self) -> Result<Vec<TenantId>, Error> {
        let missing = Error::NotConfigured(
            "no tenant directory is configured, so the tenants of an incident must be listed",
        );
        let directory = self.inner.directory.as_ref().ok_or(missing)?;
        let mut all = directory
            .tenants(self.inner.settings.usage_deadline)
            .await?;
        all.sort();
        all.dedup();
        Ok(all)
    }
}

/// Returns the credits that an incident had before it was reopened, of tenants that it still hits.
/// They are computed again when it ends.
fn as_before(rows: &[LedgerRow], tenants: &[AffectedTenant]) -> Vec<ComputedCredit> {
    let hit = |tenant: &TenantId| {
        let found = tenants.binary_search_by(|one| one.tenant_id.cmp(tenant));
        found.is_ok()
    };
    let newest = newest(rows).into_iter();
    let standing = newest.filter(|row| hit(&row.tenant_id));
    standing.map(ComputedCredit::of).collect()
}

/// Returns `true` if one of these credits stands as it was granted.
pub(in crate::engine) fn still_granted(rows: &[LedgerRow], ids: &[CreditId]) -> bool {
    let granted =
        |row: &&LedgerRow| matches!(row.state, CreditState::Approved | CreditState::Issued);
    let reversed = |id: CreditId| {
        let by =
            |row: &&LedgerRow| row.reverses == Some(id) && row.state != CreditState::Superseded;
        rows.iter().any(|row| by(&row))
    };
    let mut found = rows.iter().filter(granted).map(|row| row.id);
    found.any(|id| ids.contains(&id) && !reversed(id))
}

fn input(incident_id: IncidentId, windows: Windows, weight: Percent) -> Arc<[CreditInput]> {
    Arc::from([CreditInput {
        incident_id,
        windows,
        weight,
    }])
}

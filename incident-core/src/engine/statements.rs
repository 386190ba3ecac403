//! Statements: what each tenant is owed for a period.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Incidents};
use crate::incident::{Affected, AffectedTenant, Incident, Scope, outage_by_tenant};
use crate::port::IncidentFilter;
use crate::sla::{IncidentShare, SlaStatement, SlaTerms};
use crate::{Invalid, Month, Percent, TenantId};

/// Most outages, one for each tenant and incident, that the statements of a month are made
/// of; of one tenant there are never so many.
pub const MOST_OUTAGES: usize = 1_000_000;

impl Incidents {
    /// The statements of a month, by tenant ascending: of one tenant, or of every
    /// tenant that an incident hit in it. A contract per quarter or year answers
    /// for the quarter or year that the month lies in.
    ///
    /// Reading writes nothing. A statement of a period that goes on, or of an
    /// incident that does, is provisional.
    ///
    /// # Errors
    /// A month that has not begun; an incident hits all tenants and nobody knows
    /// who they are; there are more than [`MOST_OUTAGES`], so that one tenant has to be
    /// asked about at a time; the store did not answer.
    pub async fn statements(
        &self,
        month: Month,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<SlaStatement>, Error> {
        let now = self.0.now();
        if !self.0.settings.contracts.has_begun(month, now) {
            return Err(Invalid::new("month", "a month that has begun").into());
        }
        let only = tenant.map(|tenant| BTreeSet::from([tenant.clone()]));
        let mut shares = self.shares(month, only.as_ref(), MOST_OUTAGES).await?;
        if let Some(tenant) = tenant {
            shares.entry(tenant.clone()).or_default();
        }
        let contracts = &self.0.settings.contracts;
        let made = shares.into_iter().filter_map(|(name, shares)| {
            let made = contracts.statement(&name, month, shares, now);
            (tenant.is_some() || !made.incidents.is_empty()).then_some(made)
        });
        Ok(made.collect())
    }

    /// What hit each tenant about a month, or `only` these: as far as the longest
    /// period reaches that a month is told in. Refuses to hold more than `most`.
    pub(super) async fn shares(
        &self,
        month: Month,
        only: Option<&BTreeSet<TenantId>>,
        most: usize,
    ) -> Result<BTreeMap<TenantId, Vec<IncidentShare>>, Error> {
        let now = self.0.now();
        let contracts = &self.0.settings.contracts;
        let one = only.filter(|only| only.len() == 1);
        let filter = IncidentFilter {
            tenant: one.and_then(|only| Some(only.first()?.as_str().to_owned())),
            touching: Some(contracts.widest(month)),
            ..IncidentFilter::default()
        };
        let mut shares: BTreeMap<TenantId, Vec<IncidentShare>> = BTreeMap::new();
        let (mut everybody, mut held): (Option<Vec<TenantId>>, _) = (None, 0);
        let mut pages = self.pages(filter);
        while let Some(incident) = pages.next().await? {
            if incident.excluded().is_some() {
                continue;
            }
            let whole = |all: &mut dyn Iterator<Item = &TenantId>| {
                all.cloned().map(AffectedTenant::whole).collect()
            };
            let hit: Vec<AffectedTenant> = match (&incident.affected_tenants, only) {
                (Affected::These(list), _) => list.to_vec(),
                (Affected::All, Some(only)) => whole(&mut only.iter()),
                (Affected::All, None) => {
                    let all = match &mut everybody {
                        Some(all) => all,
                        None => everybody.insert(self.everybody().await?),
                    };
                    whole(&mut all.iter())
                }
            };
            for (name, outage) in outage_by_tenant(&incident.outage(now), &hit) {
                if only.is_none_or(|only| only.contains(&name)) {
                    let terms = contracts.terms(&name, month.window().start());
                    let share = IncidentShare {
                        incident: incident.id,
                        outage,
                        weight: weight(&incident, terms),
                        open: incident.is_provisional(),
                    };
                    shares.entry(name).or_default().push(share);
                    held += 1;
                }
            }
            if held > most {
                let expected = format!("one tenant, as there are more than {most} outages");
                return Err(Invalid::new("tenant", expected).into());
            }
        }
        Ok(shares)
    }
}

/// What the downtime of an incident weighs under some terms.
pub(super) fn weight(incident: &Incident, terms: &SlaTerms) -> Percent {
    match incident.facts.scope {
        Some(Scope::Regions | Scope::Segments) => terms.partial_weight(),
        Some(Scope::All) | None => Percent::HUNDRED,
    }
}

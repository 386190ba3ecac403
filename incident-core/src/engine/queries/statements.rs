//! Statements: the credits of each tenant for a period.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::{Error, Incidents, ReportsHandle};
use crate::incident::{Affected, AffectedTenant, SlaFacts, outage_by_tenant};
use crate::port::IncidentFilter;
use crate::sla::{OutagePart, Outages, SlaStatement};
use crate::{IncidentId, Month, TenantId, ValidationError, Window, Windows};

/// The distance at which outages touch: times are microseconds.
const A_MOMENT: Duration = Duration::from_micros(1);

/// Maximum number of outages, one for each tenant and incident, in the statements of a month; a
/// single tenant never has that many.
pub const MAX_OUTAGES: usize = 1_000_000;

impl ReportsHandle<'_> {
    /// Returns the statements of a month, by tenant ascending: of one tenant, or of every tenant
    /// that an incident hit in it.
    ///
    /// A contract per quarter or year has the statement of the quarter or year that the month lies
    /// in. Reading writes nothing. The statement of a period that goes on, or of an incident that
    /// does, is provisional.
    ///
    /// # Errors
    /// Fails if the month has not begun; if an incident hits all tenants and these cannot be
    /// listed; if there are more than [`MAX_OUTAGES`], so that one tenant has to be requested at a
    /// time; or if the store did not answer.
    pub async fn statements(
        self,
        month: Month,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<SlaStatement>, Error> {
        let this = self.0;
        let now = this.inner.now();
        if !this.inner.settings.contracts.has_begun(month, now) {
            return Err(ValidationError::new("month", "a month that is not in the future").into());
        }
        let only = tenant.map(|tenant| BTreeSet::from([tenant.clone()]));
        let outages = self
            .0
            .outages_about(month, only.as_ref(), MAX_OUTAGES)
            .await?;
        Ok(outages.statements(tenant, now))
    }
}

impl Incidents {
    /// Returns the outages of each tenant about a month, or of `only` these. They reach as far as
    /// the longest period that the month is part of, and over its edges as far as outages touch if
    /// terms leave out short ones. Refuses to hold more than `most`.
    pub(in crate::engine) async fn outages_about(
        &self,
        month: Month,
        only: Option<&BTreeSet<TenantId>>,
        most: usize,
    ) -> Result<Outages<'_>, Error> {
        let contracts = &self.inner.settings.contracts;
        let mut found = CollectedShares {
            only,
            most,
            outages: Outages::new(contracts, month),
            seen: BTreeSet::new(),
            everybody: None,
        };
        let mut read = contracts.widest(month);
        self.add_shares(&mut found, read).await?;
        while contracts.measures_runs()
            && let Some(wider) = found.reach(read)
        {
            for new in [
                Window::non_empty(wider.start(), read.start()),
                Window::non_empty(read.end(), wider.end()),
            ]
            .into_iter()
            .flatten()
            {
                self.add_shares(&mut found, new).await?;
            }
            read = wider;
        }
        Ok(found.outages)
    }

    /// Adds the outages of each tenant in incidents that have an outage in a window.
    async fn add_shares(
        &self,
        found: &mut CollectedShares<'_, '_>,
        window: Window,
    ) -> Result<(), Error> {
        let now = self.inner.now();
        let one = found.only.filter(|only| only.len() == 1);
        let filter = IncidentFilter {
            tenant: one.and_then(|only| Some(only.first()?.as_str().to_owned())),
            touching: Some(window),
            ..IncidentFilter::default()
        };
        let mut pages = self.pages(filter);
        while let Some(incident) = pages.next().await? {
            let facts = SlaFacts::of(&incident);
            if facts.excluded().is_some() || !found.seen.insert(facts.incident()) {
                continue;
            }
            let whole = |all: &mut dyn Iterator<Item = &TenantId>| {
                all.cloned().map(AffectedTenant::whole).collect()
            };
            let hit: Vec<AffectedTenant> = match (facts.tenants(), found.only) {
                (Affected::These(list), _) => list.to_vec(),
                (Affected::All, Some(only)) => whole(&mut only.iter()),
                (Affected::All, None) => {
                    let all = match &mut found.everybody {
                        Some(all) => all,
                        None => found.everybody.insert(self.all_tenants().await?),
                    };
                    whole(&mut all.iter())
                }
            };
            for hit in outage_by_tenant(&facts.outage(now), &hit) {
                if found.only.is_none_or(|only| only.contains(&hit.tenant)) {
                    let part = OutagePart {
                        incident: facts.incident(),
                        windows: hit.windows,
                        is_partial: facts.is_partial(),
                        is_open: facts.is_open(),
                    };
                    found.outages.add(hit.tenant, part);
                }
            }
            if found.outages.len() > found.most {
                let most = found.most;
                let expected =
                    format!("a single tenant, because there are more than {most} outages");
                return Err(ValidationError::new("tenant", expected).into());
            }
        }
        Ok(())
    }
}

/// The outages of a month, as they are read.
struct CollectedShares<'a, 'b> {
    only: Option<&'b BTreeSet<TenantId>>,
    most: usize,
    outages: Outages<'a>,
    seen: BTreeSet<IncidentId>,
    everybody: Option<Vec<TenantId>>,
}

impl CollectedShares<'_, '_> {
    /// Returns the wider window to read if an outage reaches the edge of the one that was read:
    /// others may touch it there.
    fn reach(&self, read: Window) -> Option<Window> {
        let (mut start, mut end) = (read.start(), read.end());
        for shares in self.outages.shares().values() {
            let windows = shares.iter().flat_map(|one| one.outage.as_slice()).copied();
            let runs: Windows = windows.collect();
            for run in runs.as_slice() {
                // An outage that only touches the edge lies outside of a query for the window.
                if run.start() <= read.start() && read.start() <= run.end() {
                    start = start.min(run.start().saturating_sub(A_MOMENT));
                }
                if run.start() <= read.end() && read.end() <= run.end() {
                    end = end.max(run.end().saturating_add(A_MOMENT));
                }
            }
        }
        let wider = Window::spanning(start, end);
        (wider != read).then_some(wider)
    }
}

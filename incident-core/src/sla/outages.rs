//! Outages of tenants, collected for the statements of a month.

use std::collections::BTreeMap;

use super::{Contracts, IncidentShare, SlaStatement};
use crate::{IncidentId, Month, TenantId, Timestamp, Windows};

/// The part of an incident that affected one tenant.
#[derive(Clone, Debug)]
pub struct OutagePart {
    /// The incident.
    pub incident: IncidentId,
    /// The windows in which the tenant was affected; up to now while the incident is open.
    pub windows: Windows,
    /// `true` if the outage was partial, so that terms may weigh it less.
    pub is_partial: bool,
    /// `true` while the incident is open.
    pub is_open: bool,
}

/// Outages by tenant, each weighed by the terms of the month.
///
/// This is the input of statements, whatever the source of the outages.
#[derive(Clone, Debug)]
pub struct Outages<'a> {
    contracts: &'a Contracts,
    month: Month,
    shares: BTreeMap<TenantId, Vec<IncidentShare>>,
    len: usize,
}

impl<'a> Outages<'a> {
    /// Creates an empty collection for the statements of a month.
    #[must_use]
    pub const fn new(contracts: &'a Contracts, month: Month) -> Self {
        Self {
            contracts,
            month,
            shares: BTreeMap::new(),
            len: 0,
        }
    }

    /// Adds the part of an incident that affected a tenant.
    ///
    /// One incident and tenant may have a partial part and a whole one.
    pub fn add(&mut self, tenant: TenantId, part: OutagePart) {
        let terms = self.contracts.terms_of(&tenant, self.month);
        let share = IncidentShare {
            incident: part.incident,
            outage: part.windows,
            weight: terms.weight(part.is_partial),
            open: part.is_open,
        };
        self.shares.entry(tenant).or_default().push(share);
        self.len += 1;
    }

    /// Returns the number of parts that were added.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns `true` if no part was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the parts of incidents that affected each tenant.
    #[must_use]
    pub const fn shares(&self) -> &BTreeMap<TenantId, Vec<IncidentShare>> {
        &self.shares
    }

    /// Returns the parts of incidents that affected each tenant, by value.
    #[must_use]
    pub fn into_shares(self) -> BTreeMap<TenantId, Vec<IncidentShare>> {
        self.shares
    }

    /// Computes the statements of the tenants affected in their period, by tenant ascending.
    ///
    /// The statement of `named` is always included.
    #[must_use]
    pub fn statements(mut self, named: Option<&TenantId>, now: Timestamp) -> Vec<SlaStatement> {
        if let Some(named) = named {
            self.shares.entry(named.clone()).or_default();
        }
        let (contracts, month) = (self.contracts, self.month);
        let made = self.shares.into_iter().filter_map(|(tenant, shares)| {
            let made = contracts.statement(&tenant, month, shares, now);
            (named == Some(&tenant) || !made.incidents.is_empty()).then_some(made)
        });
        made.collect()
    }
}

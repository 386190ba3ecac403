//! Outages of tenants, gathered for the statements of a month.

use std::collections::BTreeMap;

use super::{Contracts, IncidentShare, SlaStatement};
use crate::{IncidentId, Month, TenantId, Timestamp, Windows};

/// The part of an incident that hit one tenant.
#[derive(Clone, Debug)]
pub struct OutagePart {
    /// The incident.
    pub incident: IncidentId,
    /// When it hit the tenant; until now where it goes on.
    pub windows: Windows,
    /// Whether it was partial, so that terms may weigh it less.
    pub is_partial: bool,
    /// Whether it goes on.
    pub is_open: bool,
}

/// Outages by tenant, each weighed by the terms of the month: what statements are made of,
/// wherever they come from.
#[derive(Clone, Debug)]
pub struct Outages<'a> {
    contracts: &'a Contracts,
    month: Month,
    shares: BTreeMap<TenantId, Vec<IncidentShare>>,
    len: usize,
}

impl<'a> Outages<'a> {
    /// Returns none yet, for the statements about a month.
    #[must_use]
    pub const fn new(contracts: &'a Contracts, month: Month) -> Self {
        Self {
            contracts,
            month,
            shares: BTreeMap::new(),
            len: 0,
        }
    }

    /// Adds what an incident did to a tenant. Of one incident and tenant there may be one
    /// that is partial and one that is not.
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

    /// Returns how many were added.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Tells if none was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the parts of incidents that hit each tenant.
    #[must_use]
    pub const fn shares(&self) -> &BTreeMap<TenantId, Vec<IncidentShare>> {
        &self.shares
    }

    /// Returns the parts of incidents that hit each tenant.
    #[must_use]
    pub fn into_shares(self) -> BTreeMap<TenantId, Vec<IncidentShare>> {
        self.shares
    }

    /// Makes the statements of the tenants that something hit in their period, by tenant
    /// ascending; and that of `named`, whatever hit it.
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

//! Outages across a change between terms per incident and terms per period.
//!
//! Each part is credited once, under its own terms.

use super::contracts::{Contracts, Scheduled, month_of, number_of};
use super::statement::ALWAYS;
use super::{Basis, SlaTerms};
use crate::incident::AffectedTenant;
use crate::window::{Window, Windows};
use crate::{Month, Period, TenantId, Timestamp};

/// The terms under which an incident is credited to tenants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IncidentTerms<'a> {
    pub(crate) terms: &'a SlaTerms,
    /// The time range whose outages these terms credit: all time, unless other terms credit whole
    /// periods before or after.
    pub(crate) within: Window,
    /// The tenants, sorted by name.
    pub(crate) tenants: &'a [AffectedTenant],
}

impl IncidentTerms<'_> {
    /// Returns the part of an outage that these terms credit.
    pub(crate) fn outage(&self, outage: &Windows) -> Windows {
        outage.clip(self.within)
    }

    /// Returns `true` if other tenants have the same terms.
    ///
    /// Terms are compared by address: all tenants of a contract borrow the same ones.
    pub(crate) fn are_those_of(&self, other: &Self) -> bool {
        std::ptr::eq(self.terms, other.terms) && self.within == other.within
    }
}

impl Contracts {
    /// Returns the terms under which an outage of one tenant is credited by incident.
    ///
    /// `parts` are the tenant's parts of the outage; without a part there are no terms. The terms
    /// are those at the end of the outage for this tenant, or at `fallback`. If these credit whole
    /// periods and the outage began under terms per incident, the part up to the change is credited
    /// by incident.
    pub(crate) fn terms_of_outage<'a>(
        &'a self,
        outage: &Windows,
        parts: &'a [AffectedTenant],
        fallback: Timestamp,
    ) -> Option<IncidentTerms<'a>> {
        let tenant = &parts.first()?.tenant_id;
        let end = end_of_outage(outage, parts, ALWAYS).unwrap_or(fallback);
        let (terms, period) = self.terms_at_end(tenant, end);
        let month = period.first_month();
        let credited = |terms, within| IncidentTerms {
            terms,
            within,
            tenants: parts,
        };
        if terms.basis() == Basis::PerIncident {
            return Some(credited(terms, self.credited_by_incident(tenant, month)));
        }
        let before = self.before(month, outage, parts);
        before.or_else(|| Some(credited(terms, ALWAYS)))
    }

    /// Finds the last terms per incident before a month, if the outage began under them.
    fn before<'a>(
        &'a self,
        month: Month,
        outage: &Windows,
        parts: &'a [AffectedTenant],
    ) -> Option<IncidentTerms<'a>> {
        let tenant = &parts.first()?.tenant_id;
        let changes = self.changes(tenant);
        let earlier = changes.get(..=change_of(&changes, month)?)?;
        let at = earlier
            .iter()
            .rposition(|(_, terms)| terms.basis() == Basis::PerIncident)?;
        let within = span_per_incident(&changes, at);
        let end = end_of_outage(outage, parts, within)?;
        let (terms, _) = self.terms_at_end(tenant, end);
        Some(IncidentTerms {
            terms,
            within,
            tenants: parts,
        })
    }

    /// Returns the time range around a month of terms per incident in which a tenant's incidents
    /// are credited by themselves. Outages outside it are credited with their period.
    pub(super) fn credited_by_incident(&self, tenant: &TenantId, month: Month) -> Window {
        let changes = self.changes(tenant);
        change_of(&changes, month).map_or(ALWAYS, |at| span_per_incident(&changes, at))
    }

    /// Lists the terms of a tenant with the number of the month from which each applies, ascending.
    ///
    /// The list is empty if the tenant's terms never change.
    fn changes(&self, tenant: &TenantId) -> Vec<(u32, &SlaTerms)> {
        let scheduled = self.agreed(tenant).filter(|one| one.changes().len() > 1);
        let changes = scheduled.into_iter().flat_map(Scheduled::changes);
        changes
            .map(|(first, terms)| (first, terms.unwrap_or_else(|| self.standard_terms())))
            .collect()
    }
}

/// Returns the end of one tenant's outage within a time range; `parts` are the tenant's parts.
fn end_of_outage(outage: &Windows, parts: &[AffectedTenant], within: Window) -> Option<Timestamp> {
    let bounds = parts.iter().filter_map(AffectedTenant::window);
    let bounds = bounds.filter_map(|bounds| bounds.intersect(within));
    bounds.filter_map(|bounds| outage.end_within(bounds)).max()
}

/// Returns the index of the last change up to and including a month.
fn change_of(changes: &[(u32, &SlaTerms)], month: Month) -> Option<usize> {
    let after = changes.partition_point(|(first, _)| *first <= number_of(month));
    after.checked_sub(1)
}

/// Returns the time range around a change in which terms per incident apply without a break.
fn span_per_incident(changes: &[(u32, &SlaTerms)], at: usize) -> Window {
    let by_period = |(_, terms): &&(u32, &SlaTerms)| terms.basis() != Basis::PerIncident;
    let before = changes.get(..at).unwrap_or_default();
    let first = before.iter().rposition(|one| by_period(&one));
    let rest = changes.get(at..).unwrap_or_default();
    let next = rest.iter().position(|one| by_period(&one));
    let edge = |to: usize| {
        let (_, old) = changes.get(to.checked_sub(1)?)?;
        let (first, new) = changes.get(to)?;
        let month = month_of(*first)?;
        let bounds = |month, terms: &SlaTerms| {
            Period::of_month(month, terms.basis().period()).window(terms.zone())
        };
        // Where the zones differ, neither side credits time that belongs to the other.
        Some((
            bounds(month.before()?, old).end(),
            bounds(month, new).start(),
        ))
    };
    let start = first.and_then(|first| edge(first + 1));
    let end = next.and_then(|next| edge(at + next));
    Window::spanning(
        start.map_or(Timestamp::MIN, |(old, new)| old.max(new)),
        end.map_or(Timestamp::MAX, |(old, new)| old.min(new)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sla::IncidentShare;
    use crate::sla::credit::tests::{at, outage};
    use crate::sla::{Contract, SlaStatement};
    use crate::{IncidentId, Name, Percent};

    fn terms(version: &str, basis: &str, validity: &str, zone: &str) -> SlaTerms {
        let text = format!(
            r#"{{"version": "{version}", "basis": "{basis}", {validity} "timezone": "{zone}", "target_percent": "99.9",
                "tiers": [{{"from_minutes": 0, "credit_percent": "0"}}, {{"from_minutes": 60, "credit_percent": "10"}},
                          {{"from_minutes": 90, "credit_percent": "20"}}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    /// Creates contracts with one tenant that has these versions of terms.
    fn agreed(versions: Vec<SlaTerms>) -> (Contracts, TenantId) {
        let (name, tenant) = (Name::new("gold").unwrap(), TenantId::new("fr").unwrap());
        let contracts = Contracts::default()
            .with_contract(name.clone(), Contract::versions(versions).unwrap())
            .with_tenant(tenant.clone(), Some(name), None)
            .unwrap();
        (contracts, tenant)
    }

    /// Creates contracts with one tenant: per incident until `from`, per month until March 2027,
    /// then per incident again.
    fn changing(from: &str, zone: &str) -> (Contracts, TenantId) {
        let until = format!(r#""valid_until": "{from}","#);
        let between = format!(r#""valid_from": "{from}", "valid_until": "2027-03-01T00:00:00Z","#);
        let versions = vec![
            terms("first", "per_incident", &until, "UTC"),
            terms("month", "per_month", &between, zone),
            terms(
                "last",
                "per_incident",
                r#""valid_from": "2027-03-01T00:00:00Z","#,
                "UTC",
            ),
        ];
        agreed(versions)
    }

    #[test]
    fn an_outage_is_cut_where_the_basis_changes() {
        let (contracts, tenant) = changing("2026-12-01T00:00:00Z", "UTC");
        let hit = [AffectedTenant::whole(tenant)];
        for (start, end, version, from, until) in [
            (
                "2026-11-05T00:00:00Z",
                "2026-11-06T00:00:00Z",
                "first",
                "2026-11-05T00:00:00Z",
                "2026-11-06T00:00:00Z",
            ),
            (
                "2026-10-31T23:00:00Z",
                "2026-11-01T01:00:00Z",
                "first",
                "2026-10-31T23:00:00Z",
                "2026-11-01T01:00:00Z",
            ),
            (
                "2026-11-30T23:00:00Z",
                "2026-12-01T00:00:00Z",
                "first",
                "2026-11-30T23:00:00Z",
                "2026-12-01T00:00:00Z",
            ),
            (
                "2026-11-30T23:00:00Z",
                "2026-12-01T01:00:00Z",
                "first",
                "2026-11-30T23:00:00Z",
                "2026-12-01T00:00:00Z",
            ),
            (
                "2026-10-30T23:00:00Z",
                "2027-01-01T01:00:00Z",
                "first",
                "2026-10-30T23:00:00Z",
                "2026-12-01T00:00:00Z",
            ),
            (
                "2026-12-01T00:00:00Z",
                "2027-01-01T01:00:00Z",
                "month",
                "2026-12-01T00:00:00Z",
                "2027-01-01T01:00:00Z",
            ),
            (
                "2027-02-28T23:00:00Z",
                "2027-03-01T01:00:00Z",
                "last",
                "2027-03-01T00:00:00Z",
                "2027-03-01T01:00:00Z",
            ),
            // The ledger has one row per incident, under the terms of its end.
            (
                "2026-11-30T23:00:00Z",
                "2027-03-01T01:00:00Z",
                "last",
                "2027-03-01T00:00:00Z",
                "2027-03-01T01:00:00Z",
            ),
        ] {
            let whole = outage(start, end);
            let found = contracts
                .terms_of_outage(&whole, &hit, Timestamp::MIN)
                .unwrap();
            assert_eq!(found.terms.version().as_str(), version, "{start} {end}");
            assert_eq!(found.outage(&whole), outage(from, until), "{start} {end}");
        }
        // The terms of another tenant do not change.
        let other = [AffectedTenant::whole(TenantId::new("other").unwrap())];
        let long = outage("2026-11-30T23:00:00Z", "2026-12-01T01:00:00Z");
        let found = contracts
            .terms_of_outage(&long, &other, Timestamp::MIN)
            .unwrap();
        assert_eq!(found.outage(&long), long);
    }

    /// Of several terms per incident before the change, those at the part's own end apply.
    #[test]
    fn the_part_before_a_change_has_the_terms_of_its_end() {
        let between =
            r#""valid_from": "2026-11-01T00:00:00Z", "valid_until": "2026-12-01T00:00:00Z","#;
        let versions = vec![
            terms(
                "first",
                "per_incident",
                r#""valid_until": "2026-11-01T00:00:00Z","#,
                "UTC",
            ),
            terms("second", "per_incident", between, "UTC"),
            terms(
                "month",
                "per_month",
                r#""valid_from": "2026-12-01T00:00:00Z","#,
                "UTC",
            ),
        ];
        let (contracts, tenant) = agreed(versions);
        let hit = [AffectedTenant::whole(tenant)];
        let december = outage("2026-12-02T00:00:00Z", "2026-12-02T01:00:00Z");
        for (start, end, version) in [
            ("2026-10-30T00:00:00Z", "2026-10-31T00:00:00Z", "first"),
            ("2026-10-30T00:00:00Z", "2026-11-02T00:00:00Z", "second"),
        ] {
            let before = outage(start, end);
            let found = contracts
                .terms_of_outage(&before.union(&december), &hit, at(end))
                .unwrap();
            assert_eq!(found.terms.version().as_str(), version, "{start}");
            assert_eq!(found.outage(&before.union(&december)), before);
        }
    }

    /// The month of the new terms begins nine hours earlier; those hours belong to it.
    #[test]
    fn no_hour_is_credited_twice_where_zones_differ() {
        let (contracts, tenant) = changing("2026-11-30T15:00:00Z", "Asia/Tokyo");
        let hit = [AffectedTenant::whole(tenant)];
        let whole = outage("2026-11-30T10:00:00Z", "2026-12-01T01:00:00Z");
        let found = contracts
            .terms_of_outage(&whole, &hit, Timestamp::MIN)
            .unwrap();
        let before = outage("2026-11-30T10:00:00Z", "2026-11-30T15:00:00Z");
        assert_eq!(found.outage(&whole), before);
    }

    #[test]
    fn statements_credit_each_part_once() {
        let (contracts, tenant) = changing("2026-12-01T00:00:00Z", "UTC");
        let now = at("2027-06-01T00:00:00Z");
        let statement = |month: &str, of: &Windows| -> SlaStatement {
            let share = IncidentShare {
                incident: "01a1fe7e-8565-7544-9512-dcd142c5f862"
                    .parse::<IncidentId>()
                    .unwrap(),
                outage: of.clone(),
                weight: Percent::HUNDRED,
                open: false,
            };
            contracts.statement(&tenant, month.parse().unwrap(), vec![share], now)
        };
        for (start, end, credits) in [
            (
                "2026-11-30T23:00:00Z",
                "2026-12-01T01:30:00Z",
                [("2026-11", "10"), ("2026-12", "20")],
            ),
            (
                "2026-11-30T22:30:00Z",
                "2026-12-01T00:30:00Z",
                [("2026-11", "20"), ("2026-12", "0")],
            ),
            (
                "2027-02-28T22:30:00Z",
                "2027-03-01T01:00:00Z",
                [("2027-02", "20"), ("2027-03", "10")],
            ),
            (
                "2027-02-28T23:30:00Z",
                "2027-03-01T00:30:00Z",
                [("2027-02", "0"), ("2027-03", "0")],
            ),
        ] {
            for (month, credit) in credits {
                let made = statement(month, &outage(start, end));
                assert_eq!(made.credit_percent.to_string(), credit, "{start} {month}");
            }
        }
    }
}

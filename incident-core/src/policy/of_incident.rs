//! The policy that holds for one incident.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{ExecutiveUpdates, Policy, PolicyOverride, SeverityPolicy, TimeLimit};
use crate::incident::{Affected, Severity};
use crate::paging::Urgency;
use crate::{ServiceId, TenantId, Timestamp};

/// The tenants of an incident, for look-ups.
enum TenantsHit<'a> {
    All,
    These(BTreeSet<&'a TenantId>),
}

impl<'a> TenantsHit<'a> {
    fn of(affected: &'a Affected) -> Self {
        match affected {
            Affected::All => Self::All,
            Affected::These(list) => Self::These(list.iter().map(|one| &one.tenant_id).collect()),
        }
    }

    fn contain(&self, tenant: &TenantId) -> bool {
        match self {
            Self::All => true,
            Self::These(tenants) => tenants.contains(tenant),
        }
    }
}

/// Returns `true` if an incident hits the subject of an override. One that hits all tenants hits each.
fn matches(
    one: &PolicyOverride,
    services: &BTreeSet<&ServiceId>,
    tenants: &TenantsHit<'_>,
) -> bool {
    let service = one.service.as_ref();
    let tenant = one.tenant.as_ref();
    service.is_none_or(|service| services.contains(service))
        && tenant.is_none_or(|tenant| tenants.contain(tenant))
}

/// The policy that holds for one incident: everything that its severity and the matching overrides
/// promise together.
///
/// An override replaces the policy of the severity for the part of the incident that it is about,
/// which is a pair of service and tenant. Where an incident hits several such parts, the strictest
/// value of each kind holds: the earliest deadline, the shortest time between updates, the higher
/// urgency, the longest watch; and it pages, or needs a post-mortem, if any part does.
#[derive(Clone, Debug)]
pub struct IncidentPolicy<'a> {
    policy: &'a Policy,
    /// The policy of the severity, if it holds for a part of the incident.
    base: Option<&'a SeverityPolicy>,
    overriding: Vec<&'a SeverityPolicy>,
}

/// The instants of a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueTimes {
    /// The instant from which it is at risk.
    pub at_risk_at: Timestamp,
    /// The deadline.
    pub due_at: Timestamp,
}

impl Policy {
    /// Returns the policy that holds for an incident of these services and tenants, overrides
    /// included.
    #[must_use]
    pub fn of_incident(
        &self,
        services: &[ServiceId],
        tenants: &Affected,
        severity: Severity,
    ) -> IncidentPolicy<'_> {
        let mut found = IncidentPolicy {
            policy: self,
            base: Some(self.of(severity)),
            overriding: Vec::new(),
        };
        if self.overrides.is_empty() {
            return found;
        }
        let services: BTreeSet<&ServiceId> = services.iter().collect();
        let tenants = TenantsHit::of(tenants);
        let mut parts = Vec::new();
        for one in &self.overrides {
            if let Some(values) = one.severities.get(&severity)
                && matches(one, &services, &tenants)
            {
                parts.push(one);
                found.overriding.push(values);
            }
        }
        if covers(&parts, &services, &tenants) {
            found.base = None;
        }
        found
    }
}

impl<'a> IncidentPolicy<'a> {
    fn layers(&self) -> impl Iterator<Item = &'a SeverityPolicy> {
        self.base.into_iter().chain(self.overriding.iter().copied())
    }

    fn any(&self, is: impl Fn(&SeverityPolicy) -> bool) -> bool {
        self.layers().any(is)
    }

    fn shortest(&self, minutes: impl Fn(&SeverityPolicy) -> Option<u32>) -> Option<Duration> {
        self.layers().filter_map(minutes).min().map(of_minutes)
    }

    fn earliest(
        &self,
        limit: impl Fn(&'a SeverityPolicy) -> Option<&'a TimeLimit>,
        start: Timestamp,
    ) -> Option<DueTimes> {
        let times = self.layers().filter_map(limit).map(|limit| DueTimes {
            at_risk_at: self.policy.at_risk(limit, start),
            due_at: self.policy.deadline(limit, start),
        });
        times.min_by_key(|times| (times.due_at, times.at_risk_at))
    }

    /// Returns `true` if a declaration pages on-call.
    #[must_use]
    pub fn page(&self) -> bool {
        self.any(|layer| layer.page)
    }

    /// Returns `true` if a reopen pages on-call again.
    #[must_use]
    pub fn page_on_reopen(&self) -> bool {
        self.any(|layer| layer.page_on_reopen)
    }

    /// Returns `true` if raising an incident to its severity pages on-call again, if its page so
    /// far wakes no one.
    #[must_use]
    pub fn page_on_raise(&self) -> bool {
        self.any(|layer| layer.page_on_raise)
    }

    /// Returns the urgency of its page.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        match self.any(|layer| layer.urgency == Urgency::High) {
            true => Urgency::High,
            false => Urgency::Low,
        }
    }

    /// Returns the times of the acknowledgement of a page opened at `start`; `None` without a
    /// promise.
    #[must_use]
    pub fn acknowledge_by(&self, start: Timestamp) -> Option<DueTimes> {
        self.earliest(|layer| layer.acknowledge_within.as_ref(), start)
    }

    /// Returns the times of the resolution of an incident declared or reopened at `start`; `None`
    /// without a promise.
    #[must_use]
    pub fn resolve_by(&self, start: Timestamp) -> Option<DueTimes> {
        self.earliest(|layer| layer.resolve_within.as_ref(), start)
    }

    /// Returns the times of the post-mortem of an incident resolved at `start`; `None` if none is
    /// required, or by no time.
    #[must_use]
    pub fn post_mortem_by(&self, start: Timestamp) -> Option<DueTimes> {
        let limit = |layer: &'a SeverityPolicy| {
            let limit = layer.post_mortem_within.as_ref();
            limit.filter(|_| layer.post_mortem_required)
        };
        self.earliest(limit, start)
    }

    /// Returns the time between two updates for the team; `None` without a promise.
    #[must_use]
    pub fn update_every(&self) -> Option<Duration> {
        self.shortest(|layer| layer.update_every_minutes)
    }

    /// Returns the time between two updates of the status page, while the incident is public;
    /// `None` without a promise.
    #[must_use]
    pub fn public_update_every(&self) -> Option<Duration> {
        self.shortest(|layer| layer.public_update_every_minutes)
    }

    /// Returns the times of an update for executives: of the first one, at once, if they get one at
    /// the start, or else of the one that is a day after `start`; `None` if they get none.
    #[must_use]
    pub fn executive_update_by(&self, start: Timestamp) -> Option<DueTimes> {
        if self.executive_at_start_and_end() {
            return Some(DueTimes {
                at_risk_at: start,
                due_at: start,
            });
        }
        self.executive_daily().then(|| self.daily_by(start))
    }

    /// Returns the times of something that is due a day of the team's calendar after `start`.
    pub(crate) fn daily_by(&self, start: Timestamp) -> DueTimes {
        let day = TimeLimit::days(1);
        DueTimes {
            at_risk_at: self.policy.at_risk(&day, start),
            due_at: self.policy.deadline(&day, start),
        }
    }

    /// Returns the times of something that is due a period after `start`.
    pub(crate) fn times_after(&self, start: Timestamp, period: Duration) -> DueTimes {
        DueTimes {
            at_risk_at: start.saturating_add(self.policy.at_risk_share(period)),
            due_at: start.saturating_add(period),
        }
    }

    /// Returns `true` if executives get an update at the start, and one at the resolution.
    #[must_use]
    pub fn executive_at_start_and_end(&self) -> bool {
        self.any(|layer| layer.executive_updates == ExecutiveUpdates::AtStartAndEnd)
    }

    /// Returns `true` if executives get an update a day.
    #[must_use]
    pub fn executive_daily(&self) -> bool {
        self.any(|layer| layer.executive_updates == ExecutiveUpdates::Daily)
    }

    /// Returns `true` if closing needs a post-mortem link.
    #[must_use]
    pub fn post_mortem_required(&self) -> bool {
        self.any(|layer| layer.post_mortem_required)
    }

    /// Returns the time for which it is watched once it is resolved; `None` if it is not.
    #[must_use]
    pub fn watch(&self) -> Option<Duration> {
        let minutes = self.layers().filter_map(|layer| layer.watch_minutes).max();
        minutes.map(of_minutes)
    }
}

fn of_minutes(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

/// Returns `true` if every pair of a service and a tenant of an incident has an override among
/// `parts`, so that the policy of its severity holds for none of them. A service or tenant that
/// nobody named yet has none.
fn covers(
    parts: &[&PolicyOverride],
    services: &BTreeSet<&ServiceId>,
    tenants: &TenantsHit<'_>,
) -> bool {
    let whole = |service: bool, tenant: bool| {
        move |one: &&&PolicyOverride| {
            one.service.is_some() == service && one.tenant.is_some() == tenant
        }
    };
    let whole_services = parts.iter().filter(whole(true, false));
    let whole_services: BTreeSet<&ServiceId> = whole_services
        .filter_map(|one| one.service.as_ref())
        .collect();
    let services_left = services.difference(&whole_services).count();
    if services_left == 0 && !services.is_empty() {
        return true;
    }
    let TenantsHit::These(tenants) = tenants else {
        return false;
    };
    let whole_tenants = parts.iter().filter(whole(false, true));
    let whole_tenants: BTreeSet<&TenantId> = whole_tenants
        .filter_map(|one| one.tenant.as_ref())
        .collect();
    let tenants_left = tenants.difference(&whole_tenants).count();
    if tenants_left == 0 && !tenants.is_empty() {
        return true;
    }
    let pairs: BTreeSet<(&ServiceId, &TenantId)> = parts
        .iter()
        .filter_map(|one| one.service.as_ref().zip(one.tenant.as_ref()))
        .filter(|(service, tenant)| {
            !whole_services.contains(service) && !whole_tenants.contains(tenant)
        })
        .collect();
    let known = !services.is_empty() && !tenants.is_empty();
    known && pairs.len() == services_left * tenants_left
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::incident::AffectedTenant;

    fn services(names: &[&str]) -> Vec<ServiceId> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn tenants(names: &[&str]) -> Affected {
        let whole = |name: &&str| AffectedTenant::whole(name.parse().unwrap());
        Affected::these(names.iter().map(whole).collect()).unwrap()
    }

    fn one(service: &str, tenant: &str, acknowledge: Option<u32>) -> PolicyOverride {
        let values = SeverityPolicy {
            acknowledge_within: acknowledge.map(TimeLimit::minutes),
            ..Policy::default().sev2
        };
        PolicyOverride {
            service: (!service.is_empty()).then(|| service.parse().unwrap()),
            tenant: (!tenant.is_empty()).then(|| tenant.parse().unwrap()),
            severities: BTreeMap::from([(Severity::Sev2, values)]),
        }
    }

    /// Minutes until the acknowledgement of a SEV2, for which the policy itself says 15.
    fn minutes(overrides: &[PolicyOverride], services: &[&str], hit: &Affected) -> Option<u64> {
        let policy = Policy {
            overrides: overrides.to_vec(),
            ..Policy::default()
        };
        let start: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let of = policy.of_incident(&self::services(services), hit, Severity::Sev2);
        let times = of.acknowledge_by(start)?;
        Some((times.due_at.micros() - start.micros()).unsigned_abs() / 60_000_000)
    }

    #[test]
    fn an_override_holds_for_its_part_of_an_incident() {
        let fr = tenants(&["tenant-fr"]);
        let both = tenants(&["tenant-de", "tenant-fr"]);
        let none = tenants(&[]);
        for (overrides, services, hit, expected) in [
            // Nothing matches.
            (
                vec![one("", "tenant-it", Some(5))],
                &["api"][..],
                &fr,
                Some(15),
            ),
            (vec![one("web", "", Some(5))], &["api"], &fr, Some(15)),
            (
                vec![one("api", "tenant-it", Some(5))],
                &["api"],
                &fr,
                Some(15),
            ),
            (
                vec![one("", "tenant-fr", Some(5))],
                &["api"],
                &none,
                Some(15),
            ),
            // A tenant, a service, a service of a tenant; stricter and laxer ones.
            (vec![one("", "tenant-fr", Some(5))], &["api"], &fr, Some(5)),
            (
                vec![one("", "tenant-fr", Some(60))],
                &["api"],
                &fr,
                Some(60),
            ),
            (vec![one("", "tenant-fr", None)], &[], &fr, None),
            (vec![one("api", "", Some(60))], &["api"], &none, Some(60)),
            (
                vec![one("api", "tenant-fr", Some(60))],
                &["api"],
                &fr,
                Some(60),
            ),
            // What no override is about has the promise of the severity.
            (
                vec![one("", "tenant-fr", Some(60))],
                &["api"],
                &both,
                Some(15),
            ),
            (vec![one("api", "", None)], &["api", "web"], &fr, Some(15)),
            (
                vec![one("api", "tenant-fr", Some(60))],
                &["api"],
                &both,
                Some(15),
            ),
            (
                vec![one("api", "tenant-fr", Some(60))],
                &["api", "web"],
                &fr,
                Some(15),
            ),
            // Several overrides cover it together: the earliest holds.
            (
                vec![
                    one("", "tenant-fr", Some(60)),
                    one("", "tenant-de", Some(30)),
                ],
                &["api"],
                &both,
                Some(30),
            ),
            (
                vec![
                    one("api", "tenant-fr", Some(60)),
                    one("api", "tenant-de", None),
                ],
                &["api"],
                &both,
                Some(60),
            ),
            (
                vec![one("web", "", Some(90)), one("api", "tenant-fr", Some(60))],
                &["api", "web"],
                &fr,
                Some(60),
            ),
            (
                vec![one("", "tenant-fr", Some(60)), one("api", "", Some(20))],
                &["api"],
                &fr,
                Some(20),
            ),
            // All tenants match every override, and no list of overrides covers them.
            (
                vec![one("", "tenant-fr", Some(5))],
                &["api"],
                &Affected::All,
                Some(5),
            ),
            (
                vec![one("", "tenant-fr", None)],
                &["api"],
                &Affected::All,
                Some(15),
            ),
            (vec![one("api", "", None)], &["api"], &Affected::All, None),
        ] {
            assert_eq!(
                minutes(&overrides, services, hit),
                expected,
                "{overrides:?}"
            );
        }
    }

    /// The pairs are counted: against a walk over all of them, for every set of two overrides.
    #[test]
    fn the_severity_holds_where_a_pair_has_no_override() {
        let (names, hit) = (["a", "b"], ["x", "y"]);
        let places: Vec<(&str, &str)> = [("a", ""), ("b", ""), ("", "x"), ("", "y")]
            .into_iter()
            .chain(names.iter().flat_map(|name| hit.map(|one| (*name, one))))
            .collect();
        for mask in 0_u32..1 << places.len() {
            let bits = places.iter().enumerate();
            let chosen: Vec<(&str, &str)> = bits
                .filter(|(bit, _)| mask & (1 << bit) != 0)
                .map(|(_, place)| *place)
                .collect();
            let of = |name: &str, one: &str| {
                let is = |(service, tenant): &&(&str, &str)| {
                    (service.is_empty() || *service == name)
                        && (tenant.is_empty() || *tenant == one)
                };
                chosen.iter().any(|place| is(&place))
            };
            let covered = names.iter().all(|name| hit.iter().all(|one| of(name, one)));
            let overrides: Vec<_> = chosen
                .iter()
                .map(|(service, tenant)| one(service, tenant, Some(60)))
                .collect();
            let expected = if covered { 60 } else { 15 };
            assert_eq!(
                minutes(&overrides, &names, &tenants(&hit)),
                Some(expected),
                "{chosen:?}"
            );
        }
    }

    #[test]
    fn the_strictest_of_several_layers_holds() {
        let lax = SeverityPolicy {
            page: false,
            page_on_reopen: false,
            page_on_raise: false,
            urgency: Urgency::Low,
            acknowledge_within: None,
            resolve_within: Some(TimeLimit::days(2)),
            update_every_minutes: None,
            public_update_every_minutes: Some(240),
            executive_updates: ExecutiveUpdates::AtStartAndEnd,
            post_mortem_required: false,
            post_mortem_within: Some(TimeLimit::days(1)),
            watch_minutes: Some(10),
            ..Policy::default().sev2
        };
        let strict = SeverityPolicy {
            resolve_within: Some(TimeLimit::minutes(60)),
            update_every_minutes: Some(30),
            watch_minutes: Some(120),
            ..Policy::default().sev2
        };
        let of = |tenant: &str, values: &SeverityPolicy| PolicyOverride {
            severities: BTreeMap::from([(Severity::Sev2, values.clone())]),
            ..one("", tenant, None)
        };
        let policy = Policy {
            overrides: vec![of("tenant-fr", &lax), of("tenant-de", &strict)],
            ..Policy::default()
        };
        let start: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let hit = |names: &[&str]| policy.of_incident(&[], &tenants(names), Severity::Sev2);
        let both = hit(&["tenant-fr", "tenant-de"]);
        assert!(both.page() && both.page_on_reopen() && both.page_on_raise());
        assert!(both.post_mortem_required());
        assert_eq!(both.urgency(), Urgency::High);
        assert_eq!(both.update_every(), Some(of_minutes(30)));
        assert_eq!(both.public_update_every(), Some(of_minutes(60)));
        assert_eq!(both.watch(), Some(of_minutes(120)));
        assert!(both.executive_daily() && both.executive_at_start_and_end());
        let resolve = both.resolve_by(start).unwrap();
        assert_eq!(resolve.due_at.to_string(), "2026-11-20T15:00:00Z");
        assert_eq!(resolve.at_risk_at.to_string(), "2026-11-20T14:45:00Z");
        // A time for a post-mortem that is not required is no promise.
        let post_mortem = both.post_mortem_by(start).unwrap();
        assert_eq!(post_mortem.due_at.to_string(), "2026-11-27T14:00:00Z");
        let alone = hit(&["tenant-fr"]);
        assert!(!alone.page() && !alone.page_on_reopen() && !alone.page_on_raise());
        assert!(!alone.post_mortem_required() && alone.post_mortem_by(start).is_none());
        assert_eq!(alone.urgency(), Urgency::Low);
        assert_eq!(
            (alone.update_every(), alone.acknowledge_by(start)),
            (None, None)
        );
        assert!(!alone.executive_daily() && alone.executive_at_start_and_end());
        // Another severity has no override.
        let other = policy.of_incident(&[], &tenants(&["tenant-fr"]), Severity::Sev1);
        assert_eq!(other.update_every(), Some(of_minutes(15)));
    }
}

//! Affected users by minute, service and endpoint.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{ApiUsageEvent, ImpactQuery};
use crate::{ServiceId, Text, Timestamp, UserId};

/// Microseconds in one minute.
pub const MINUTE_US: i64 = 60_000_000;

/// Maximum number of endpoints in a [`Breakdown`].
pub const TOP_ENDPOINTS: usize = 20;

/// Users that are first affected in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstHits {
    /// The start of the minute, in UTC.
    pub minute: Timestamp,
    /// Users without an earlier event in the windows of the query.
    ///
    /// Each counts in one minute only, over all tenants, so that minutes can be added up.
    pub users: u64,
}

/// Users of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUsers {
    /// The service.
    pub service: ServiceId,
    /// Distinct users over all tenants. Services share users, so these numbers do not add up.
    pub users: u64,
}

/// Users of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointUsers {
    /// The service of the endpoint.
    pub service: ServiceId,
    /// The endpoint, as named in events.
    pub endpoint: Text,
    /// Distinct users over all tenants.
    pub users: u64,
}

/// The users of an [`ImpactQuery`], broken down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakdown {
    /// Minutes in which a user was first affected, in order. Their sum is the distinct total.
    pub first_hits: Vec<FirstHits>,
    /// Services with users, most users first, then by name.
    pub by_service: Vec<ServiceUsers>,
    /// The [`TOP_ENDPOINTS`] with most users, then by service and name.
    ///
    /// Events without an endpoint, or with an empty one, are left out.
    pub by_endpoint: Vec<EndpointUsers>,
}

impl Breakdown {
    /// Sorts rows in the order of the contract and drops endpoints beyond [`TOP_ENDPOINTS`].
    #[must_use]
    pub fn ordered(mut self) -> Self {
        self.first_hits.sort_by_key(|one| one.minute);
        self.by_service
            .sort_by(|a, b| (Reverse(a.users), &a.service).cmp(&(Reverse(b.users), &b.service)));
        self.by_endpoint.sort_by(|a, b| {
            let key = |one: &'_ EndpointUsers| Reverse(one.users);
            (key(a), &a.service, a.endpoint.as_str()).cmp(&(
                key(b),
                &b.service,
                b.endpoint.as_str(),
            ))
        });
        self.by_endpoint.truncate(TOP_ENDPOINTS);
        self
    }
}

/// Returns the start of the minute of a time.
#[must_use]
pub fn minute_of(time: Timestamp) -> Timestamp {
    let start = time.micros().div_euclid(MINUTE_US) * MINUTE_US;
    Timestamp::from_micros(start).unwrap_or(time)
}

/// Computes the breakdown of events.
///
/// This is the reference of [`UsageSource::breakdown`](crate::port::UsageSource::breakdown).
pub fn break_down<'a>(
    events: impl IntoIterator<Item = &'a ApiUsageEvent>,
    query: &ImpactQuery,
) -> Breakdown {
    let windows: BTreeMap<_, _> = query
        .tenants()
        .iter()
        .map(|one| (&one.tenant, &one.windows))
        .collect();
    let mut first: BTreeMap<&UserId, Timestamp> = BTreeMap::new();
    let mut services: BTreeMap<&ServiceId, BTreeSet<&UserId>> = BTreeMap::new();
    let mut endpoints: BTreeMap<(&ServiceId, &str), (&Text, BTreeSet<&UserId>)> = BTreeMap::new();
    for event in events.into_iter().filter(|event| query.counts(event)) {
        let windows = windows.get(&event.tenant_id);
        if !windows.is_some_and(|windows| windows.contains(event.occurred_at)) {
            continue;
        }
        let earliest = first.entry(&event.user_id).or_insert(event.occurred_at);
        *earliest = event.occurred_at.min(*earliest);
        services
            .entry(&event.service)
            .or_default()
            .insert(&event.user_id);
        let endpoint = event.endpoint.as_ref();
        if let Some(endpoint) = endpoint.filter(|name| !name.as_str().is_empty()) {
            let key = (&event.service, endpoint.as_str());
            let found = endpoints.entry(key);
            let (_, users) = found.or_insert_with(|| (endpoint, BTreeSet::new()));
            users.insert(&event.user_id);
        }
    }
    let mut minutes: BTreeMap<Timestamp, u64> = BTreeMap::new();
    for time in first.into_values() {
        *minutes.entry(minute_of(time)).or_default() += 1;
    }
    let size = |users: BTreeSet<&UserId>| u64::try_from(users.len()).unwrap_or(u64::MAX);
    Breakdown {
        first_hits: minutes
            .into_iter()
            .map(|(minute, users)| FirstHits { minute, users })
            .collect(),
        by_service: services
            .into_iter()
            .map(|(service, users)| ServiceUsers {
                service: service.clone(),
                users: size(users),
            })
            .collect(),
        by_endpoint: endpoints
            .into_iter()
            .map(|((service, _), (endpoint, users))| EndpointUsers {
                service: service.clone(),
                endpoint: endpoint.clone(),
                users: size(users),
            })
            .collect(),
    }
    .ordered()
}

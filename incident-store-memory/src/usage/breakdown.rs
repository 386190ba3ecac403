//! Breakdown of affected users by time of first hit, service and endpoint.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use incident_core::Timestamp;
use incident_core::impact::{Breakdown, EndpointUsers, FirstHits, MINUTE_US, ServiceUsers};
use incident_core::port::UsageError;

use super::ids::RawId;
use super::kinds::EventKind;
use super::log::Log;
use super::scan::{EventRow, EventRows, Filter};
use super::snapshot::in_time;

/// Number of rows between two checks of the timeout.
const STRIDE: usize = 64 * 1024;

type UserHits<T> = HashMap<RawId, T, RandomState>;

/// Counts the users in the rows of all tenants by first minute, service and endpoint.
pub(super) fn breakdown(
    rows: &[Option<(&Log, EventRows<'_>)>],
    filter: &Filter,
    kinds: &[EventKind],
    (started, timeout): (Instant, Duration),
) -> Result<Breakdown, UsageError> {
    let mut first: UserHits<i64> = HashMap::default();
    // By number of the kind.
    let mut of_kind: Vec<UserHits<()>> = Vec::new();
    of_kind.resize_with(kinds.len(), HashMap::default);
    for (log, some) in rows.iter().flatten() {
        let users = log.users();
        for (at, EventRow { time, user, facts }) in some.each(filter, &users).enumerate() {
            let earliest = first.entry(user).or_insert(time);
            *earliest = time.min(*earliest);
            // Always present: kinds were copied after the snapshot.
            if let Some(users) = of_kind.get_mut(usize::from(facts.kind())) {
                users.insert(user, ());
            }
            if at % STRIDE == STRIDE - 1 {
                in_time(started, timeout, rows)?;
            }
        }
        in_time(started, timeout, rows)?;
    }
    Ok(told(&first, of_kind, kinds))
}

fn told(first: &UserHits<i64>, of_kind: Vec<UserHits<()>>, kinds: &[EventKind]) -> Breakdown {
    let mut minutes: HashMap<i64, u64, RandomState> = HashMap::default();
    for time in first.values() {
        *minutes.entry(time.div_euclid(MINUTE_US)).or_default() += 1;
    }
    let first_hits = minutes.into_iter().filter_map(|(minute, users)| {
        let minute = Timestamp::from_micros(minute * MINUTE_US).ok()?;
        Some(FirstHits { minute, users })
    });
    let first_hits = first_hits.collect();
    let mut by_endpoint = Vec::new();
    let mut services: HashMap<_, UserHits<()>, RandomState> = HashMap::default();
    for (kind, users) in kinds.iter().zip(of_kind) {
        if users.is_empty() {
            continue;
        }
        if let Some(endpoint) = &kind.endpoint {
            by_endpoint.push(EndpointUsers {
                service: kind.service.clone(),
                endpoint: endpoint.clone(),
                users: count(&users),
            });
        }
        // The smaller set is added to the larger one.
        let all = services.entry(&kind.service).or_default();
        let (mut large, small) = if all.len() < users.len() {
            (users, std::mem::take(all))
        } else {
            (std::mem::take(all), users)
        };
        large.extend(small);
        *all = large;
    }
    let by_service = services.into_iter().map(|(service, users)| ServiceUsers {
        service: service.clone(),
        users: count(&users),
    });
    Breakdown {
        first_hits,
        by_service: by_service.collect(),
        by_endpoint,
    }
    .ordered()
}

fn count(users: &UserHits<()>) -> u64 {
    u64::try_from(users.len()).unwrap_or(u64::MAX)
}

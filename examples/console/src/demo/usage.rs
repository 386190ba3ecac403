//! Usage events of the demo, as a gateway would report them.

use std::time::Duration;

use incident_core::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Share of users that an outage hits first in each of twelve equal parts of it, in percent: it
/// grows, reaches most in a wave, and fades as those who come have been hit before.
const FIRST_HITS: [u64; 12] = [2, 5, 11, 18, 21, 15, 10, 7, 5, 3, 2, 1];

/// Endpoints of a service, and how many of ten calls go to each.
const ENDPOINTS: [(&str, usize); 3] = [("/v1/orders", 6), ("/v1/scores", 3), ("/v1/players", 1)];

/// The users of a tenant in an outage.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HitUsers {
    pub(super) tenant: String,
    /// Number of users that are hit.
    pub(super) hit: u64,
    /// Number of users in the same hours of an ordinary week.
    pub(super) usual: u64,
    pub(super) minutes: u32,
}

impl HitUsers {
    /// Returns the events of an outage of a service, and of the four weeks before it.
    pub(super) fn events(&self, service: &str, start: Timestamp) -> Vec<Value> {
        let mut events = Vec::new();
        let part = MINUTE * self.minutes / 12;
        let (mut percent, mut hit) = (0, 0);
        for (number, share) in (0..).zip(FIRST_HITS) {
            percent += share;
            let begins = start.saturating_add(part * number);
            // The parts of users that shares leave fall into the next part of the outage.
            let (first, next) = (hit, self.hit * percent / 100);
            let users = next - first;
            let time = |user| within(begins, part, user - first, users);
            events.extend((first..next).map(|user| self.event(service, user, true, time(user))));
            hit = next;
        }
        for week in 1..=4 {
            let begins = start.saturating_sub(WEEK * week);
            let all = MINUTE * self.minutes;
            let event =
                |user| self.event(service, user, false, within(begins, all, user, self.usual));
            events.extend((0..self.usual).map(event));
        }
        events
    }

    fn event(&self, service: &str, user: u64, failed: bool, at: Timestamp) -> Value {
        let mut place = usize::try_from(user % 10).unwrap_or(0);
        let endpoint = ENDPOINTS.iter().find(|(_, calls)| {
            let is_it = place < *calls;
            place = place.saturating_sub(*calls);
            is_it
        });
        let name = format!("{}-user-{user}", self.tenant);
        json!({"tenant_id": self.tenant, "user_id": name, "service": service, "occurred_at": at,
            "failed": failed, "endpoint": endpoint.map(|(path, _)| path)})
    }
}

/// Returns the time of the `nth` of `all` events that are spread evenly.
pub(super) fn within(begins: Timestamp, length: Duration, nth: u64, all: u64) -> Timestamp {
    let us = u64::try_from(length.as_micros()).unwrap_or(0) / all.max(1) * nth;
    begins.saturating_add(Duration::from_micros(us))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn all_users_are_hit_within_the_outage_and_most_in_its_first_half() {
        assert_eq!(FIRST_HITS.iter().sum::<u64>(), 100);
        let outage = HitUsers {
            tenant: "tenant-fr".to_owned(),
            hit: 1_247,
            usual: 50,
            minutes: 60,
        };
        let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
        let events = outage.events("api", start);
        let at =
            |one: &Value| -> Timestamp { one["occurred_at"].as_str().unwrap().parse().unwrap() };
        let hits: Vec<&Value> = events.iter().filter(|one| one["failed"] == true).collect();
        assert_eq!((hits.len(), events.len()), (1_247, 1_447));
        let users: BTreeSet<&str> = hits
            .iter()
            .filter_map(|one| one["user_id"].as_str())
            .collect();
        assert_eq!(users.len(), hits.len());
        let (half, end) = (
            start.saturating_add(MINUTE * 30),
            start.saturating_add(MINUTE * 60),
        );
        assert!(hits.iter().all(|one| at(one) >= start && at(one) < end));
        let early = hits.iter().filter(|one| at(one) < half).count();
        assert!(early > 840, "{early}");
    }
}

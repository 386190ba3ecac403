//! Throttling of wrong tokens by source address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use metrics::{Unit, counter, describe_counter};
use tokio::time::Instant;

use super::problem::Problem;

/// Wrong tokens of one source within [`WINDOW`] that are answered with 401; further ones with 429.
const MAX_REFUSALS: u32 = 20;
/// Window in which wrong tokens are counted, and minimum time between two log lines.
const WINDOW: Duration = Duration::from_secs(60);
/// Maximum number of sources counted separately. Further ones share one count, which is harmless: a
/// known token is never refused.
const SOURCES: usize = 4_096;

const WRONG: &str = "incident_console_wrong_tokens_total";

/// The wrong tokens of the last minute.
///
/// A source is an IPv4 address, or the first 64 bits of an IPv6 address: the client can choose the
/// rest.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// `None` is the shared count of the sources that did not fit.
    sources: HashMap<Option<IpAddr>, Count>,
    not_logged: u64,
    logged: Option<Instant>,
}

#[derive(Debug)]
struct Count {
    since: Instant,
    wrong: u32,
    /// Wrong tokens since the last log line.
    not_logged: u64,
}

impl Throttle {
    /// Counts a wrong token. Returns the time until the source gets 401 again if there were too
    /// many.
    pub(crate) fn count(&self, from: Option<IpAddr>, place: &'static str) -> Option<Duration> {
        counter!(WRONG, "place" => place).increment(1);
        self.count_at(from, Instant::now())
    }

    fn count_at(&self, from: Option<IpAddr>, now: Instant) -> Option<Duration> {
        let mut counts = self.counts();
        counts.not_logged += 1;
        let source = from.map(network);
        let fits = counts.sources.contains_key(&source) || counts.sources.len() < SOURCES;
        let source = source.filter(|_| fits);
        let count = counts.sources.entry(source).or_insert(Count {
            since: now,
            wrong: 0,
            not_logged: 0,
        });
        if now - count.since >= WINDOW {
            (count.since, count.wrong) = (now, 0);
        }
        count.wrong = count.wrong.saturating_add(1);
        count.not_logged += 1;
        (count.wrong > MAX_REFUSALS).then(|| WINDOW.saturating_sub(now - count.since))
    }

    /// Logs a line if there were wrong tokens and the last line is a minute old, and removes
    /// inactive sources. Call it every second.
    pub(crate) fn log(&self) {
        if let Some((wrong, sources, busiest)) = self.due(Instant::now()) {
            let busiest = busiest.map_or_else(|| "many".to_owned(), |one| one.to_string());
            tracing::warn!(wrong, sources, %busiest, "requests with invalid tokens were rejected");
        }
    }

    fn due(&self, now: Instant) -> Option<(u64, usize, Option<IpAddr>)> {
        let mut counts = self.counts();
        let wrong = counts.not_logged;
        let due = counts.logged.is_none_or(|logged| now - logged >= WINDOW);
        let line = (wrong > 0 && due).then(|| {
            let sending = counts.sources.iter().filter(|(_, one)| one.not_logged > 0);
            let busiest = sending.clone().max_by_key(|(_, one)| one.not_logged);
            let busiest = busiest.and_then(|(source, _)| *source);
            (wrong, sending.count(), busiest)
        });
        if line.is_some() {
            (counts.not_logged, counts.logged) = (0, Some(now));
            for count in counts.sources.values_mut() {
                count.not_logged = 0;
            }
        }
        let quiet = |one: &Count| one.not_logged == 0 && now - one.since >= WINDOW;
        counts.sources.retain(|_, one| !quiet(one));
        line
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Returns the problem of too many wrong tokens (429).
#[must_use]
pub(crate) fn too_many(wait: Duration) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_wrong_tokens",
        "too many failed logins from this address; retry later",
    )
    .retry_after(wait)
}

/// Describes the metrics of wrong tokens to the recorder.
pub(crate) fn describe_metrics() {
    describe_counter!(
        WRONG,
        Unit::Count,
        "Requests with an invalid token or signature, by place (API or webhook)."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    /// S15: each source has twenty a minute, independent of other sources.
    #[test]
    fn each_source_has_twenty_a_minute() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..MAX_REFUSALS {
            assert_eq!(throttle.count_at(address("192.0.2.1"), start), None);
        }
        let later = start + Duration::from_secs(20);
        let wait = Some(Duration::from_secs(40));
        for same in ["192.0.2.1", "::ffff:192.0.2.1"] {
            assert_eq!(throttle.count_at(address(same), later), wait);
        }
        assert_eq!(throttle.count_at(address("192.0.2.2"), later), None);
        let over = start + WINDOW;
        assert_eq!(throttle.count_at(address("192.0.2.1"), over), None);
        // An IPv6 network is one source.
        for host in 0..MAX_REFUSALS {
            let one = format!("2001:db8::{host:x}");
            assert_eq!(throttle.count_at(address(&one), start), None);
        }
        assert!(throttle.count_at(address("2001:db8::1:2"), start).is_some());
        assert_eq!(throttle.count_at(address("2001:db8:0:1::1"), start), None);
    }

    /// S15: the number of stored sources is bounded, and they expire after a minute.
    #[test]
    fn sources_beyond_the_table_share_one_count() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for number in 0..10 * u32::try_from(SOURCES).unwrap() {
            let one = IpAddr::from(number.to_be_bytes());
            throttle.count_at(Some(one), start);
        }
        assert_eq!(throttle.counts().sources.len(), SOURCES + 1);
        assert!(throttle.count_at(address("203.0.113.1"), start).is_some());
        assert!(throttle.due(start).is_some());
        throttle.due(start + WINDOW);
        assert_eq!(throttle.counts().sources.len(), 0);
    }

    /// S15: one line a minute, which counts all wrong tokens since the last one.
    #[test]
    fn a_line_a_minute_names_the_busiest_source() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        assert_eq!(throttle.due(start), None);
        let after = |seconds| start + Duration::from_secs(seconds);
        throttle.count_at(address("192.0.2.1"), start);
        let line = throttle.due(after(1));
        assert_eq!(line, Some((1, 1, address("192.0.2.1"))));
        for _ in 0..3 {
            throttle.count_at(address("192.0.2.2"), after(2));
        }
        throttle.count_at(None, after(2));
        assert_eq!(throttle.due(after(60)), None);
        let line = throttle.due(after(61));
        assert_eq!(line, Some((4, 2, address("192.0.2.2"))));
        assert_eq!(throttle.due(after(200)), None);
    }
}

//! The wait that a vendor asks for before the next request.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Headers that hold seconds to wait, in order of precedence: RFC 9110, OpsGenie's, and the
/// `RateLimit` fields as PagerDuty's REST API sends them.
const SECONDS: [&str; 3] = [
    "retry-after",
    "x-ratelimit-period-in-sec",
    "ratelimit-reset",
];

/// Reads the wait that an answer asks for, if it names one.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let seconds = |name: &&str| text(name)?.parse().ok().map(Duration::from_secs);
    SECONDS.iter().find_map(seconds).or_else(|| {
        // The date is by the vendor's clock, so it is compared with the `Date` header and not with
        // ours.
        let now = text(DATE.as_str()).and_then(http_date);
        let now = now.unwrap_or_else(|| SystemTime::now().into());
        let until = text(RETRY_AFTER.as_str())
            .and_then(http_date)
            .or_else(|| text("x-ratelimit-reset").and_then(iso_date))?;
        Some((until - now).to_std().unwrap_or(Duration::ZERO))
    })
}

/// Parses an IMF-fixdate (RFC 9110, 5.6.7).
fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(Into::into)
}

/// Parses the date format of Atlassian's `X-RateLimit-Reset`.
fn iso_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_nonsense_is_no_wish() {
        for (headers, expected) in [
            (&[("retry-after", "7")][..], Some(7)),
            (&[("x-ratelimit-period-in-sec", "30")], Some(30)),
            (&[("ratelimit-reset", "12")], Some(12)),
            (&[("retry-after", "2"), ("ratelimit-reset", "50")], Some(2)),
            (
                &[
                    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"),
                ],
                Some(60),
            ),
            (
                &[
                    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("x-ratelimit-reset", "1994-11-06T08:49:47Z"),
                ],
                Some(10),
            ),
            // In the past.
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(0)),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-5")], None),
            (&[("retry-after", "1e9")], None),
            (&[], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(
                retry_after(&map),
                expected.map(Duration::from_secs),
                "{headers:?}"
            );
        }
    }
}

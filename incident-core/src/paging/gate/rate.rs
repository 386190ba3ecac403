//! The rate limiter: requests per minute to a target, and the target's own `Retry-After`.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use super::AdmitRequest;
use super::admission::is_urgent;
use crate::incident::Severity;
use crate::paging::clamp_retry_after;
use crate::{MessageId, Timestamp};

/// The window in which requests are counted: PagerDuty uses a sliding minute, OpsGenie buckets
/// per minute.
const WINDOW: Duration = Duration::from_secs(60);

/// Number of quarters of the rate that SEV3 and SEV4 may use. The rest is reserved for SEV1 and
/// SEV2, so that in a storm a SEV1 is not refused by the vendor.
const CALM_QUARTERS: usize = 3;

/// Minimum number of requests that a target took in the last minute for a refusal to reveal its
/// rate. A refusal after fewer shows that the target is in trouble, not how many it takes.
const EVIDENCE: u32 = 20;

/// Time without a refusal after which a learned rate is dropped: vendors raise and lower limits
/// without notice (PagerDuty calls its account limits dynamic), and a low one learned in a storm
/// would delay pages for ever.
const FORGET: Duration = Duration::from_secs(30 * 60);

/// First pause of SEV3 and SEV4 after a rate-limit refusal without `Retry-After`, which PagerDuty
/// documents for no request of its Events API. It doubles up to [`LONGEST_PAUSE`], the window of
/// the vendors.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Maximum of a requested wait: see [`clamp_retry_after`].
const LONGEST_WISH: Duration = Duration::from_secs(15 * 60);

#[derive(Clone, Debug)]
pub(super) struct RateLimiter {
    configured: Option<NonZeroU32>,
    /// Times of the requests in the last minute.
    sent: VecDeque<Timestamp>,
    learned: Option<Learned>,
    /// No request before this time: the target asked for it.
    wished_until: Timestamp,
    /// No SEV3 or SEV4 before this time: the target refused without `Retry-After`.
    paused_until: Timestamp,
    pauses: u32,
    /// Ends of the queues of held pages: of SEV3, of SEV4.
    queue_ends: [Timestamp; 2],
    /// Times at which held pages come back.
    places: BTreeMap<MessageId, Timestamp>,
}

/// A rate above which the target refused requests.
#[derive(Clone, Copy, Debug)]
struct Learned {
    per_minute: u32,
    at: Timestamp,
    refused_at: Timestamp,
}

impl RateLimiter {
    pub(super) const fn new(configured: Option<NonZeroU32>) -> Self {
        Self {
            configured,
            sent: VecDeque::new(),
            learned: None,
            wished_until: Timestamp::MIN,
            paused_until: Timestamp::MIN,
            pauses: 0,
            queue_ends: [Timestamp::MIN; 2],
            places: BTreeMap::new(),
        }
    }

    /// Returns the time until which a request waits; none if it may go now.
    pub(super) fn held(&mut self, asking: AdmitRequest, now: Timestamp) -> Option<Timestamp> {
        self.forget(now);
        let wished = (now < self.wished_until).then_some(self.wished_until);
        if is_urgent(asking.severity) {
            return wished;
        }
        let room = self.room(now);
        let full_until = room.and_then(|room| {
            let oldest = self.sent.len().checked_sub(room)?;
            Some(self.sent.get(oldest)?.saturating_add(WINDOW))
        });
        let paused = (now < self.paused_until).then_some(self.paused_until);
        let until = wished.max(full_until).max(paused)?;
        Some(self.place_of(asking, until, now))
    }

    /// Counts a request that goes out.
    pub(super) fn count(&mut self, message: MessageId, now: Timestamp) {
        self.places.remove(&message);
        self.sent.push_back(now);
    }

    /// Returns the time until which the target asked for no request, if it did.
    pub(super) fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        let is_ahead =
            now < self.wished_until && self.wished_until <= now.saturating_add(LONGEST_WISH);
        is_ahead.then_some(self.wished_until)
    }

    /// Returns the number of requests in the last minute.
    pub(super) fn requests_last_minute(&self, now: Timestamp) -> u64 {
        let recent = self
            .sent
            .iter()
            .filter(|sent| now < sent.saturating_add(WINDOW));
        u64::try_from(recent.count()).unwrap_or(u64::MAX)
    }

    pub(super) const fn accepted(&mut self) {
        self.pauses = 0;
    }

    /// Applies a `Retry-After` of the target.
    pub(super) fn wait(&mut self, wish: Duration, now: Timestamp) {
        let until = now.saturating_add(clamp_retry_after(wish));
        self.wished_until = self.wished_until.max(until);
    }

    /// Notes a refusal for too many requests.
    pub(super) fn refused(&mut self, names_a_time: bool, now: Timestamp) {
        self.forget(now);
        // The refused request was counted when it went out, but the target did not take it.
        self.sent.pop_back();
        let taken = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
        if EVIDENCE <= taken {
            let rate = self.rate(now).unwrap_or(u32::MAX).min(taken).max(1);
            self.learned = Some(Learned {
                per_minute: rate,
                at: now,
                refused_at: now,
            });
        }
        if !names_a_time {
            self.pause(now);
        }
    }

    fn pause(&mut self, now: Timestamp) {
        // Of several refusals in one burst only the first lengthens the pause.
        if self.paused_until <= now {
            self.pauses = self.pauses.saturating_add(1).min(16);
        }
        let pause = PAUSE * (1 << self.pauses.saturating_sub(1).min(8));
        let until = now.saturating_add(pause.min(LONGEST_PAUSE));
        self.paused_until = self.paused_until.max(until);
    }

    /// Returns the slot of a held page, so that held pages come back one after the other.
    fn place_of(&mut self, asking: AdmitRequest, until: Timestamp, now: Timestamp) -> Timestamp {
        if let Some(place) = self.places.get(&asking.message)
            && now < *place
        {
            return *place;
        }
        // Slots of cancelled messages, which never came back.
        self.places
            .retain(|_, place| now < place.saturating_add(WINDOW));
        let room = self.room(now).unwrap_or(60);
        let [sev3, sev4] = &mut self.queue_ends;
        let queue_end = if asking.severity == Severity::Sev3 {
            sev3
        } else {
            sev4
        };
        let place = until.max(*queue_end);
        // A little more than the rate requires: the previous request must be out of the window
        // when the next one comes.
        let room = u32::try_from(room).unwrap_or(u32::MAX).max(1);
        *queue_end = place.saturating_add(WINDOW / room + Duration::from_millis(1));
        self.places.insert(asking.message, place);
        place
    }

    /// Returns the number of SEV3 and SEV4 requests allowed in a minute.
    fn room(&self, now: Timestamp) -> Option<usize> {
        let rate = usize::try_from(self.rate(now)?).unwrap_or(usize::MAX);
        Some((rate.saturating_mul(CALM_QUARTERS) / 4).max(1))
    }

    /// Returns the number of requests allowed in a minute: the lower of the configured and the
    /// learned rate.
    fn rate(&self, now: Timestamp) -> Option<u32> {
        let learned = self.learned.map(|learned| {
            let minutes = now.since(learned.at).as_secs() / WINDOW.as_secs();
            (0..minutes.min(60)).fold(learned.per_minute, |rate, _| {
                // It grows by a quarter a minute while nothing is refused.
                rate.saturating_add((rate / 4).max(1))
            })
        });
        let configured = self.configured.map(NonZeroU32::get);
        [configured, learned].into_iter().flatten().min()
    }

    fn forget(&mut self, now: Timestamp) {
        let gone = |sent: &Timestamp| sent.saturating_add(WINDOW) <= now;
        while self.sent.front().is_some_and(gone) {
            self.sent.pop_front();
        }
        // After the clock went back, requests and waits lie in the future and would hold the
        // gate shut until then.
        let ahead = |sent: &Timestamp| now.saturating_add(WINDOW) < *sent;
        while self.sent.back().is_some_and(ahead) {
            self.sent.pop_back();
        }
        for until in [&mut self.wished_until, &mut self.paused_until] {
            if now.saturating_add(LONGEST_WISH) < *until {
                *until = now;
            }
        }
        self.learned = self
            .learned
            .filter(|learned| now.since(learned.refused_at) < FORGET);
    }
}

#[cfg(test)]
mod tests;

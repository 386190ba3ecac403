//! What a target can take now: a limiter that learns from refusals, and a
//! breaker for a target that is down. One per target and process.
//!
//! Nothing here loses a page: one that is held stays in the outbox and comes
//! back when the gate said.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use crate::incident::Severity;
use crate::paging::{NotSentReason, PageAnswer, clamp_retry_after};
use crate::{MessageId, Timestamp};

/// The window in which vendors count requests: PagerDuty speaks of a sliding
/// minute, OpsGenie's buckets are per minute.
const WINDOW: Duration = Duration::from_secs(60);

/// How many quarters of the rate SEV3 and SEV4 may use. The rest is kept for
/// what wakes people: in a storm a SEV1 finds room at once.
const CALM_QUARTERS: usize = 3;

/// How fast a learned rate grows while it is not refused: by a quarter a minute.
const GROWTH_QUARTERS: u32 = 1;

/// After this long without a refusal a learned rate is forgotten.
const FORGET: Duration = Duration::from_secs(30 * 60);

/// The wait after a refusal for too many requests that names none.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A probe that never came back is forgotten after this.
const PROBE: Duration = Duration::from_secs(30);

/// What is known about a target beforehand, and when it counts as down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// At most so many requests in any minute, from this process; none for no
    /// limit but what the target itself asks for.
    pub per_minute: Option<NonZeroU32>,
    /// After so many failures in a row the target counts as down,
    pub failures: u32,
    /// if they lasted so long: a burst that went wrong together is one event. A
    /// refused key counts at once.
    pub failing_for: Duration,
    /// For how long it is left alone then. Doubled with every failed probe.
    pub open_for: Duration,
    /// The longest time for which it is left alone.
    pub open_at_most: Duration,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            per_minute: None,
            failures: 5,
            failing_for: Duration::from_secs(5),
            open_for: Duration::from_secs(5),
            open_at_most: Duration::from_secs(15),
        }
    }
}

/// Who asks to be let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// The message: one that is held keeps its place.
    pub message: MessageId,
    /// How bad the incident is.
    pub severity: Severity,
    /// Whether it may be the one that tries a target that was down. A page that
    /// nobody has yet and that another target would take is too good for that.
    pub may_probe: bool,
}

/// Why a page is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// There were too many requests.
    Limited,
    /// The target is down, or refuses the key.
    Down,
}

/// Whether a request may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Now; it is counted.
    Go,
    /// Not before this.
    Hold {
        /// When it is worth asking again.
        until: Timestamp,
        /// Why.
        why: Hold,
    },
}

/// Something that changed about a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It counts as down from now on.
    Opened,
    /// It works again.
    Closed,
}

/// The gate of one target.
#[derive(Clone, Debug)]
pub struct Gate {
    settings: GateSettings,
    /// When requests went out in the last minute.
    sent: VecDeque<Timestamp>,
    limit: Option<Learned>,
    /// Nothing before this: the target asked for it.
    paused_until: Timestamp,
    pauses: u32,
    /// Where the queues of held pages end: of SEV3, of SEV4.
    queue_ends: [Timestamp; 2],
    /// When held pages come back.
    places: BTreeMap<MessageId, Timestamp>,
    failures: u32,
    failing_since: Option<Timestamp>,
    down: Option<Down>,
}

/// A rate that the target was seen to refuse.
#[derive(Clone, Copy, Debug)]
struct Learned {
    per_minute: u32,
    at: Timestamp,
    refused_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Down {
    until: Timestamp,
    times: u32,
    probe: Option<Timestamp>,
}

impl Gate {
    /// The gate of a target that was not asked yet.
    #[must_use]
    pub const fn new(settings: GateSettings) -> Self {
        Self {
            settings,
            sent: VecDeque::new(),
            limit: None,
            paused_until: Timestamp::MIN,
            pauses: 0,
            queue_ends: [Timestamp::MIN; 2],
            places: BTreeMap::new(),
            failures: 0,
            failing_since: None,
            down: None,
        }
    }

    /// Whether a request may go out now; it is counted if so.
    pub fn admit(&mut self, asking: Asking, now: Timestamp) -> Admission {
        if let Some(until) = self.held_down(asking, now) {
            let why = Hold::Down;
            return Admission::Hold { until, why };
        }
        if let Some(until) = self.held_back(asking.severity, now) {
            let until = match asking.severity {
                Severity::Sev1 | Severity::Sev2 => until,
                Severity::Sev3 | Severity::Sev4 => self.place_of(asking, until, now),
            };
            // The probe did not go out.
            if let Some(down) = &mut self.down {
                down.probe = None;
            }
            let why = Hold::Limited;
            return Admission::Hold { until, why };
        }
        self.places.remove(&asking.message);
        self.sent.push_back(now);
        Admission::Go
    }

    /// When a calm page that finds no room comes back: one after the other, not
    /// all at once.
    fn place_of(&mut self, asking: Asking, until: Timestamp, now: Timestamp) -> Timestamp {
        if let Some(place) = self.places.get(&asking.message)
            && now < *place
        {
            return *place;
        }
        // Those that were called off meanwhile never came back.
        self.places
            .retain(|_, place| now < place.saturating_add(WINDOW));
        let room = self.room(asking.severity, now).unwrap_or(60);
        let [sev3, sev4] = &mut self.queue_ends;
        let queue_end = if asking.severity == Severity::Sev3 {
            sev3
        } else {
            sev4
        };
        let place = until.max(*queue_end);
        // A little more than the rate asks for: the one before must be out of the
        // window when the next one comes.
        let room = u32::try_from(room).unwrap_or(u32::MAX).max(1);
        *queue_end = place.saturating_add(WINDOW / room + Duration::from_millis(1));
        self.places.insert(asking.message, place);
        place
    }

    /// Notes what became of a request.
    pub fn note(&mut self, answer: &PageAnswer, now: Timestamp) -> Option<Turn> {
        match answer {
            PageAnswer::Accepted(_) => {
                self.pauses = 0;
                self.works()
            }
            PageAnswer::NotSent(not_sent) => match not_sent.reason {
                // The target works; this page does not.
                NotSentReason::Rejected => self.works(),
                NotSentReason::RateLimited => {
                    self.slow_down(not_sent.retry_after, now);
                    self.works()
                }
                NotSentReason::Unauthorized => self.refuses_key(now),
                NotSentReason::Unreachable | NotSentReason::Unavailable => self.fails(now),
                NotSentReason::NotConfigured => None,
            },
            PageAnswer::Unknown => self.fails(now),
        }
    }

    /// Whether a target that was down is to be tried now; whoever asks does it.
    pub fn wants_probe(&mut self, now: Timestamp) -> bool {
        let asking = Asking {
            message: MessageId::from_uuid(uuid::Uuid::nil()),
            severity: Severity::Sev1,
            may_probe: true,
        };
        self.down.is_some() && self.admit(asking, now) == Admission::Go
    }

    /// A target that is down is so no longer: somebody says that it works again.
    pub fn try_again(&mut self) {
        let _ = self.works();
    }

    /// Whether it counts as down.
    #[must_use]
    pub const fn is_down(&self) -> bool {
        self.down.is_some()
    }

    fn works(&mut self) -> Option<Turn> {
        self.failures = 0;
        self.failing_since = None;
        self.down.take().map(|_| Turn::Closed)
    }

    fn fails(&mut self, now: Timestamp) -> Option<Turn> {
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert(now);
        let settings = &self.settings;
        let for_long = settings.failing_for <= now.since(since);
        let again = match self.down {
            // What was on its way when it went down says nothing new.
            Some(down) => down.probe.is_some(),
            None => settings.failures <= self.failures && for_long,
        };
        if again { self.opens(now) } else { None }
    }

    fn refuses_key(&mut self, now: Timestamp) -> Option<Turn> {
        match self.down {
            Some(down) if down.probe.is_none() => None,
            _ => self.opens(now),
        }
    }

    fn opens(&mut self, now: Timestamp) -> Option<Turn> {
        let times = self.down.map_or(0, |down| down.times + 1);
        let wait = self.settings.open_for * (1 << times.min(16));
        let turn = self.down.is_none().then_some(Turn::Opened);
        self.down = Some(Down {
            until: now.saturating_add(wait.min(self.settings.open_at_most)),
            times,
            probe: None,
        });
        turn
    }

    /// Until when a target that is down is left alone. When the time is over one
    /// request goes out to try it.
    fn held_down(&mut self, asking: Asking, now: Timestamp) -> Option<Timestamp> {
        let down = self.down.as_mut()?;
        if now < down.until {
            return Some(down.until);
        }
        if !asking.may_probe || down.probe.is_some_and(|since| now.since(since) < PROBE) {
            // Somebody is trying it; what wakes people looks again soon.
            let soon = if is_urgent(asking.severity) { 1 } else { 15 };
            return Some(now.saturating_add(Duration::from_secs(soon)));
        }
        down.probe = Some(now);
        None
    }

    /// Until when a request waits because there were too many.
    fn held_back(&mut self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        self.forget(now);
        let room = self.room(severity, now);
        let full_until = room.and_then(|room| {
            let oldest = self.sent.len().checked_sub(room)?;
            Some(self.sent.get(oldest)?.saturating_add(WINDOW))
        });
        let paused = (now < self.paused_until).then_some(self.paused_until);
        full_until.max(paused)
    }

    /// How many requests of a severity a minute takes.
    fn room(&self, severity: Severity, now: Timestamp) -> Option<usize> {
        let rate = usize::try_from(self.rate(now)?).unwrap_or(usize::MAX);
        Some(if is_urgent(severity) {
            rate
        } else {
            (rate.saturating_mul(CALM_QUARTERS) / 4).max(1)
        })
    }

    fn forget(&mut self, now: Timestamp) {
        let gone = |sent: &Timestamp| sent.saturating_add(WINDOW) <= now;
        while self.sent.front().is_some_and(gone) {
            self.sent.pop_front();
        }
        // A clock that went back leaves requests in the future; they would hold
        // the gate shut until then.
        while self
            .sent
            .back()
            .is_some_and(|sent| now.saturating_add(WINDOW) < *sent)
        {
            self.sent.pop_back();
        }
        if now.saturating_add(LONGEST_HOLD) < self.paused_until {
            self.paused_until = now;
        }
        self.limit = self
            .limit
            .filter(|limit| now.since(limit.refused_at) < FORGET);
    }

    /// How many requests in a minute, as told and as learned.
    fn rate(&self, now: Timestamp) -> Option<u32> {
        let learned = self.limit.map(|limit| {
            let minutes = now.since(limit.at).as_secs() / WINDOW.as_secs();
            (0..minutes.min(60)).fold(limit.per_minute, |rate, _| {
                rate.saturating_add((rate * GROWTH_QUARTERS / 4).max(1))
            })
        });
        let told = self.settings.per_minute.map(NonZeroU32::get);
        [told, learned].into_iter().flatten().min()
    }

    fn slow_down(&mut self, wish: Option<Duration>, now: Timestamp) {
        self.forget(now);
        // The refused one was counted when it went out, and is none of those that
        // the target took.
        self.sent.pop_back();
        let taken = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
        let rate = self.rate(now).unwrap_or(u32::MAX).min(taken).max(1);
        self.limit = Some(Learned {
            per_minute: rate,
            at: now,
            refused_at: now,
        });
        // Of several refusals of one burst only the first one lengthens the pause.
        if self.paused_until <= now {
            self.pauses = self.pauses.saturating_add(1).min(16);
        }
        let pause = PAUSE * (1 << (self.pauses - 1).min(8));
        let pause = wish.map_or(pause.min(LONGEST_PAUSE), clamp_retry_after);
        self.paused_until = self.paused_until.max(now.saturating_add(pause));
    }
}

/// No pause is longer: see [`clamp_retry_after`].
const LONGEST_HOLD: Duration = Duration::from_secs(15 * 60);

const fn is_urgent(severity: Severity) -> bool {
    matches!(severity, Severity::Sev1 | Severity::Sev2)
}

#[cfg(test)]
mod tests;

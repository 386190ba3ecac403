//! What a sink answers, and whether it may be told again without asking.

use std::time::Duration;

use crate::paging::{DeliveryLog, NotSent};
use crate::{CreditId, Money, Timestamp};

use super::{BilledCredit, SignedPercent};

/// What became of one submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The sink has every credit of the batch.
    Accepted,
    /// It had them before, under the same key.
    Duplicate,
    /// It certainly has none of them.
    NotSent(NotSent),
    /// Nobody can know: a time-out, a lost answer, a 5xx.
    Unknown,
}

/// A credit that a sink holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCredit {
    /// The key that it was told.
    pub key: CreditId,
    /// In percent of the fee.
    pub credit_percent: SignedPercent,
    /// The amount, where it was told one.
    pub amount: Option<Money>,
}

impl From<&BilledCredit> for HeldCredit {
    fn from(credit: &BilledCredit) -> Self {
        Self {
            key: credit.key,
            credit_percent: credit.credit_percent,
            amount: credit.amount,
        }
    }
}

/// What a sink says that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// These: one entry for each time that it holds a credit.
    Found(Vec<HeldCredit>),
    /// It did not answer.
    Unavailable,
    /// It cannot be asked.
    Unsupported,
}

/// Whether a batch may be sent without asking first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitCheck {
    /// It was certainly never taken, or the sink still knows its key.
    Submit,
    /// It may have been taken so long ago that the sink forgot its key.
    LookUpFirst,
}

/// What is known of the earlier attempts at a batch.
#[derive(Clone, Copy, Debug)]
pub struct Attempts<'a> {
    /// What was noted of them.
    pub log: Option<&'a DeliveryLog>,
    /// How often the message was leased, this time too: an attempt whose process died
    /// was leased and not noted.
    pub leases: u64,
    /// The time of the commit: nothing was sent before.
    pub since: Timestamp,
    /// The time at which a person had it sent again, if nothing was noted of it since then.
    pub resent_at: Option<Timestamp>,
}

impl Attempts<'_> {
    /// Whether the sink may have it.
    fn may_be_there(&self) -> bool {
        let noted = self.log.map_or(0, |log| u64::from(log.attempts));
        self.log.is_some_and(|log| log.unknown_since.is_some()) || noted + 1 < self.leases
    }

    /// What to do before the batch is sent at `now`. `key_window` is how long the sink
    /// knows a key, none for good; `margin` is how long a submission may be on its way.
    #[must_use]
    pub fn precaution(
        &self,
        key_window: Option<Duration>,
        margin: Duration,
        now: Timestamp,
    ) -> SubmitCheck {
        let Some(window) = key_window.filter(|_| self.may_be_there()) else {
            return SubmitCheck::Submit;
        };
        let since = self.log.map_or(self.since, |log| log.first_at);
        if is_known(since, window, margin, now) {
            SubmitCheck::Submit
        } else {
            SubmitCheck::LookUpFirst
        }
    }

    /// Tells if a batch may be sent to a sink that has to be asked first and cannot be: a
    /// person has looked there, and what was sent since is known there by its key.
    #[must_use]
    pub fn is_resent(
        &self,
        key_window: Option<Duration>,
        margin: Duration,
        now: Timestamp,
    ) -> bool {
        let resent = self.resent_at.zip(key_window);
        resent.is_some_and(|(since, window)| is_known(since, window, margin, now))
    }
}

/// Tells if a sink still knows a key that it may have got from `since` on.
fn is_known(since: Timestamp, window: Duration, margin: Duration, now: Timestamp) -> bool {
    now.saturating_add(margin) < since.saturating_add(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paging::{Backoff, DeliveryResult, NotSentReason, TargetId};

    const HOUR: Duration = Duration::from_secs(3_600);
    const MARGIN: Duration = Duration::from_secs(30);

    fn at(minute: u64) -> Timestamp {
        let start: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        start.saturating_add(Duration::from_secs(60 * minute))
    }

    fn log(answers: &[DeliveryResult]) -> DeliveryLog {
        let mut log = DeliveryLog::untried(TargetId::new("sink").unwrap(), at(0));
        for answer in answers {
            log.note(answer, at(0), &Backoff::default(), 1);
        }
        log
    }

    fn away() -> DeliveryResult {
        DeliveryResult::NotSent(NotSent {
            reason: NotSentReason::Unreachable,
            retry_after: None,
        })
    }

    #[test]
    fn only_what_may_be_there_and_may_be_forgotten_is_asked_for() {
        let (lost, away) = (log(&[DeliveryResult::Unknown]), log(&[away()]));
        for (noted, leases, window, minute, expected) in [
            // The first attempt, and attempts that certainly came to nothing.
            (None, 1, Some(HOUR), 600, SubmitCheck::Submit),
            (Some(&away), 2, Some(HOUR), 600, SubmitCheck::Submit),
            // A process died over it, here and after a refusal.
            (None, 2, Some(HOUR), 600, SubmitCheck::LookUpFirst),
            (Some(&away), 3, Some(HOUR), 600, SubmitCheck::LookUpFirst),
            (Some(&lost), 2, Some(HOUR), 600, SubmitCheck::LookUpFirst),
            // The key is still known, but for the last half minute.
            (Some(&lost), 2, Some(HOUR), 59, SubmitCheck::Submit),
            (Some(&lost), 2, Some(HOUR), 60, SubmitCheck::LookUpFirst),
            // It is known for good.
            (Some(&lost), 2, None, 600, SubmitCheck::Submit),
        ] {
            let attempts = Attempts {
                log: noted,
                leases,
                since: at(0),
                resent_at: None,
            };
            let found = attempts.precaution(window, MARGIN, at(minute));
            assert_eq!(found, expected, "{noted:?} {leases} {window:?} {minute}");
        }
    }

    /// The margin lies inside of the window: at its edge the key counts as forgotten.
    #[test]
    fn a_key_is_known_until_a_margin_before_its_window_ends() {
        let milli = Duration::from_millis(1);
        let edge = at(60).saturating_sub(MARGIN);
        assert!(is_known(at(0), HOUR, MARGIN, edge.saturating_sub(milli)));
        assert!(!is_known(at(0), HOUR, MARGIN, edge));
    }

    /// A16: what a person has sent again is asked for as well, where the sink can be asked.
    #[test]
    fn what_is_sent_again_is_asked_for_first() {
        let attempts = Attempts {
            log: None,
            leases: 3,
            since: at(0),
            resent_at: Some(at(600)),
        };
        let at_once = attempts.precaution(Some(HOUR), MARGIN, at(600));
        assert_eq!(at_once, SubmitCheck::LookUpFirst);
        // Where it cannot: as long as the key of this time is known.
        for (minute, expected) in [(600, true), (659, true), (660, false)] {
            assert_eq!(
                attempts.is_resent(Some(HOUR), MARGIN, at(minute)),
                expected,
                "{minute}"
            );
        }
        let never = Attempts {
            resent_at: None,
            ..attempts
        };
        assert!(!never.is_resent(Some(HOUR), MARGIN, at(600)));
    }
}

//! What a sink answers, and whether it may be told again without asking.

use std::time::Duration;

use crate::outbox::{Claim, Message};
use crate::paging::{DeliveryLog, NotSent, TargetId};
use crate::{CreditId, Money, Timestamp};

use super::{BilledCredit, SignedPercent};

/// What became of one submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The sink has every credit of the batch, from now or from a submission before.
    Accepted,
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

impl Claim {
    /// Tells if a sink has to be asked for a claimed batch before it is sent at `now`: it may have
    /// taken it so long ago that it forgot the key. It need not where the batch was certainly
    /// never taken. `key_window` is how long the sink knows a key, none for good; `margin` is how
    /// long a submission may be on its way.
    #[must_use]
    pub fn must_look_up(
        &self,
        sink: &TargetId,
        key_window: Option<Duration>,
        margin: Duration,
        now: Timestamp,
    ) -> bool {
        let log = self.message.log.iter().find(|log| log.target == *sink);
        let Some(window) = key_window.filter(|_| self.may_be_there(log)) else {
            return false;
        };
        // Nothing was sent before the commit.
        let since = log.map_or(self.message.committed_at, |log| log.first_at);
        !is_known(since, window, margin, now)
    }

    /// Tells if the sink whose log this is may have the batch: an answer was lost, or the process
    /// died over an attempt, which was leased then and not noted.
    fn may_be_there(&self, log: Option<&DeliveryLog>) -> bool {
        let noted = log.map_or(0, |log| u64::from(log.attempts));
        log.is_some_and(|log| log.unknown_since.is_some()) || noted + 1 < self.lease.token
    }

    /// Tells if a claimed batch may be sent to a sink that has to be asked first and cannot be: a
    /// person had it sent again and has looked there, and what was sent since is known there by
    /// its key.
    #[must_use]
    pub fn is_resent(
        &self,
        key_window: Option<Duration>,
        margin: Duration,
        now: Timestamp,
    ) -> bool {
        let Message {
            committed_at,
            due_at,
            log,
            ..
        } = &self.message;
        // Without a log it is due when it was committed, or when it was sent again.
        let resent = log.is_empty() && committed_at < due_at;
        resent && key_window.is_some_and(|window| is_known(*due_at, window, margin, now))
    }
}

/// Tells if a sink still knows a key that it may have got from `since` on.
fn is_known(since: Timestamp, window: Duration, margin: Duration, now: Timestamp) -> bool {
    now.saturating_add(margin) < since.saturating_add(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::Batch;
    use crate::incident::Severity;
    use crate::outbox::{Lease, MessageBody};
    use crate::paging::{Backoff, DeliveryResult, NotSentReason};
    use uuid::Uuid;

    const HOUR: Duration = Duration::from_secs(3_600);
    const MARGIN: Duration = Duration::from_secs(30);

    fn at(minute: u64) -> Timestamp {
        let start: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        start.saturating_add(Duration::from_secs(60 * minute))
    }

    fn sink() -> TargetId {
        TargetId::new("sink").unwrap()
    }

    /// The batch, committed at 0 and claimed for the nth time.
    fn claim(log: Vec<DeliveryLog>, nth: u64, due: u64) -> Claim {
        let batch = r#"{"id": "01a1fe7e-8565-7544-9512-dcd142c5f862", "body": ""}"#;
        let batch: Batch = serde_json::from_str(batch).unwrap();
        Claim {
            message: Message {
                id: batch.id(),
                incident_id: None,
                priority: Severity::Sev4,
                body: MessageBody::SubmitCredits(batch),
                committed_at: at(0),
                due_at: at(due),
                log,
            },
            lease: Lease {
                owner: Uuid::nil(),
                token: nth,
            },
        }
    }

    fn log(answers: &[DeliveryResult]) -> DeliveryLog {
        let mut log = DeliveryLog::untried(sink(), at(0));
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
        for (noted, nth, window, minute, looks_up) in [
            // The first attempt, and attempts that certainly came to nothing.
            (None, 1, Some(HOUR), 600, false),
            (Some(&away), 2, Some(HOUR), 600, false),
            // A process died over it, here and after a refusal.
            (None, 2, Some(HOUR), 600, true),
            (Some(&away), 3, Some(HOUR), 600, true),
            (Some(&lost), 2, Some(HOUR), 600, true),
            // The key is still known, but for the last half minute.
            (Some(&lost), 2, Some(HOUR), 59, false),
            (Some(&lost), 2, Some(HOUR), 60, true),
            // It is known for good.
            (Some(&lost), 2, None, 600, false),
        ] {
            let claim = claim(noted.cloned().into_iter().collect(), nth, 0);
            let found = claim.must_look_up(&sink(), window, MARGIN, at(minute));
            assert_eq!(found, looks_up, "{noted:?} {nth} {window:?} {minute}");
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
        let resent = claim(Vec::new(), 3, 600);
        assert!(resent.must_look_up(&sink(), Some(HOUR), MARGIN, at(600)));
        // Where it cannot: as long as the key of this time is known.
        for (minute, expected) in [(600, true), (659, true), (660, false)] {
            let found = resent.is_resent(Some(HOUR), MARGIN, at(minute));
            assert_eq!(found, expected, "{minute}");
        }
        assert!(!resent.is_resent(None, MARGIN, at(600)));
        for never in [claim(Vec::new(), 3, 0), claim(vec![log(&[])], 3, 600)] {
            assert!(!never.is_resent(Some(HOUR), MARGIN, at(600)));
        }
    }
}

//! Results of a submission to a sink, and the check before it is repeated.

use std::time::Duration;

use crate::outbox::{Claim, Message};
use crate::paging::{DeliveryLog, NotSent, TargetId};
use crate::{CreditId, Money, Timestamp};

use super::{BilledCredit, SignedPercent};

/// The result of one submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The sink has every credit of the batch, from now or from a submission before.
    Accepted,
    /// The sink certainly has none of them.
    NotSent(NotSent),
    /// Unknown: a time-out, a lost answer, a 5xx.
    Unknown,
}

/// A credit that a sink holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCredit {
    /// The key with which it was submitted.
    pub key: CreditId,
    /// The credit in percent of the fee.
    pub credit_percent: SignedPercent,
    /// The amount, if one was submitted.
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

/// The result of looking credits up in a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The credits found: one entry for each time that the sink holds one.
    Found(Vec<HeldCredit>),
    /// The sink did not answer.
    Unavailable,
    /// The sink has no lookup.
    Unsupported,
}

impl Claim {
    /// Returns `true` if a claimed batch must be looked up in a sink before it is sent at `now`.
    ///
    /// This is so if the sink may have accepted the batch so long ago that it forgot the key. It is
    /// not if the batch was certainly never accepted. `key_window` is how long the sink knows a
    /// key, `None` for ever; `margin` is how long a submission may be in flight.
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

    /// Returns `true` if the sink of this log may have the batch.
    ///
    /// This is so if an answer was lost, or if the process died during an attempt, which was leased
    /// but not recorded.
    fn may_be_there(&self, log: Option<&DeliveryLog>) -> bool {
        let noted = log.map_or(0, |log| u64::from(log.attempts));
        log.is_some_and(|log| log.unknown_since.is_some()) || noted + 1 < self.lease.token
    }

    /// Returns `true` if a claimed batch may be sent to a sink that must be asked first and has no
    /// lookup.
    ///
    /// This is so if a person resent it, having checked the sink, and the sink still knows the key
    /// of anything sent since.
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
        // With an empty log, `due_at` is the time of the commit, or of the resend.
        let resent = log.is_empty() && committed_at < due_at;
        resent && key_window.is_some_and(|window| is_known(*due_at, window, margin, now))
    }
}

/// Returns `true` if a sink still knows a key that it may have received from `since` on.
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

    /// Creates a claim of the batch, committed at 0 and claimed for the nth time.
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
            // A process died during an attempt, here and after a refusal.
            (None, 2, Some(HOUR), 600, true),
            (Some(&away), 3, Some(HOUR), 600, true),
            (Some(&lost), 2, Some(HOUR), 600, true),
            // The key is still known, except in the last half minute.
            (Some(&lost), 2, Some(HOUR), 59, false),
            (Some(&lost), 2, Some(HOUR), 60, true),
            // The key is known for ever.
            (Some(&lost), 2, None, 600, false),
        ] {
            let claim = claim(noted.cloned().into_iter().collect(), nth, 0);
            let found = claim.must_look_up(&sink(), window, MARGIN, at(minute));
            assert_eq!(found, looks_up, "{noted:?} {nth} {window:?} {minute}");
        }
    }

    /// The margin lies inside the window: at its edge the key counts as forgotten.
    #[test]
    fn a_key_is_known_until_a_margin_before_its_window_ends() {
        let milli = Duration::from_millis(1);
        let edge = at(60).saturating_sub(MARGIN);
        assert!(is_known(at(0), HOUR, MARGIN, edge.saturating_sub(milli)));
        assert!(!is_known(at(0), HOUR, MARGIN, edge));
    }

    /// A16: a batch that a person resends is looked up as well, if the sink has a lookup.
    #[test]
    fn what_is_sent_again_is_asked_for_first() {
        let resent = claim(Vec::new(), 3, 600);
        assert!(resent.must_look_up(&sink(), Some(HOUR), MARGIN, at(600)));
        // Without a lookup: while the key of this resend is known.
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

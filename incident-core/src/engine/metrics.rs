//! The metrics of the engine, through the facade `metrics`; the host installs a recorder.
//!
//! Names follow Prometheus' conventions and Alertmanager's words
//! (`alertmanager_notifications_total`, `..._failed_total{reason}`).

use std::time::Duration;

use metrics::Unit;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::Alarm;
use crate::Timestamp;
use crate::incident::Severity;
use crate::outbox::Backlog;
use crate::paging::{DeliveryResult, NotSentReason, PageAction, TargetId};

const NOTIFICATIONS: &str = "incident_notifications_total";
const FAILED: &str = "incident_notifications_failed_total";
const REQUEST: &str = "incident_notification_latency_seconds";
const ACCEPTED: &str = "incident_page_acceptance_seconds";
const HELD: &str = "incident_pages_held_total";
const DOUBLE: &str = "incident_possible_double_wakes_total";
const LEASES: &str = "incident_leases_lost_total";
const ALARMS: &str = "incident_alarms_total";
const DOWN: &str = "incident_target_down";
const OLDEST: &str = "incident_oldest_pending_page_seconds";
const UNFINISHED: &str = "incident_outbox_unfinished";
const GIVEN_UP: &str = "incident_outbox_given_up";
const SKEW: &str = "incident_clock_skew_seconds";

/// Registers the description of each metric. Call it once, after the recorder is installed.
pub fn describe_metrics() {
    describe_counter!(NOTIFICATIONS, "Delivery attempts, by target and action.");
    describe_counter!(
        FAILED,
        "Failed delivery attempts, by target, action and reason."
    );
    describe_histogram!(
        REQUEST,
        Unit::Seconds,
        "Response time of a pager, by target."
    );
    describe_histogram!(
        ACCEPTED,
        Unit::Seconds,
        "Time from the commit of a page to its acceptance by a pager, by severity."
    );
    describe_counter!(
        HELD,
        "Pages delayed by a rate limit or a target that is down, by target and reason."
    );
    describe_counter!(
        DOUBLE,
        "Failovers where an earlier target may have accepted the page: possible duplicate pages."
    );
    describe_counter!(
        LEASES,
        "Delivery outcomes dropped because the lease had expired."
    );
    describe_counter!(ALARMS, "Alarms raised, by kind.");
    describe_gauge!(DOWN, "1 while a target is considered down.");
    describe_gauge!(
        OLDEST,
        Unit::Seconds,
        "Age of the oldest page that no pager has accepted; 0 if there is none."
    );
    describe_gauge!(UNFINISHED, "Pending outbox messages.");
    describe_gauge!(
        GIVEN_UP,
        "Dead-lettered outbox messages that were not retried."
    );
    describe_gauge!(
        SKEW,
        Unit::Seconds,
        "Offset of the store's clock from that of this process; positive if the store's is ahead."
    );
}

/// Counts an attempt at a target and records the time that it took.
pub(super) fn attempt(
    target: &TargetId,
    action: PageAction,
    answer: &DeliveryResult,
    took: Duration,
) {
    let (target, action) = (target.name().to_owned(), action.name());
    counter!(NOTIFICATIONS, "target" => target.clone(), "action" => action).increment(1);
    histogram!(REQUEST, "target" => target.clone()).record(took.as_secs_f64());
    let reason = match answer {
        DeliveryResult::Accepted(_) => return,
        DeliveryResult::Unknown => "unknown",
        DeliveryResult::NotSent(not_sent) => match not_sent.reason {
            NotSentReason::Unreachable => "unreachable",
            NotSentReason::RateLimited => "rateLimited",
            NotSentReason::Unavailable => "serverError",
            NotSentReason::Rejected => "clientError",
            NotSentReason::Unauthorized => "authError",
            NotSentReason::NotConfigured => "notConfigured",
        },
    };
    counter!(FAILED, "target" => target, "action" => action, "reason" => reason).increment(1);
}

/// Records the time from the commit of a page to its acceptance.
pub(super) fn accepted(severity: Severity, waited: Duration) {
    histogram!(ACCEPTED, "severity" => severity.name()).record(waited.as_secs_f64());
}

/// Counts a page that the gate of a target held, because of its rate limit or because it is down.
pub(super) fn held(target: &TargetId, reason: NotSentReason) {
    let reason = if reason == NotSentReason::RateLimited {
        "limited"
    } else {
        "down"
    };
    counter!(HELD, "target" => target.name().to_owned(), "reason" => reason).increment(1);
}

pub(super) fn perhaps_twice(target: &TargetId) {
    counter!(DOUBLE, "target" => target.name().to_owned()).increment(1);
}

pub(super) fn lease_lost() {
    counter!(LEASES).increment(1);
}

pub(super) fn down(target: &TargetId, is_down: bool) {
    let value = if is_down { 1.0 } else { 0.0 };
    gauge!(DOWN, "target" => target.name().to_owned()).set(value);
}

pub(super) fn alarm(alarm: &Alarm) {
    let kind = match alarm {
        Alarm::PageGivenUp { .. } => "page_given_up",
        Alarm::PageOverdue { .. } => "page_overdue",
        Alarm::PageReduced { .. } => "page_reduced",
        Alarm::PageUnconfirmed { .. } => "page_unconfirmed",
        Alarm::AlertClosedThere { .. } => "alert_closed_there",
        Alarm::EventChanged { .. } => "event_changed",
        Alarm::MessageUnreadable { .. } => "message_unreadable",
        Alarm::CreditsNotComputed { .. } => "credits_not_computed",
        Alarm::PagerPanicked { .. } => "pager_panicked",
        Alarm::TargetDown { .. } => "target_down",
        Alarm::TestPageLeftOpen { .. } => "test_page_left_open",
        Alarm::BillingHeld { .. } => "billing_held",
        Alarm::BillingLate { .. } => "billing_late",
        Alarm::NoticeGivenUp { .. } => "notice_given_up",
        Alarm::EscalationLate { .. } => "escalation_late",
        Alarm::EscalationMissing { .. } => "escalation_missing",
        Alarm::ChainBroken { .. } => "chain_broken",
    };
    counter!(ALARMS, "kind" => kind).increment(1);
}

/// Sets the gauges of the backlog.
pub(super) fn backlog(backlog: &Backlog, now: Timestamp) {
    let oldest = backlog.oldest_page;
    let age = oldest.map_or(Duration::ZERO, |since| now.since(since));
    gauge!(OLDEST).set(age.as_secs_f64());
    gauge!(UNFINISHED).set(count(backlog.unfinished));
    gauge!(GIVEN_UP).set(count(backlog.given_up));
    if let Some(ahead) = backlog.clock_ahead {
        gauge!(SKEW).set(seconds(ahead));
    }
}

fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Converts microseconds to seconds.
fn seconds(micros: i64) -> f64 {
    let apart = Duration::from_micros(micros.unsigned_abs()).as_secs_f64();
    let sign = if micros < 0 { -1.0 } else { 1.0 };
    apart.copysign(sign)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use metrics::{
        Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata,
        Recorder, SharedString,
    };

    use super::*;
    use crate::paging::{NotSent, Receipt};

    /// A recorder that stores each value with the name and the labels of its metric.
    #[derive(Clone, Debug, Default)]
    struct Recorded {
        described: Arc<Mutex<BTreeSet<String>>>,
        values: Arc<Mutex<Vec<String>>>,
    }

    #[derive(Debug)]
    struct Metric {
        name: String,
        values: Arc<Mutex<Vec<String>>>,
    }

    impl Metric {
        fn note(&self, value: &str) {
            let noted = format!("{} {value}", self.name);
            self.values.lock().unwrap().push(noted);
        }
    }

    impl CounterFn for Metric {
        fn increment(&self, value: u64) {
            self.note(&format!("+{value}"));
        }

        fn absolute(&self, value: u64) {
            self.note(&value.to_string());
        }
    }

    impl GaugeFn for Metric {
        fn increment(&self, value: f64) {
            self.note(&format!("+{value}"));
        }

        fn decrement(&self, value: f64) {
            self.note(&format!("-{value}"));
        }

        fn set(&self, value: f64) {
            self.note(&value.to_string());
        }
    }

    impl HistogramFn for Metric {
        fn record(&self, value: f64) {
            self.note(&value.to_string());
        }
    }

    impl Recorded {
        fn metric(&self, key: &Key) -> Arc<Metric> {
            let labels = key
                .labels()
                .map(|one| format!(" {}={}", one.key(), one.value()));
            Arc::new(Metric {
                name: format!("{}{}", key.name(), labels.collect::<String>()),
                values: Arc::clone(&self.values),
            })
        }

        fn describe(&self, name: &KeyName) {
            let mut described = self.described.lock().unwrap();
            described.insert(name.as_str().to_owned());
        }
    }

    impl Recorder for Recorded {
        fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.describe(&name);
        }

        fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.describe(&name);
        }

        fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.describe(&name);
        }

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.metric(key))
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.metric(key))
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(self.metric(key))
        }
    }

    /// Returns the values that are recorded while `done` runs.
    fn measured(done: impl FnOnce()) -> Vec<String> {
        let recorded = Recorded::default();
        metrics::with_local_recorder(&recorded, done);
        let values = recorded.values.lock().unwrap();
        values.clone()
    }

    #[test]
    fn every_metric_says_what_it_means() {
        let recorded = Recorded::default();
        metrics::with_local_recorder(&recorded, describe_metrics);
        let all = [
            NOTIFICATIONS,
            FAILED,
            REQUEST,
            ACCEPTED,
            HELD,
            DOUBLE,
            LEASES,
            ALARMS,
            DOWN,
            OLDEST,
            UNFINISHED,
            GIVEN_UP,
            SKEW,
        ];
        let all: BTreeSet<String> = all.map(str::to_owned).into();
        assert_eq!(*recorded.described.lock().unwrap(), all);
    }

    #[test]
    fn attempts_are_counted_with_their_time_and_why_they_failed() {
        let target = TargetId::new("pagerduty").unwrap();
        let took = Duration::from_millis(250);
        let tell = |answer: &DeliveryResult| {
            measured(|| attempt(&target, PageAction::Trigger, answer, took))
        };
        let sent = "incident_notifications_total target=pagerduty action=trigger +1";
        let answered = "incident_notification_latency_seconds target=pagerduty 0.25";
        let receipt = Receipt {
            request_id: None,
            reduced: false,
        };
        assert_eq!(tell(&DeliveryResult::Accepted(receipt)), [sent, answered]);
        let not_sent = |reason| {
            DeliveryResult::NotSent(NotSent {
                reason,
                retry_after: None,
            })
        };
        for (answer, reason) in [
            (DeliveryResult::Unknown, "unknown"),
            (not_sent(NotSentReason::Unreachable), "unreachable"),
            (not_sent(NotSentReason::RateLimited), "rateLimited"),
            (not_sent(NotSentReason::Unavailable), "serverError"),
            (not_sent(NotSentReason::Rejected), "clientError"),
            (not_sent(NotSentReason::Unauthorized), "authError"),
            (not_sent(NotSentReason::NotConfigured), "notConfigured"),
        ] {
            let failed = format!(
                "incident_notifications_failed_total target=pagerduty action=trigger reason={reason} +1"
            );
            assert_eq!(tell(&answer), [sent, answered, &failed]);
        }
    }

    #[test]
    fn what_befalls_pages_is_counted() {
        let target = TargetId::new("pagerduty").unwrap();
        let counted = measured(|| {
            accepted(Severity::Sev1, Duration::from_millis(1_500));
            held(&target, NotSentReason::RateLimited);
            held(&target, NotSentReason::Unavailable);
            perhaps_twice(&target);
            lease_lost();
            down(&target, true);
            down(&target, false);
            alarm(&Alarm::TargetDown {
                target: target.clone(),
            });
        });
        let expected = [
            "incident_page_acceptance_seconds severity=SEV1 1.5",
            "incident_pages_held_total target=pagerduty reason=limited +1",
            "incident_pages_held_total target=pagerduty reason=down +1",
            "incident_possible_double_wakes_total target=pagerduty +1",
            "incident_leases_lost_total +1",
            "incident_target_down target=pagerduty 1",
            "incident_target_down target=pagerduty 0",
            "incident_alarms_total kind=target_down +1",
        ];
        assert_eq!(counted, expected);
    }

    #[test]
    fn counts_are_as_large_as_a_gauge_holds_exactly() {
        let counts = [0, 7, u64::MAX].map(|number| count(number).to_string());
        assert_eq!(counts, ["0", "7", "4294967295"]);
    }

    #[test]
    fn a_clock_that_is_behind_is_negative() {
        for (micros, text) in [
            (0, "0"),
            (1_500_000, "1.5"),
            (-1_500_000, "-1.5"),
            (-1, "-0.000001"),
        ] {
            assert_eq!(seconds(micros).to_string(), text);
        }
    }
}

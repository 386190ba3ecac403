//! P1, X5: a SEV1 waits for nothing but the vendors, whatever their responses.
//!
//! The real loop, engine and gate on a paused clock, with vendors that follow a random day.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident_core::engine::Incidents;
use incident_core::incident::{Command, Declare, Severity};
use incident_core::paging::{
    DeliveryResult, NotSent, NotSentReason, PageAction, TargetId, Urgency, clamp_retry_after,
};
use incident_core::port::Pager;
use incident_core::{IncidentId, RuleName, Statement};
use incident_pagers::Worker;
use incident_store_memory::MemoryStore;
use proptest::prelude::*;
use tokio::time::Instant;

use crate::over_http::harness::context;
use crate::paging::vendor_days::{Mood, Paused, Request, Vendor, mood};

/// Maximum wait of a SEV1 while a target would accept it.
const BOUND: Duration = Duration::from_secs(5);
/// Sampling interval of the check.
const GRID: Duration = Duration::from_millis(50);
/// Duration at the end of a vendors' day in which they work.
const QUIET: Duration = Duration::from_secs(90);

/// An event beside the vendors' day.
#[derive(Clone, Debug)]
enum Happening {
    /// Incidents of a severity, all at once.
    Declared(Severity, usize),
    /// The last SEV1 is escalated to the same targets.
    Escalated,
    /// A test page is requested.
    Tested,
}

#[derive(Clone, Debug)]
struct Night {
    /// One or two vendors, each with its day: the moods and their durations.
    vendors: Vec<Vec<(Duration, Mood)>>,
    happenings: Vec<(Duration, Happening)>,
}

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn night() -> impl Strategy<Value = Night> {
    let length = prop_oneof![millis(100..3_000), millis(3_000..30_000)];
    let day = prop::collection::vec((length, mood()), 1..7);
    let happening = prop_oneof![
        4 => (1..4_usize).prop_map(|count| Happening::Declared(Severity::Sev1, count)),
        1 => (1..3_usize).prop_map(|count| Happening::Declared(Severity::Sev2, count)),
        2 => (1..60_usize).prop_map(|count| Happening::Declared(Severity::Sev4, count)),
        1 => Just(Happening::Escalated),
        1 => Just(Happening::Tested),
    ];
    let happenings = prop::collection::vec((millis(0..60_000), happening), 1..6);
    (prop::collection::vec(day, 1..=2), happenings).prop_map(|(vendors, mut happenings)| {
        happenings.push((Duration::ZERO, Happening::Declared(Severity::Sev1, 1)));
        happenings.sort_by_key(|(at, _)| *at);
        Night {
            vendors,
            happenings,
        }
    })
}

/// A page that wakes people, with its key and the time of its commit.
#[derive(Clone, Debug)]
struct Urgent {
    key: String,
    committed: Duration,
}

struct Watched {
    vendors: Vec<Arc<Vendor>>,
    urgent: Vec<Urgent>,
    /// Times at which a person requested a page: targets that are down are then tried at once.
    asked: Vec<Duration>,
    ended: Duration,
}

fn vendors(night: &Night, start: Instant) -> Vec<Arc<Vendor>> {
    let made = |(place, day): (usize, &Vec<(Duration, Mood)>)| {
        let mut end = Duration::ZERO;
        let ends = day.iter().map(|(length, mood)| {
            end += *length;
            (end, mood.clone())
        });
        Arc::new(Vendor {
            target: TargetId::new(["first", "second"][place]).unwrap(),
            start,
            day: ends.collect(),
            seen: Mutex::default(),
            open: Mutex::default(),
            wakes: Mutex::default(),
        })
    };
    night.vendors.iter().enumerate().map(made).collect()
}

async fn live_through(night: &Night) -> Watched {
    let start = Instant::now();
    let vendors = vendors(night, start);
    let rule = RuleName::new("lead").unwrap();
    let pagers = || {
        vendors
            .iter()
            .map(|vendor| vendor.clone() as Arc<dyn Pager>)
    };
    let mut builder = Incidents::builder(Arc::new(MemoryStore::default()))
        .clock(Arc::new(Paused(start)))
        .escalation(rule.clone(), pagers().collect());
    for pager in pagers() {
        builder = builder.pager(pager);
    }
    let (incidents, worker) = Worker::new(builder).unwrap();
    let mut running = worker.spawn();
    let (urgent, asked) = act_out(night, start, &incidents, &rule).await;
    let days = vendors.iter().filter_map(|vendor| vendor.day.last());
    let longest = days.map(|(end, _)| *end).max().unwrap_or_default();
    let end = longest.max(start.elapsed()) + QUIET;
    tokio::time::sleep(end.saturating_sub(start.elapsed())).await;
    running.stop().await;
    Watched {
        vendors,
        urgent,
        asked,
        ended: end,
    }
}

async fn act_out(
    night: &Night,
    start: Instant,
    incidents: &Incidents,
    rule: &RuleName,
) -> (Vec<Urgent>, Vec<Duration>) {
    let context = context();
    let (mut urgent, mut asked) = (Vec::<Urgent>::new(), Vec::new());
    let mut last: Option<IncidentId> = None;
    for (when, happening) in &night.happenings {
        tokio::time::sleep(when.saturating_sub(start.elapsed())).await;
        match happening {
            Happening::Declared(severity, count) => {
                for n in 0..*count {
                    let declared = Declare::new(format!("cause {n}").parse().unwrap(), *severity);
                    let done = incidents.declare(&context, &declared).await.unwrap();
                    if *severity <= Severity::Sev2 {
                        last = Some(done.incident.id);
                        urgent.push(Urgent {
                            key: done.incident.dedup_key(),
                            committed: start.elapsed(),
                        });
                    }
                }
            }
            Happening::Tested => {
                let (incidents, context) = (incidents.clone(), context.clone());
                // A hanging test delays nothing else; a second one meanwhile is refused.
                tokio::spawn(async move {
                    let _ = incidents.paging().test(&context, Urgency::High).await;
                });
            }
            Happening::Escalated => {
                let Some(id) = last.take() else { continue };
                let escalate = Command::Escalate {
                    rule: rule.clone(),
                    reason: Statement::new("nobody answers").unwrap(),
                };
                asked.push(start.elapsed());
                incidents.act(&context, id, &escalate).await.unwrap();
                urgent.push(Urgent {
                    key: incident_core::paging::dedup_key(id, Some(rule)),
                    committed: start.elapsed(),
                });
            }
        }
    }
    (urgent, asked)
}

/// One vendor and one page, observed from outside the engine.
struct View<'a> {
    vendor: &'a Vendor,
    seen: &'a [Request],
    of_page: Vec<&'a Request>,
}

impl View<'_> {
    /// Returns the time since which it is unknown whether the vendor has the page.
    fn unknown_since(&self) -> Option<Duration> {
        let unknown = |one: &&&Request| one.answer == DeliveryResult::Unknown;
        self.of_page.iter().find(unknown).map(|one| one.ended)
    }

    fn refused_for_good(&self, at: Duration) -> bool {
        let refused = |one: &&Request| matches!(&one.answer, DeliveryResult::NotSent(not) if not.reason.is_permanent());
        self.of_page
            .iter()
            .any(|one| one.ended <= at && refused(one))
    }

    fn asked_to_wait(&self, at: Duration) -> bool {
        self.seen.iter().any(|one| match &one.answer {
            DeliveryResult::NotSent(NotSent {
                retry_after: Some(wish),
                ..
            }) => one.ended <= at && at < one.ended.saturating_add(clamp_retry_after(*wish)),
            DeliveryResult::Accepted(_) | DeliveryResult::NotSent(_) | DeliveryResult::Unknown => {
                false
            }
        })
    }

    fn would_take(&self, at: Duration) -> bool {
        self.vendor.mood(at).takes() && !self.refused_for_good(at) && !self.asked_to_wait(at)
    }

    fn is_being_tried(&self, at: Duration, down: &[(Duration, Duration)]) -> bool {
        let down = down.iter().any(|(from, until)| *from <= at && at < *until);
        down && self
            .seen
            .iter()
            .any(|one| one.began <= at && at < one.ended)
    }

    fn keeps_from_others(&self, at: Duration) -> bool {
        let since = self.unknown_since().filter(|since| *since <= at);
        since.is_some_and(|since| at < since + Duration::from_secs(60))
    }
}

/// Checks that a page is accepted within 5 s from the first moment at which an admissible target
/// would take it, not counting attempts in flight: its own, and probes of a target that is down.
fn accepted_in_time(watched: &Watched, page: &Urgent) -> Result<(), TestCaseError> {
    let all: Vec<Vec<Request>> = watched
        .vendors
        .iter()
        .map(|vendor| vendor.seen.lock().unwrap().clone())
        .collect();
    let views: Vec<View<'_>> = watched
        .vendors
        .iter()
        .zip(&all)
        .map(|(vendor, seen)| View {
            vendor,
            seen,
            of_page: seen
                .iter()
                .filter(|one| one.key == page.key && one.action == PageAction::Trigger)
                .collect(),
        })
        .collect();
    let attempts = || views.iter().flat_map(|view| &view.of_page);
    let accepted = attempts()
        .filter(|one| matches!(one.answer, DeliveryResult::Accepted(_)))
        .map(|one| one.ended)
        .min();
    let end = accepted.unwrap_or(watched.ended);
    let in_flight = |at| attempts().any(|one| one.began <= at && at < one.ended);
    let downs: Vec<Vec<(Duration, Duration)>> = all
        .iter()
        .map(|seen| down_times(seen, &watched.asked))
        .collect();
    for (place, view) in views.iter().enumerate() {
        let mut idle = Duration::ZERO;
        let mut now = page.committed;
        while now < end {
            let others = views
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place);
            let allowed = others
                .into_iter()
                .all(|(_, other)| !other.keeps_from_others(now));
            if !(allowed && view.would_take(now)) {
                idle = Duration::ZERO;
            } else if !in_flight(now) && !view.is_being_tried(now, &downs[place]) {
                idle += GRID;
            }
            let name = view.vendor.target.name();
            prop_assert!(
                idle <= BOUND,
                "{} waits at {now:?} although {name} would take it: {:?}",
                page.key,
                views.iter().map(|view| &view.of_page).collect::<Vec<_>>()
            );
            now += GRID;
        }
    }
    Ok(())
}

/// Checks that no retry wakes twice: one wake at each vendor, and more than one vendor only after
/// an unknown outcome.
fn woken_once(watched: &Watched, page: &Urgent) -> Result<(), TestCaseError> {
    let mut woken = 0;
    let mut unknown = 0;
    for vendor in &watched.vendors {
        let wakes = vendor.wakes.lock().unwrap();
        let here = wakes.iter().filter(|key| **key == page.key).count();
        prop_assert!(here <= 1, "{} woke {here} times", page.key);
        woken += here;
        let seen = vendor.seen.lock().unwrap();
        unknown += usize::from(seen.iter().any(|one| {
            one.key == page.key
                && one.answer == DeliveryResult::Unknown
                && one.action == PageAction::Trigger
        }));
    }
    prop_assert!(
        woken <= 1 + unknown,
        "{woken} wakes, {unknown} unknown answers"
    );
    Ok(())
}

/// Checks that a target that failed five times in a row over five seconds gets one request a
/// second, and no page that another target might take.
fn left_alone_while_down(watched: &Watched) -> Result<(), TestCaseError> {
    for vendor in &watched.vendors {
        let seen = vendor.seen.lock().unwrap();
        for (from, until) in down_times(&seen, &watched.asked) {
            let arrived = |one: &&Request| !matches!(&one.answer, DeliveryResult::NotSent(not) if not.reason == NotSentReason::Unreachable);
            let during = seen
                .iter()
                .filter(|one| from < one.began && one.began < until)
                .filter(arrived);
            let mut last: Option<Duration> = None;
            for request in during {
                let after = last.map_or(Duration::from_secs(1), |last| request.began - last);
                prop_assert!(
                    Duration::from_secs(1) <= after,
                    "{} is down and asked again after {after:?}",
                    vendor.target
                );
                last = Some(request.began);
                let key = &request.key;
                let before = seen.iter().take_while(|one| one.began < request.began);
                let may_have = before
                    .filter(|one| one.key == *key)
                    .any(|one| one.answer == DeliveryResult::Unknown && one.ended <= request.began);
                let test = key.starts_with("sys-pager-test");
                let fresh = request.action == PageAction::Trigger && !may_have && !test;
                prop_assert!(
                    !fresh || watched.vendors.len() == 1,
                    "{key} is no probe for {}: the other one might take it",
                    vendor.target
                );
            }
        }
    }
    Ok(())
}

/// Returns the times in which a vendor counts as down, from its responses in the order of their
/// arrival.
fn down_times(seen: &[Request], asked: &[Duration]) -> Vec<(Duration, Duration)> {
    let mut ended: Vec<&Request> = seen.iter().collect();
    ended.sort_by_key(|one| one.ended);
    let mut times = Vec::new();
    let mut failing: Option<(Duration, u32)> = None;
    let mut down: Option<Duration> = None;
    let mut asked = asked.iter().peekable();
    for one in ended.iter().filter(|one| one.ended < Duration::MAX) {
        while let Some(at) = asked.next_if(|at| **at <= one.ended) {
            failing = None;
            times.extend(down.take().map(|from| (from, *at)));
        }
        let refused = |reasons: &[NotSentReason]| matches!(&one.answer, DeliveryResult::NotSent(not) if reasons.contains(&not.reason));
        let fails = one.answer == DeliveryResult::Unknown
            || refused(&[NotSentReason::Unreachable, NotSentReason::Unavailable]);
        if fails {
            let (since, count) = failing.map_or((one.ended, 1), |(since, n)| (since, n + 1));
            failing = Some((since, count));
            let for_long = Duration::from_secs(5) <= one.ended - since;
            if down.is_none() && 5 <= count && for_long {
                down = Some(one.ended);
            }
        } else if !refused(&[NotSentReason::Unauthorized]) {
            failing = None;
            times.extend(down.take().map(|from| (from, one.ended)));
        }
    }
    times.extend(down.map(|from| (from, Duration::MAX)));
    times
}

fn holds(night: &Night) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let watched = runtime.block_on(live_through(night));
    for page in &watched.urgent {
        accepted_in_time(&watched, page)?;
        woken_once(&watched, page)?;
    }
    left_alone_while_down(&watched)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// P1, P2 of `docs/paging.md`: whatever vendors respond, in whatever order.
    #[test]
    fn a_sev1_waits_for_nothing_but_the_vendors(night in night()) {
        holds(&night)?;
    }
}

/// P1 literally: 500, then 429 with `Retry-After: 1`, then 202.
#[test]
fn after_a_500_and_a_429_the_third_attempt_is_taken_within_seconds() {
    let second = Duration::from_millis(700);
    let wait = vec![("retry-after", "1".to_owned())];
    let day = vec![
        (
            Duration::from_millis(400),
            Mood::Answers(500, Vec::new(), ""),
        ),
        (second, Mood::Answers(429, wait, "")),
    ];
    for vendors in [vec![day.clone()], vec![day.clone(), day]] {
        let night = Night {
            vendors,
            happenings: vec![(Duration::ZERO, Happening::Declared(Severity::Sev1, 10))],
        };
        holds(&night).unwrap();
    }
}

/// X5: when a vendor that was down works again, every pending page is delivered at once, not each
/// after a back-off of its own.
#[test]
fn all_pages_are_taken_as_soon_as_one_is() {
    for mood in [
        Mood::RefusesConnections,
        Mood::Resets,
        Mood::Answers(502, Vec::new(), ""),
    ] {
        let night = Night {
            vendors: vec![vec![(Duration::from_secs(20), mood)]],
            happenings: vec![(Duration::ZERO, Happening::Declared(Severity::Sev1, 10))],
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let watched = runtime.block_on(live_through(&night));
        let seen = watched.vendors[0].seen.lock().unwrap();
        let taken = seen
            .iter()
            .filter(|one| matches!(one.answer, DeliveryResult::Accepted(_)));
        let times: Vec<Duration> = taken.map(|one| one.ended).collect();
        assert_eq!(times.len(), 10);
        let (first, last) = (times[0], times[9]);
        assert!(first < Duration::from_millis(21_100), "{first:?}");
        assert!(
            last - first < Duration::from_millis(50),
            "{first:?} {last:?}"
        );
        // Far fewer requests than one a second for each page.
        assert!(seen.len() <= 100, "{}", seen.len());
    }
}

//! Vendors that follow a day of moods, on a paused clock and without sockets.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::Timestamp;
use incident_core::paging::{
    DeliveryResult, NotSent, NotSentReason, PageAction, PageEvent, TargetId,
};
use incident_core::port::{Clock, Pager};
use incident_pagers::testing::pagerduty_answer;
use proptest::prelude::*;
use tokio::time::Instant;

use crate::over_http::harness::at;

/// A clock that follows tokio's.
#[derive(Debug)]
pub(crate) struct Paused(pub(crate) Instant);

impl Clock for Paused {
    fn now(&self) -> Timestamp {
        at("2026-11-20T23:00:00Z").saturating_add(self.0.elapsed())
    }
}

/// The behaviour of a vendor towards requests that begin in one part of its day.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    Takes,
    /// Takes the request, and responds late.
    TakesSlowly(Duration),
    /// Responds with a status, headers and a body, and takes nothing.
    Answers(u16, Vec<(&'static str, String)>, &'static str),
    RefusesConnections,
    /// Takes nothing and resets the connection.
    Resets,
    /// Takes the request, and the response is lost.
    LosesAnswers,
    Hangs,
}

impl Mood {
    pub(crate) const fn takes(&self) -> bool {
        matches!(self, Self::Takes | Self::TakesSlowly(_))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) key: String,
    pub(crate) action: PageAction,
    pub(crate) began: Duration,
    pub(crate) ended: Duration,
    pub(crate) answer: DeliveryResult,
}

#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) target: TargetId,
    pub(crate) start: Instant,
    /// The moods, each with its end.
    pub(crate) day: Vec<(Duration, Mood)>,
    pub(crate) seen: Mutex<Vec<Request>>,
    pub(crate) open: Mutex<Vec<String>>,
    pub(crate) wakes: Mutex<Vec<String>>,
}

impl Vendor {
    pub(crate) fn mood(&self, at: Duration) -> &Mood {
        let found = self.day.iter().find(|(end, _)| at < *end);
        found.map_or(&Mood::Takes, |(_, mood)| mood)
    }

    /// Opens an alert if none is open, which counts as a wake.
    fn take(&self, page: &PageEvent) {
        let mut open = self.open.lock().unwrap();
        match page.action {
            PageAction::Trigger if !open.contains(&page.dedup_key) => {
                open.push(page.dedup_key.clone());
                self.wakes.lock().unwrap().push(page.dedup_key.clone());
            }
            PageAction::Resolve => open.retain(|key| *key != page.dedup_key),
            PageAction::Trigger | PageAction::Acknowledge | PageAction::Reprioritise => {}
        }
    }

    async fn answer(&self, page: &PageEvent, timeout: Duration) -> DeliveryResult {
        let taken = pagerduty_answer(202, &[], "");
        match self.mood(self.start.elapsed()) {
            Mood::Takes => {
                self.take(page);
                taken
            }
            Mood::TakesSlowly(time) => {
                self.take(page);
                tokio::time::sleep(*time).await;
                taken
            }
            Mood::Answers(status, headers, body) => {
                let headers: Vec<(&str, &str)> = headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                pagerduty_answer(*status, &headers, body)
            }
            Mood::RefusesConnections => DeliveryResult::NotSent(NotSent {
                reason: NotSentReason::Unreachable,
                retry_after: None,
            }),
            Mood::Resets => DeliveryResult::Unknown,
            Mood::LosesAnswers => {
                self.take(page);
                DeliveryResult::Unknown
            }
            Mood::Hangs => {
                tokio::time::sleep(timeout).await;
                DeliveryResult::Unknown
            }
        }
    }
}

#[async_trait]
impl Pager for Vendor {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    fn follows_severity(&self) -> bool {
        false
    }

    async fn send(&self, page: &PageEvent, timeout: Duration) -> DeliveryResult {
        let began = self.start.elapsed();
        let place = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Request {
                key: page.dedup_key.clone(),
                action: page.action,
                began,
                ended: Duration::MAX,
                answer: DeliveryResult::Unknown,
            });
            seen.len() - 1
        };
        let answer = self.answer(page, timeout).await;
        let request = &mut self.seen.lock().unwrap()[place];
        request.ended = self.start.elapsed();
        request.answer = answer.clone();
        answer
    }
}

fn retry_after() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let seconds = prop_oneof![Just(0_u64), Just(1), Just(2), 3..30_u64, Just(99_999_999)];
    prop_oneof![
        4 => Just(Vec::new()),
        4 => seconds.prop_map(|seconds| vec![("retry-after", seconds.to_string())]),
        1 => (0..20_u64).prop_map(|seconds| vec![("ratelimit-reset", seconds.to_string())]),
        1 => (0..20_u64).prop_map(|seconds| vec![("x-ratelimit-period-in-sec", seconds.to_string())]),
        1 => (0..60_u32).prop_map(|seconds| vec![
            ("date", "Fri, 20 Nov 2026 23:00:00 GMT".to_owned()),
            ("retry-after", format!("Fri, 20 Nov 2026 23:00:{seconds:02} GMT")),
        ]),
        1 => prop_oneof![Just("soon"), Just("-1"), Just("1.5"), Just("")]
            .prop_map(|text| vec![("retry-after", text.to_owned())]),
    ]
}

pub(crate) fn mood() -> impl Strategy<Value = Mood> {
    let html = "<html><body>502 Bad Gateway</body></html>";
    prop_oneof![
        3 => Just(Mood::Takes),
        1 => (1..9_u64).prop_map(|seconds| Mood::TakesSlowly(Duration::from_secs(seconds))),
        4 => retry_after().prop_map(|headers| Mood::Answers(429, headers, "")),
        4 => (prop_oneof![Just(500_u16), Just(502), Just(503), Just(504), Just(408)], retry_after())
            .prop_map(move |(status, headers)| Mood::Answers(status, headers, html)),
        1 => prop_oneof![Just(200_u16), Just(302)]
            .prop_map(move |status| Mood::Answers(status, Vec::new(), html)),
        1 => prop_oneof![Just(400_u16), Just(401), Just(403)]
            .prop_map(|status| Mood::Answers(status, Vec::new(), "")),
        2 => Just(Mood::RefusesConnections),
        1 => Just(Mood::Resets),
        1 => Just(Mood::LosesAnswers),
        2 => Just(Mood::Hangs),
    ]
}

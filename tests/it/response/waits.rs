//! The waits between the tries of a notice, and its end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::engine::Incidents;
use incident_core::incident::{Declare, Incident, Severity};
use incident_core::notice::Notice;
use incident_core::outbox::{DeadLetterFilter, MessageBody};
use incident_core::port::{Channel, ChannelError, Clock};
use incident_core::testing::{CountingIds, ManualClock};
use incident_core::{IncidentId, Name, Timestamp};
use incident_store_memory::MemoryStore;

use crate::over_http::harness::{at, context};

/// A channel that is never available, and notes when it was tried.
#[derive(Debug)]
struct AwayChannel {
    name: Name,
    clock: Arc<ManualClock>,
    retry_after: Option<Duration>,
    tried: Mutex<Vec<Timestamp>>,
}

#[async_trait]
impl Channel for AwayChannel {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn send(
        &self,
        _notice: &Notice,
        _incident: &Incident,
        _timeout: Duration,
    ) -> Result<(), ChannelError> {
        self.tried.lock().unwrap().push(self.clock.now());
        Err(ChannelError::Unavailable {
            reason: "closed".to_owned(),
            retry_after: self.retry_after,
        })
    }
}

/// An engine with one notice on its way through a channel that is away.
struct Waiting {
    engine: Incidents,
    clock: Arc<ManualClock>,
    channel: Arc<AwayChannel>,
    id: IncidentId,
}

impl Waiting {
    async fn begin(retry_after: Option<Duration>) -> Self {
        let clock = Arc::new(ManualClock::at(at("2026-11-20T22:00:00Z")));
        let channel = Arc::new(AwayChannel {
            name: "away".parse().unwrap(),
            clock: Arc::clone(&clock),
            retry_after,
            tried: Mutex::default(),
        });
        let engine = Incidents::builder(Arc::new(MemoryStore::default()))
            .clock(clock.clone())
            .ids(Arc::new(CountingIds::from(1)))
            .channel(channel.clone())
            .build()
            .unwrap();
        let declare = Declare::new("an outage".parse().unwrap(), Severity::Sev1);
        let declared = engine.declare(&context(), &declare).await.unwrap();
        engine.worker().fire_rules().await.unwrap();
        engine.worker().drain().await.unwrap();
        Self {
            engine,
            clock,
            channel,
            id: declared.incident.id,
        }
    }

    /// Lets the relay work once a second, for so many seconds.
    async fn run(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            self.engine.worker().drain().await.unwrap();
        }
    }

    /// Returns the seconds between tries of the notices, which are tried at the same time.
    fn waits(&self) -> Vec<u64> {
        let mut tried = self.channel.tried.lock().unwrap().clone();
        tried.dedup();
        let pairs = tried.windows(2);
        pairs.map(|pair| pair[1].since(pair[0]).as_secs()).collect()
    }

    /// Returns the number of notices that were given up.
    async fn dead(&self) -> usize {
        let which = DeadLetterFilter::Incident(self.id);
        let dead = self.engine.paging().dead_letters(which).await.unwrap();
        let notices = dead
            .iter()
            .filter(|one| matches!(one.body, MessageBody::Notice(_)));
        notices.count()
    }
}

/// The waits of a notice are half of its age, from five seconds to five minutes.
#[tokio::test]
async fn a_notice_waits_half_of_its_age_within_bounds() {
    let waiting = Waiting::begin(None).await;
    waiting.run(3_600).await;
    let waits = waiting.waits();
    // The relay looks once a second.
    assert_eq!(waits[..5], [5, 5, 5, 8, 12], "{waits:?}");
    assert!(waits.is_sorted(), "{waits:?}");
    assert_eq!(waits.last(), Some(&300), "{waits:?}");
    assert!(
        waits.iter().filter(|wait| **wait == 300).count() > 5,
        "{waits:?}"
    );
    assert_eq!(waiting.dead().await, 0);
}

/// A receiver may ask for a longer wait, up to that of a vendor.
#[tokio::test]
async fn a_channel_may_ask_for_a_longer_wait() {
    for (asked, wait) in [(1, 5), (60, 60), (900, 900), (86_400, 900)] {
        let waiting = Waiting::begin(Some(Duration::from_secs(asked))).await;
        waiting.run(wait - 1).await;
        assert_eq!(waiting.waits(), [0; 0], "{asked}");
        waiting.run(1).await;
        assert_eq!(waiting.waits(), [wait], "{asked}");
    }
}

/// A notice is tried for a day and given up with the first try that fails after it.
#[tokio::test]
async fn a_notice_is_given_up_after_a_day() {
    let waiting = Waiting::begin(None).await;
    let begun = waiting.clock.now();
    let after = |seconds| begun.saturating_add(Duration::from_secs(seconds));
    let day = 24 * 3_600;
    waiting.clock.set(after(day - 1));
    waiting.engine.worker().drain().await.unwrap();
    assert_eq!(waiting.dead().await, 0);
    let tries = waiting.channel.tried.lock().unwrap().len();
    waiting.clock.set(after(day + 299));
    waiting.engine.worker().drain().await.unwrap();
    let more = waiting.channel.tried.lock().unwrap().len() - tries;
    assert!(more > 0);
    assert_eq!(waiting.dead().await, more);
    waiting.run(600).await;
    assert_eq!(waiting.channel.tried.lock().unwrap().len(), tries + more);
}

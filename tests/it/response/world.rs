//! A team's incidents under a clock that is set by hand, with workers that may be killed.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::engine::Incidents;
use incident_core::incident::{Command, Declare, Incident};
use incident_core::notice::Notice;
use incident_core::policy::Policy;
use incident_core::port::{AuditQuery, Channel, ChannelError, Clock, IncidentFilter, Store};
use incident_core::testing::{CountingIds, ManualClock, RecordingPager};
use incident_core::{IncidentId, Name, Timestamp};

use crate::over_http::harness::context;

const WITHIN: Duration = Duration::from_secs(5);

/// Longer than a worker's lease.
const LEASE: Duration = Duration::from_secs(60);

/// A channel that records the notices that it was given.
#[derive(Debug)]
pub(super) struct Recorded {
    name: Name,
    sent: Mutex<Vec<Notice>>,
}

#[async_trait]
impl Channel for Recorded {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn send(
        &self,
        notice: &Notice,
        _incident: &Incident,
        _timeout: Duration,
    ) -> Result<(), ChannelError> {
        let mut sent = self.sent.lock().unwrap();
        // A notice that was sent by a worker which was killed then is sent again, under its id.
        if sent
            .iter()
            .all(|one| one.message_id() != notice.message_id())
        {
            sent.push(notice.clone());
        }
        Ok(())
    }
}

/// The way in which the workers of a world run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workers {
    /// One, from the beginning to the end.
    One,
    /// One, which is restarted before every step.
    Restarted,
    /// Two over one store: the first is killed at another point of every step.
    TwoOfWhichOneIsKilled,
}

/// Incidents of one team by the letter that the scenario gives them.
pub(super) struct World {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    policy: Policy,
    workers: Workers,
    pub(super) channel: Arc<Recorded>,
    engines: Vec<Incidents>,
    ids: BTreeMap<char, IncidentId>,
    built: u64,
    /// Number of polls after which the next killed pass is dropped.
    cut: usize,
}

impl World {
    pub(super) fn new(store: Arc<dyn Store>, policy: Policy, workers: Workers) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::MIN));
        let channel = Arc::new(Recorded {
            name: "recorder".parse().unwrap(),
            sent: Mutex::default(),
        });
        let mut world = Self {
            store,
            clock,
            policy,
            workers,
            channel,
            engines: Vec::new(),
            ids: BTreeMap::new(),
            built: 0,
            cut: 0,
        };
        world.engines = vec![world.engine(), world.engine()];
        world
    }

    /// Builds an engine, as a process that starts does.
    fn engine(&mut self) -> Incidents {
        self.built += 1;
        let pager = Arc::new(RecordingPager::named("recorder").unwrap());
        Incidents::builder(Arc::clone(&self.store))
            .clock(self.clock.clone())
            .ids(Arc::new(CountingIds::from(self.built << 32)))
            .policy(self.policy.clone())
            .pager(pager)
            .channel(self.channel.clone())
            .build()
            .unwrap()
    }

    pub(super) fn set(&self, now: Timestamp) {
        self.clock.set(now);
    }

    pub(super) async fn declare(&mut self, letter: char, declare: &Declare) {
        let done = self.engines[0].declare(&context(), declare).await.unwrap();
        self.ids.insert(letter, done.incident.id);
    }

    pub(super) async fn act(&self, letter: char, command: &Command) {
        let id = self.ids[&letter];
        self.engines[0].act(&context(), id, command).await.unwrap();
    }

    /// Returns the time at which the next rule of any incident fires.
    pub(super) async fn next_due(&self) -> Option<Timestamp> {
        let filter = IncidentFilter {
            due_by: Some(Timestamp::MAX),
            limit: 100,
            ..IncidentFilter::default()
        };
        let found = self.store.list(&filter, WITHIN).await.unwrap();
        found.iter().filter_map(|one| one.clocks.due_at).min()
    }

    /// Runs the workers until nothing is due.
    pub(super) async fn work(&mut self) {
        match self.workers {
            Workers::One => {}
            Workers::Restarted => self.engines[0] = self.engine(),
            Workers::TwoOfWhichOneIsKilled => {
                self.cut = (self.cut + 1) % 12;
                let killed = self.engine();
                killed_after(self.cut, killed.worker().fire_rules()).await;
                killed_after(self.cut, killed.worker().drain()).await;
                self.engines[1] = self.engine();
                self.engines[1].worker().fire_rules().await.unwrap();
            }
        }
        let fired = self.engines[0].worker().fire_rules().await.unwrap();
        if self.workers != Workers::TwoOfWhichOneIsKilled {
            assert!(fired.rules > 0, "nothing was due at {:?}", self.clock);
        }
        assert_eq!(
            self.engines[0].worker().fire_rules().await.unwrap().rules,
            0
        );
        self.engines[0].worker().drain().await.unwrap();
        if self.workers == Workers::TwoOfWhichOneIsKilled {
            // What the killed worker had leased is taken over when its lease is over.
            let now = self.clock.now();
            self.clock.set(now.saturating_add(LEASE));
            self.engines[0].worker().drain().await.unwrap();
            self.clock.set(now);
        }
        let checked = self.engines[0].worker().check_escalations().await;
        assert_eq!(checked.unwrap(), 0, "something is missing");
    }

    /// Returns what fired, by the audit trail: a line for each, in order.
    pub(super) async fn fired(&self) -> Vec<String> {
        let query = AuditQuery {
            action: Some("fire_rule".to_owned()),
            limit: 10_000,
            ..AuditQuery::default()
        };
        let entries = self.store.audit(&query, WITHIN).await.unwrap();
        let mut lines: Vec<String> = Vec::new();
        for entry in entries {
            let payload = &entry.payload;
            let letter = self.letter(payload.incident_id.unwrap());
            let detail = |name: &str| payload.detail[name].clone();
            let late = if detail("late") == "true" {
                " late"
            } else {
                ""
            };
            let (rule, level) = (detail("rule"), detail("level"));
            lines.push(format!("{} {letter} {rule} {level}{late}", payload.at));
        }
        lines.sort();
        lines
    }

    /// Returns the notices that the channel was given: a line for each, in order.
    pub(super) fn notices(&self) -> Vec<String> {
        let sent = self.channel.sent.lock().unwrap();
        let mut lines: Vec<String> = sent
            .iter()
            .map(|notice| {
                let letter = self.letter(notice.incident_id);
                let (fired, group) = (&notice.fired, &notice.group);
                format!(
                    "{} {letter} {} {} {group}",
                    notice.fired_at, fired.rule, fired.n
                )
            })
            .collect();
        lines.sort();
        lines
    }

    fn letter(&self, id: IncidentId) -> char {
        let mut known = self.ids.iter();
        known
            .find(|(_, one)| **one == id)
            .map(|(letter, _)| *letter)
            .unwrap()
    }
}

/// Polls a future a number of times, and drops it then: a process that is killed.
async fn killed_after(polls: usize, future: impl Future) {
    let mut left = polls;
    let mut future = pin!(future);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(context).map(drop)
    })
    .await;
}

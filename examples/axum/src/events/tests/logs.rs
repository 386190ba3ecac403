//! Tests of feeds that read a common log.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::PersonName;
use incident_core::actor::Actor;
use incident_core::engine::EngineEvent;
use incident_core::port::{ChangeHint, ChangeLog, ChangePosition, ChangeRange, StoreError};
use tokio::time::{Instant, sleep, timeout};

use super::super::board::StreamStart;
use super::super::feed::{EventFeed, OpenStream};
use super::super::frame::{id, read_id};
use super::{Reader, change};

/// A log in memory that can fail, and forget its oldest changes.
#[derive(Debug, Default)]
struct MemoryLog {
    changes: Mutex<Vec<ChangeHint>>,
    /// The number of changes that are gone.
    gone: AtomicU64,
    epoch: AtomicU64,
    is_away: AtomicBool,
    reads: AtomicU64,
}

impl MemoryLog {
    fn add(&self, number: u128) {
        self.changes.lock().unwrap().push(change(number));
    }

    fn newest(&self) -> ChangePosition {
        ChangePosition {
            epoch: self.epoch.load(Ordering::SeqCst),
            seq: self.changes.lock().unwrap().len() as u64,
        }
    }
}

#[async_trait]
impl ChangeLog for MemoryLog {
    async fn after(
        &self,
        position: Option<ChangePosition>,
        limit: usize,
        _: Duration,
    ) -> Result<ChangeRange, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.is_away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        let (newest, gone) = (self.newest(), self.gone.load(Ordering::SeqCst));
        let known = position.filter(|known| {
            known.epoch == newest.epoch && (gone..=newest.seq).contains(&known.seq)
        });
        let seq = known.map_or(gone, |known| known.seq);
        let changes = self.changes.lock().unwrap();
        let from = usize::try_from(seq).unwrap();
        Ok(ChangeRange {
            after: ChangePosition { seq, ..newest },
            changes: changes.iter().skip(from).take(limit).cloned().collect(),
        })
    }
}

fn feed(log: &Arc<MemoryLog>) -> Arc<EventFeed> {
    EventFeed::of_log(Arc::<MemoryLog>::clone(log))
}

fn anna() -> Actor {
    Actor::person(PersonName::new("anna").unwrap())
}

fn open(feed: &EventFeed, start: StreamStart) -> OpenStream {
    feed.open(&anna(), start).unwrap()
}

/// Reads a stream until it has so many events, as the body of a response does.
async fn read(stream: &OpenStream, mut position: Option<ChangePosition>, events: usize) -> Reader {
    let mut reader = Reader::default();
    let mut changed = stream.board.watch();
    let reading = async {
        while reader.seen.len() < events || position.is_none() {
            changed.mark_unchanged();
            let next = match position {
                None => stream.board.start(stream.start, stream.requested),
                Some(position) => stream.board.after(position),
            };
            match next {
                Some(next) => {
                    reader.read(&next.frame);
                    position = Some(next.position);
                }
                None => changed.changed().await.unwrap(),
            }
        }
    };
    timeout(Duration::from_secs(60), reading).await.unwrap();
    reader
}

fn last(reader: &Reader) -> StreamStart {
    StreamStart::After(read_id(reader.last_id.as_deref().unwrap()).unwrap())
}

/// H17: two processes number the same changes alike, so that a client may move between them.
#[tokio::test(start_paused = true)]
async fn a_client_moves_between_feeds_on_one_log() {
    let log = Arc::new(MemoryLog::default());
    let (one, other) = (feed(&log), feed(&log));
    let stream = open(&one, StreamStart::Now);
    let reader = read(&stream, None, 0).await;
    for number in 0..2_500 {
        log.add(number);
    }
    let reader = read(&open(&one, last(&reader)), None, 1_000).await;
    let moved = read(&open(&other, last(&reader)), None, 1_500).await;
    let seqs = reader.seen.iter().chain(&moved.seen);
    let seqs: Vec<u64> = seqs.map(|(id, _)| read_id(id).unwrap().seq).collect();
    assert_eq!(seqs, (1..=2_500).collect::<Vec<u64>>());
    assert_eq!(
        other.position(Duration::from_secs(5)).await,
        Some(id(log.newest()))
    );
}

/// While the log is unavailable streams stay open and wait; nothing is lost, and nothing is reset.
#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_is_waited_for() {
    let log = Arc::new(MemoryLog::default());
    let feed = feed(&log);
    log.add(1);
    let stream = open(&feed, StreamStart::Now);
    let reader = read(&stream, None, 0).await;
    log.is_away.store(true, Ordering::SeqCst);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(feed.position(Duration::from_secs(5)).await, None);
    // Of a client that comes from another process, with an event that this one has not read yet.
    let ahead = ChangePosition {
        seq: 2,
        ..log.newest()
    };
    let moved = open(&feed, StreamStart::After(ahead));
    log.add(2);
    log.add(3);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(moved.board.start(moved.start, moved.requested), None);
    log.is_away.store(false, Ordering::SeqCst);
    let moved = read(&moved, None, 1).await;
    assert_eq!(moved.seen, [(id(log.newest()), "change".to_owned())]);
    let resumed = read(&open(&feed, last(&reader)), None, 2).await;
    assert!(resumed.seen.iter().all(|(_, event)| event == "change"));
}

/// Changes that the log lost, or an epoch that is over, are one reset for each stream.
#[tokio::test(start_paused = true)]
async fn changes_that_are_gone_are_a_reset() {
    let log = Arc::new(MemoryLog::default());
    let feed = feed(&log);
    let stream = open(&feed, StreamStart::Now);
    let reader = read(&stream, None, 0).await;
    let StreamStart::After(position) = last(&reader) else {
        panic!("the stream has no position");
    };
    log.is_away.store(true, Ordering::SeqCst);
    (0..9).for_each(|number| log.add(number));
    log.gone.store(5, Ordering::SeqCst);
    log.is_away.store(false, Ordering::SeqCst);
    let reader = read(&stream, Some(position), 1).await;
    assert_eq!(reader.seen, [(id(log.newest()), "reset".to_owned())]);
    log.epoch.fetch_add(1, Ordering::SeqCst);
    let StreamStart::After(position) = last(&reader) else {
        panic!("the stream has no position");
    };
    let reader = read(&stream, Some(position), 1).await;
    assert_eq!(reader.seen, [(id(log.newest()), "reset".to_owned())]);
}

/// A feed that nobody reads stops polling after two minutes, and polls again for the next stream; a
/// change of this process is read at once.
#[tokio::test(start_paused = true)]
async fn the_log_is_read_while_somebody_reads_the_feed() {
    let log = Arc::new(MemoryLog::default());
    let feed = feed(&log);
    let listener = feed.listener();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(log.reads.load(Ordering::SeqCst), 0);
    let stream = open(&feed, StreamStart::Now);
    let reader = read(&stream, None, 0).await;
    sleep(Duration::from_secs(60)).await;
    let reads = log.reads.load(Ordering::SeqCst);
    assert!((50..=70).contains(&reads), "{reads}");
    // Right after a poll, so that the next regular one is a second away.
    log.add(1);
    let event = EngineEvent {
        incidents: change(1).incidents,
        ..EngineEvent::default()
    };
    let (began, start) = (Instant::now(), last(&reader));
    listener(&event);
    let StreamStart::After(position) = start else {
        panic!("the stream has no position");
    };
    read(&stream, Some(position), 1).await;
    assert!(
        began.elapsed() <= Duration::from_millis(60),
        "{:?}",
        began.elapsed()
    );
    drop(stream);
    sleep(Duration::from_secs(130)).await;
    let reads = log.reads.load(Ordering::SeqCst);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(log.reads.load(Ordering::SeqCst), reads);
    read(&open(&feed, StreamStart::Now), None, 0).await;
    assert!(log.reads.load(Ordering::SeqCst) > reads);
    // The polls end with the feed.
    drop((feed, listener));
    sleep(Duration::from_secs(5)).await;
    let reads = log.reads.load(Ordering::SeqCst);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(log.reads.load(Ordering::SeqCst), reads);
}

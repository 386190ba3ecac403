//! Tests of ids, of the ring and its cuts, of slots, and of feeds on a common log.

mod logs;
mod over_http;
mod slots;

use std::time::Duration;

use incident_core::IncidentId;
use incident_core::port::{ChangeHint, ChangePosition};
use tokio::time::{Instant, advance};
use uuid::Uuid;

use super::board::{EventBoard, StreamRead, StreamStart};
use super::frame::{RETRY, id, read_id};
use super::ring::{EventRing, MAX_EVENTS, RESUMABLE, RingRead};

/// Returns the change of the incident with a number.
pub(super) fn change(number: u128) -> ChangeHint {
    ChangeHint {
        incidents: vec![IncidentId::from_uuid(Uuid::from_u128(number))],
        public: number.is_multiple_of(2),
    }
}

/// A client, as HTML (9.2.6) describes it: it dispatches whole events only.
#[derive(Debug, Default)]
pub(super) struct Reader {
    text: String,
    /// The last event id.
    pub(super) last_id: Option<String>,
    /// The dispatched events: their id and their type.
    pub(super) seen: Vec<(String, String)>,
}

impl Reader {
    /// Reads some bytes, which may end anywhere.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.text.push_str(std::str::from_utf8(bytes).unwrap());
        while let Some(end) = self.text.find("\n\n") {
            let block: String = self.text.drain(..end + 2).collect();
            let field = |name: &str| {
                let mut lines = block.lines().filter_map(|line| line.split_once(": "));
                let found = lines.find(|(field, _)| *field == name);
                found.map(|(_, value)| value.to_owned())
            };
            self.last_id = field("id").or(self.last_id.take());
            if field("data").is_some() {
                let event = field("event").unwrap();
                self.seen.push((self.last_id.clone().unwrap(), event));
            }
        }
    }

    /// Returns a client that was cut off: it has the last event id, and no incomplete event.
    pub(super) fn cut(self) -> Self {
        Self {
            text: String::new(),
            ..self
        }
    }
}

/// Returns everything that a stream sends from a start on.
fn sent(board: &EventBoard, start: StreamStart) -> Vec<u8> {
    let mut bytes = RETRY.to_vec();
    let mut next = board.start(start, Instant::now());
    while let Some(StreamRead { frame, position }) = next {
        bytes.extend_from_slice(&frame);
        next = board.after(position);
    }
    bytes
}

/// Returns the start of a client that reconnects. Without an id it saw nothing, and begins where its page
/// does.
fn resumed(reader: &Reader, page: StreamStart) -> StreamStart {
    let position = reader.last_id.as_deref().map(|id| read_id(id).unwrap());
    position.map_or(page, StreamStart::After)
}

#[tokio::test]
async fn a_frame_is_an_event_with_an_id() {
    let board = EventBoard::of_process();
    let before = board.position().unwrap();
    board.push(&change(2));
    let read = board.after(before).unwrap();
    let expected = format!(
        "id: {:016x}-1\nevent: change\ndata: {{\"incidents\":[\"00000000-0000-0000-0000-000000000002\"],\"public\":true}}\n\n",
        before.epoch
    );
    assert_eq!(read.frame, expected);
    let json = expected.split("data: ").nth(1).unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["incidents"].as_array().unwrap().len(), 1);
}

#[test]
fn ids_are_read_as_they_are_written_and_nothing_else_is() {
    for (epoch, seq) in [(0, 0), (1, 10), (u64::MAX, u64::MAX)] {
        let position = ChangePosition { epoch, seq };
        assert_eq!(read_id(&id(position)), Some(position));
    }
    for wrong in [
        "",
        "-",
        "1-1",
        "0000000000000001",
        "0000000000000001-",
        "0000000000000001-01",
        "0000000000000001-+1",
        "0000000000000001--1",
        "0000000000000001-1 ",
        "000000000000000A-1",
        "+000000000000001-1",
        "0000000000000001-18446744073709551616",
        "é000000000000001-1",
    ] {
        assert_eq!(read_id(wrong), None, "{wrong:?}");
    }
}

/// H17: a client that is cut off after any byte, and again after any other, gets every later event
/// exactly once.
#[tokio::test]
async fn a_cut_at_any_byte_loses_nothing_and_repeats_nothing() {
    const EVENTS: usize = 12;
    let board = EventBoard::of_process();
    let start = StreamStart::After(board.position().unwrap());
    for number in 0..EVENTS {
        board.push(&change(number as u128));
    }
    let whole = sent(&board, start);
    for first in RETRY.len()..=whole.len() {
        let mut reader = Reader::default();
        reader.read(&whole[..first]);
        let mut reader = reader.cut();
        let again = sent(&board, resumed(&reader, start));
        let second = again.len() * (first % 7) / 7;
        reader.read(&again[..second]);
        let mut reader = reader.cut();
        let rest = sent(&board, resumed(&reader, start));
        reader.read(&rest);
        let seqs: Vec<u64> = reader
            .seen
            .iter()
            .map(|(id, _)| read_id(id).unwrap().seq)
            .collect();
        let expected: Vec<u64> = (1..=EVENTS as u64).collect();
        assert_eq!(seqs, expected, "cut after {first} and {second} bytes");
        assert!(reader.seen.iter().all(|(_, event)| event == "change"));
    }
}

/// H17: an id that is unknown, too old or too new is answered by one reset, and the client goes on
/// from there.
#[tokio::test]
async fn a_position_that_is_not_ours_is_one_reset() {
    let board = EventBoard::of_process();
    for number in 0..3 {
        board.push(&change(number));
    }
    let newest = board.position().unwrap();
    for start in [
        StreamStart::Unknown,
        StreamStart::After(ChangePosition {
            epoch: newest.epoch ^ 1,
            seq: 1,
        }),
        StreamStart::After(ChangePosition { seq: 4, ..newest }),
    ] {
        let mut reader = Reader::default();
        reader.read(&sent(&board, start));
        assert_eq!(reader.seen, [(id(newest), "reset".to_owned())]);
    }
}

#[tokio::test(start_paused = true)]
async fn events_are_resumed_for_two_minutes_and_up_to_a_number() {
    let start = ChangePosition { epoch: 7, seq: 0 };
    let mut ring = EventRing::starting_at(start);
    ring.push(&change(1), Instant::now());
    advance(RESUMABLE).await;
    ring.push(&change(2), Instant::now());
    assert!(matches!(ring.after(start), RingRead::Event(_)));
    advance(Duration::from_millis(1)).await;
    ring.push(&change(3), Instant::now());
    assert_eq!(ring.after(start), RingRead::Lost);
    let second = ChangePosition { seq: 1, ..start };
    assert!(matches!(ring.after(second), RingRead::Event(_)));

    for number in 0..MAX_EVENTS as u128 {
        ring.push(&change(number), Instant::now());
    }
    let last = ring.position().seq;
    let oldest = ChangePosition {
        seq: last - MAX_EVENTS as u64,
        ..start
    };
    assert!(matches!(ring.after(oldest), RingRead::Event(_)));
    let before = ChangePosition {
        seq: oldest.seq - 1,
        ..start
    };
    assert_eq!(ring.after(before), RingRead::Lost);
    assert_eq!(ring.after(ring.position()), RingRead::End);
}

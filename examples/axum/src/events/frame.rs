//! Frames of the event stream and their ids (HTML, 9.2: server-sent events).

use std::fmt::Write as _;

use bytes::Bytes;
use incident_core::port::{ChangeHint, ChangePosition};

/// The time after which a client reconnects, 2 s.
pub(crate) const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");
/// A comment, which clients ignore: it keeps proxies from closing the connection.
pub(crate) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

const EPOCH_DIGITS: usize = 16;

/// Returns the id of a position: `EPOCH-SEQ`, an epoch of 16 hexadecimal digits.
pub(super) fn id(position: ChangePosition) -> String {
    format!("{:016x}-{}", position.epoch, position.seq)
}

/// Reads an id as [`id`] writes it; returns `None` for anything else.
pub(crate) fn read_id(text: &str) -> Option<ChangePosition> {
    let (epoch, seq) = text.split_once('-')?;
    let is_epoch = epoch.len() == EPOCH_DIGITS
        && epoch
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let is_seq =
        seq.bytes().all(|byte| byte.is_ascii_digit()) && (seq == "0" || !seq.starts_with('0'));
    if !is_epoch || !is_seq {
        return None;
    }
    Some(ChangePosition {
        epoch: u64::from_str_radix(epoch, 16).ok()?,
        seq: seq.parse().ok()?,
    })
}

/// Returns a frame that sets the last event id of a client and dispatches nothing.
pub(super) fn id_frame(position: ChangePosition) -> Bytes {
    format!("id: {}\n\n", id(position)).into()
}

/// Returns the frame of a change.
pub(super) fn change_frame(position: ChangePosition, change: &ChangeHint) -> Bytes {
    let mut frame = format!(
        "id: {}\nevent: change\ndata: {{\"incidents\":[",
        id(position)
    );
    for (at, incident) in change.incidents.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(frame, "{comma}\"{incident}\"");
    }
    let _ = write!(frame, "],\"public\":{}}}\n\n", change.public);
    frame.into()
}

/// Returns the frame that tells a client to load everything again: it may have missed changes.
pub(super) fn reset_frame(position: ChangePosition) -> Bytes {
    format!("id: {}\nevent: reset\ndata: {{}}\n\n", id(position)).into()
}

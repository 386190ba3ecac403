//! The public side of an incident as it is stored: the newest lines, and a summary of the older
//! ones.

use serde::{Deserialize, Serialize};

use super::{Publish, Status, Updated};
use crate::{IncidentId, PublicId, PublicText, Timestamp};

/// Maximum number of lines stored with an incident.
pub const MAX_PUBLIC_UPDATES: usize = 64;
/// Maximum length of their texts together, in bytes; the newest line stays whatever its size.
pub const MAX_PUBLIC_BYTES: usize = 160 * 1024;
/// Maximum number of merged incidents whose lines also show here.
pub const MAX_PUBLIC_SOURCES: usize = 20;

/// A line of the public history, stored with the incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusPageUpdate {
    /// The entry it comes from.
    pub seq: u64,
    /// Time of the reported event.
    pub at: Timestamp,
    /// The status after a transition. Otherwise the status of the incident when the line was
    /// written, which is not shown: lines may come late.
    pub status: Status,
    /// Set if the status changed: the line then shows even without a text.
    pub transition: bool,
    /// The text written for the public.
    pub body: Option<PublicText>,
    /// The entry that the text comes from: that of a correction, if there was one.
    pub body_seq: u64,
}

impl StatusPageUpdate {
    /// Returns the sort key of a line on the page.
    pub(crate) const fn key(&self) -> (Timestamp, u64) {
        (self.at, self.seq)
    }

    /// Returns `true` if the page shows the line.
    fn shows(&self) -> bool {
        self.body.is_some() || (self.transition && self.status != Status::Merged)
    }

    fn bytes(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.as_str().len())
    }
}

/// A summary of the lines that were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedUpdates {
    /// Number of dropped lines that the page would show.
    pub lines: u64,
    /// Time and entry of the newest dropped line. An older line is dropped at once, so that the
    /// stored lines have no gaps.
    pub newest: Option<(Timestamp, u64)>,
    /// The highest entry that had one of them.
    pub last_seq: u64,
    /// Time and entry of the newest change of status among them.
    pub changed: Option<(Timestamp, u64)>,
    /// The status after that change, which held before the oldest stored line.
    pub status: Option<Status>,
}

impl DroppedUpdates {
    fn none(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn add(&mut self, line: &StatusPageUpdate) {
        self.lines += u64::from(line.shows());
        self.newest = self.newest.max(Some(line.key()));
        self.last_seq = self.last_seq.max(line.seq);
        // The page shows no status for a merge: the one before it still holds.
        let changes = line.transition && line.status != Status::Merged;
        if changes && self.changed < Some(line.key()) {
            self.changed = Some(line.key());
            self.status = Some(line.status);
        }
    }
}

/// The public side of an incident, whether shown or not.
///
/// It is written with every command, so it is bounded: the newest [`MAX_PUBLIC_UPDATES`] lines by
/// the time they are shown under, with at most [`MAX_PUBLIC_BYTES`] of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusPageEntry {
    /// The public id.
    pub id: PublicId,
    /// Set if it is shown.
    pub public: bool,
    /// The title written for the public.
    pub title: Option<PublicText>,
    /// The entry that the title comes from; absent if it was written before this field existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_seq: Option<u64>,
    /// The newest lines for the public.
    pub updates: Vec<StatusPageUpdate>,
    /// The summary of older lines.
    #[serde(default, skip_serializing_if = "DroppedUpdates::none")]
    pub dropped: DroppedUpdates,
    /// Merged incidents whose public lines also show here, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<IncidentId>,
    /// Time of the last change of the public side.
    pub changed_at: Timestamp,
}

impl StatusPageEntry {
    pub(crate) const fn hidden(id: PublicId, now: Timestamp) -> Self {
        Self {
            id,
            public: false,
            title: None,
            title_seq: None,
            updates: Vec::new(),
            dropped: DroppedUpdates {
                lines: 0,
                newest: None,
                last_seq: 0,
                changed: None,
                status: None,
            },
            merged: Vec::new(),
            changed_at: now,
        }
    }

    pub(crate) const fn touched(&mut self, now: Timestamp) {
        self.changed_at = now;
    }

    pub(crate) fn publish(&mut self, publish: &Publish, seq: u64, now: Timestamp, status: Status) {
        self.public = publish.public;
        if let Some(title) = &publish.title {
            self.title = Some(title.clone());
            self.title_seq = Some(seq);
        }
        if let Some(body) = &publish.message {
            self.updates.push(StatusPageUpdate {
                seq,
                at: now,
                status,
                transition: false,
                body: Some(body.clone()),
                body_seq: seq,
            });
        }
        self.changed_at = now;
    }

    /// Adds the line of an update, or corrects an earlier one. `status` is that of the incident
    /// after the update.
    pub(crate) fn update(&mut self, updated: &Updated, seq: u64, now: Timestamp, status: Status) {
        let mut body = updated.public_message.as_ref();
        if let (Some(corrected), Some(text)) = (updated.corrects, body)
            && self.correct(corrected, text, seq)
        {
            self.changed_at = now;
            body = None;
        }
        if updated.transition.is_none() && body.is_none() {
            return;
        }
        self.updates.push(StatusPageUpdate {
            seq,
            at: updated.occurred_at,
            status: updated
                .transition
                .map_or(status, |transition| transition.to),
            transition: updated.transition.is_some(),
            body: body.cloned(),
            body_seq: seq,
        });
        self.changed_at = now;
    }

    /// Replaces the text of a line by a corrected one; returns `true` if the line is, or was, on
    /// the page.
    fn correct(&mut self, corrected: u64, body: &PublicText, seq: u64) -> bool {
        match self.updates.iter_mut().find(|line| line.seq == corrected) {
            Some(line) => {
                line.body = Some(body.clone());
                line.body_seq = seq;
                true
            }
            // A correction of a dropped line is dropped too: as a line of its own it would show old
            // news as the newest.
            None => corrected <= self.dropped.last_seq,
        }
    }

    pub(crate) fn redact(&mut self, seq: u64, now: Timestamp) {
        for shown in &mut self.updates {
            if shown.body_seq == seq {
                shown.body = None;
            }
        }
        if self.title_seq == Some(seq) {
            self.title = None;
            self.title_seq = None;
        }
        self.changed_at = now;
    }

    /// Takes in the public side of an incident that is merged into this one.
    ///
    /// If that one is public, this one becomes public. It names that one, so that its lines are
    /// shown here too, and its title if there is none here. They are read there each time and never
    /// copied: a correction or redaction there takes effect here.
    ///
    /// An incident that is not public is only named: it has nothing to show unless it is published
    /// later.
    pub(crate) fn take_in(&mut self, source: IncidentId, entry: &Self, now: Timestamp) {
        if entry.public {
            self.public = true;
            for older in &entry.merged {
                self.name_source(*older);
            }
        }
        self.name_source(source);
        let surplus = self.merged.len().saturating_sub(MAX_PUBLIC_SOURCES);
        self.merged.drain(..surplus);
        self.changed_at = now;
    }

    fn name_source(&mut self, source: IncidentId) {
        self.merged.retain(|known| *known != source);
        self.merged.push(source);
    }

    /// Drops the oldest lines until the rest is within its bounds, and lines that are older than
    /// one that was dropped before.
    pub(crate) fn bound(&mut self) {
        let floor = self.dropped.newest;
        let late = |line: &StatusPageUpdate| Some(line.key()) <= floor;
        let bytes: usize = self.updates.iter().map(StatusPageUpdate::bytes).sum();
        let fits = self.updates.len() <= MAX_PUBLIC_UPDATES && bytes <= MAX_PUBLIC_BYTES;
        if fits && !self.updates.iter().any(late) {
            return;
        }
        self.updates.sort_by_key(StatusPageUpdate::key);
        let mut room = MAX_PUBLIC_BYTES;
        let newest = self.updates.iter().rev().enumerate();
        let kept = newest
            .take_while(|(nth, line)| {
                let taken = line.bytes();
                let fits = *nth == 0 || (*nth < MAX_PUBLIC_UPDATES && taken <= room);
                room = room.saturating_sub(taken);
                fits && !late(line)
            })
            .count();
        let surplus = self.updates.len() - kept;
        for line in self.updates.drain(..surplus) {
            self.dropped.add(&line);
        }
        self.updates.sort_by_key(|line| line.seq);
    }
}

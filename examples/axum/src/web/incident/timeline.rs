//! The timeline of an incident: its newest entries, or older ones on request.

use incident_core::incident::Incident;

use super::entry::{EntryView, note_corrections};
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::frame::Frame;

/// Maximum number of entries on a page.
pub(super) const SHOWN: u64 = 200;
/// Number of entries read at a time: one with ten thousand tenants takes a megabyte.
const AT_A_TIME: usize = 26;

/// A part of a timeline, oldest entry first.
pub(super) struct TimelineView {
    pub(super) entries: Vec<EntryView>,
    /// Number of entries before the first one shown.
    pub(super) older: u64,
    /// `true` if the newest entry is shown, so that the page follows the timeline.
    pub(super) is_newest: bool,
}

impl TimelineView {
    /// Returns the number of the entry before which the next older ones are.
    pub(super) const fn before(&self) -> u64 {
        self.older + 1
    }
}

/// Loads the newest entries, or those before an entry.
///
/// # Errors
/// Fails if the store did not answer.
pub(super) async fn timeline(
    state: &AppState,
    frame: &Frame<'_>,
    incident: &Incident,
    before: Option<u64>,
) -> Result<TimelineView, Problem> {
    let end = before.map_or(u64::MAX, |before| before.saturating_sub(1));
    let last = incident.last_seq.min(end);
    let older = last.saturating_sub(SHOWN);
    let mut entries: Vec<EntryView> = Vec::new();
    let mut after = older;
    loop {
        let audit = state.incidents().audit();
        let found = audit.timeline(incident.id, after, AT_A_TIME).await?;
        let is_full = found.len() == AT_A_TIME;
        // Entries that came since the incident was read belong to the newest ones.
        let wanted = found.iter().filter(|one| one.seq <= end);
        entries.extend(wanted.map(|one| EntryView::new(frame, one)));
        after = found.last().map_or(after, |one| one.seq);
        if !is_full || after >= end {
            break;
        }
    }
    note_corrections(&mut entries);
    Ok(TimelineView {
        entries,
        older,
        is_newest: end >= incident.last_seq,
    })
}

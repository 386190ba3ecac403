//! Public updates in order of the time shown, each with the status in force then.

use std::cmp::Reverse;

use super::PublicUpdate;
use super::words::{PublicStatus, StandardText};
use crate::incident::Incident;
use crate::incident::{StatusPageEntry, StatusPageUpdate};
use crate::{IncidentId, PublicText, Timestamp};

/// An update with its place among those of several incidents.
pub(super) struct PlacedUpdate {
    key: (Timestamp, IncidentId, u64),
    pub(super) update: PublicUpdate,
}

/// Returns the updates of an incident and of those merged into it, newest first, and the number of
/// updates that are no longer stored.
pub(super) fn mixed<'a>(incidents: impl Iterator<Item = &'a Incident>) -> (Vec<PublicUpdate>, u64) {
    let mut lines = Vec::new();
    let mut dropped = 0;
    for incident in incidents {
        dropped += incident.status_page.dropped.lines;
        lines.extend(of(incident.id, &incident.status_page));
    }
    lines.sort_by_key(|line| Reverse(line.key));
    (lines.into_iter().map(|line| line.update).collect(), dropped)
}

/// Returns the updates of one incident, oldest first.
///
/// An update without a change of status has the status in force at its time, whenever it was
/// written; before any change that is `investigating`.
fn of(id: IncidentId, entry: &StatusPageEntry) -> Vec<PlacedUpdate> {
    let mut updates: Vec<&StatusPageUpdate> = entry.updates.iter().collect();
    updates.sort_by_key(|line| line.key());
    let mut holds = entry
        .dropped
        .status
        .and_then(PublicStatus::of)
        .unwrap_or(PublicStatus::Investigating);
    updates
        .into_iter()
        .filter_map(|line| {
            let led_to = line.transition.then_some(line.status);
            // A merge does not change the outage: the status before it stays in force.
            holds = led_to.and_then(PublicStatus::of).unwrap_or(holds);
            let standard = led_to.and_then(StandardText::of);
            let standard = standard.filter(|_| line.body.is_none());
            Some(PlacedUpdate {
                key: (line.at, id, line.seq),
                update: PublicUpdate {
                    at: line.at,
                    status: holds,
                    body: text(line, standard)?,
                    standard,
                    truncated: false,
                },
            })
        })
        .collect()
}

/// Returns the text of an update; nothing if it has none for the public.
fn text(line: &StatusPageUpdate, standard: Option<StandardText>) -> Option<PublicText> {
    let sentence = || standard.map(|one| PublicText::made(one.sentence()));
    line.body.clone().or_else(sentence)
}

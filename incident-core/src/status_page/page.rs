//! The page: a bounded number of incidents, updates and bytes, and counts of the rest.

use serde::Serialize;

use super::PublicUpdate;
use super::incident::PublicIncident;
use super::words::Indicator;
use crate::PublicText;

/// Maximum number of incidents on the page.
pub const PAGE_INCIDENTS: usize = 50;
/// Maximum number of updates of one incident.
pub const PAGE_LINES: usize = 50;
/// Maximum size of all updates as JSON, in bytes. The newest update of each incident is shown in
/// any case.
pub const PAGE_BYTES: usize = 96 * 1024;
/// Maximum length of a newest update, in characters, if those of all incidents do not fit.
pub const TRUNCATED_CHARS: usize = 1_000;

/// The overall state in one word and one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct PageStatus {
    /// The worst severity among public live incidents.
    pub indicator: Indicator,
    /// The same as a sentence for people.
    pub description: &'static str,
}

impl PageStatus {
    pub(super) const fn of(indicator: Indicator) -> Self {
        Self {
            indicator,
            description: indicator.description(),
        }
    }
}

/// The content of the public page, without the time at which it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct PublicPage {
    /// The overall state.
    pub status: PageStatus,
    /// Live incidents and those that ended in the last 24 hours: worst impact first, then newest
    /// start, then id.
    pub incidents: Vec<PublicIncident>,
    /// Number of further incidents.
    pub incidents_omitted: u64,
}

/// Drops updates that do not fit, and counts them.
///
/// The newest update of each incident stays, then whole updates in the order of the page until one
/// does not fit.
pub(super) fn fit(incidents: &mut [PublicIncident]) {
    let newest: usize = incidents
        .iter()
        .filter_map(|one| one.updates.first())
        .map(bytes)
        .sum();
    if newest > PAGE_BYTES {
        let lines = incidents.iter_mut();
        lines
            .filter_map(|one| one.updates.first_mut())
            .for_each(cut);
    }
    let mut used: usize = incidents
        .iter()
        .filter_map(|one| one.updates.first())
        .map(bytes)
        .sum();
    for one in incidents {
        let further = one.updates.iter().take(PAGE_LINES).skip(1);
        let whole = further
            .take_while(|line| {
                used = used.saturating_add(bytes(line));
                used <= PAGE_BYTES
            })
            .count();
        let kept = one.updates.len().min(1 + whole);
        let omitted = one.updates.drain(kept..).count();
        one.updates_omitted += u64::try_from(omitted).unwrap_or(u64::MAX);
    }
}

/// Returns the size of an update on the page, in bytes, its comma included.
fn bytes(line: &PublicUpdate) -> usize {
    serde_json::to_vec(line).map_or(0, |json| json.len() + 1)
}

/// Cuts a text between characters, so that an ellipsis fits.
fn cut(line: &mut PublicUpdate) {
    let text = line.body.as_str();
    if text.chars().nth(TRUNCATED_CHARS).is_none() {
        return;
    }
    let mut short: String = text.chars().take(TRUNCATED_CHARS - 1).collect();
    short.push('…');
    line.body = PublicText::made(&short);
    line.truncated = true;
}

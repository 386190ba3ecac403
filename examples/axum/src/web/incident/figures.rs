//! The users that an incident hit, counted in the background and remembered for a while: a page
//! neither waits long for the usage source nor asks it for every reader.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use incident_core::engine::{BreakdownReport, Error, ImpactReport, ImpactRequest};
use incident_core::incident::Incident;
use incident_core::{IncidentId, Timestamp};
use tokio::sync::watch;

use super::chart::MAX_BARS;
use super::figure_memory::{
    Counted, FirstUsers, ImpactFigures, NoFigures, Outcome, Remembered, TenantUsers,
};
use crate::state::AppState;

/// Maximum time that a page waits for figures.
const WAIT: Duration = Duration::from_millis(1_500);
/// Age from which figures are counted again.
const FRESH: Duration = Duration::from_secs(20);
/// Maximum number of incidents whose figures are remembered.
const REMEMBERED: usize = 64;
/// Maximum number of tenants and of services with a figure of their own.
const NAMED: usize = 20;

/// Returns the newest figures of an incident. They are counted again if they are older than
/// 20 seconds or the incident has changed; the page waits for that at most 1.5 seconds, and not at
/// all if there are older ones of the same version.
pub(super) async fn figures(state: &Arc<AppState>, incident: &Incident) -> Arc<Counted> {
    let now = state.incidents().reports().now();
    let (newest, running) = look_up(state, incident, now);
    let is_current = |one: &Arc<Counted>| one.version == incident.version;
    if let Some(newest) = newest.clone().filter(is_current) {
        return newest;
    }
    if let Some(mut running) = running {
        let counted = running.wait_for(Option::is_some);
        if let Ok(Ok(found)) = tokio::time::timeout(WAIT, counted).await
            && let Some(found) = found.clone()
        {
            return found;
        }
    }
    let still_counting = || Counted {
        at: now,
        version: incident.version,
        figures: Err(NoFigures::Counting),
    };
    newest.unwrap_or_else(|| Arc::new(still_counting()))
}

/// Returns what is known, and the running count if one is needed.
fn look_up(
    state: &Arc<AppState>,
    incident: &Incident,
    now: Timestamp,
) -> (Outcome, Option<watch::Receiver<Outcome>>) {
    let memory = &mut *state.figures().lock();
    let entry = memory.entry(incident.id).or_default();
    let is_fresh = entry
        .newest
        .as_ref()
        .is_some_and(|one| one.version == incident.version && now.since(one.at) < FRESH);
    // A count that panicked has no sender any more.
    let is_over = |running: &watch::Receiver<Outcome>| running.has_changed().is_err();
    if !is_fresh && entry.running.as_ref().is_none_or(is_over) {
        entry.running = Some(count(state, incident, now));
    }
    let found = (entry.newest.clone(), entry.running.clone());
    forget_oldest(memory, incident.id);
    found
}

fn forget_oldest(memory: &mut BTreeMap<IncidentId, Remembered>, current: IncidentId) {
    if memory.len() > REMEMBERED {
        let age = |one: &Remembered| one.newest.as_ref().map(|newest| newest.at);
        let others = memory.iter().filter(|(id, _)| **id != current);
        let oldest = others.min_by_key(|(_, one)| age(one)).map(|(id, _)| *id);
        oldest.and_then(|id| memory.remove(&id));
    }
}

/// Counts in a task of its own, which outlives the page that began it.
fn count(state: &Arc<AppState>, incident: &Incident, now: Timestamp) -> watch::Receiver<Outcome> {
    let (result, running) = watch::channel(None);
    let (state, id, version) = (Arc::clone(state), incident.id, incident.version);
    tokio::spawn(async move {
        let counted = Arc::new(Counted {
            at: now,
            version,
            figures: of(&state, id).await,
        });
        let mut memory = state.figures().lock();
        if let Some(entry) = memory.get_mut(&id) {
            entry.newest = Some(Arc::clone(&counted));
            entry.running = None;
        }
        drop(memory);
        // There may be no page that waits.
        let _ = result.send(Some(counted));
    });
    running
}

async fn of(state: &AppState, id: IncidentId) -> Result<ImpactFigures, NoFigures> {
    let reports = state.incidents().reports();
    let request = ImpactRequest::default();
    let users = reports.affected_users(id, request).await.map_err(reason)?;
    let parts = reports
        .impact_breakdown(id, request)
        .await
        .map_err(reason)?;
    Ok(ImpactFigures::of(&users, &parts))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "for `map_err`, which passes it"
)]
fn reason(error: Error) -> NoFigures {
    if matches!(error, Error::NotConfigured(_)) {
        NoFigures::NotConfigured
    } else {
        NoFigures::Unavailable
    }
}

impl ImpactFigures {
    fn of(report: &ImpactReport, parts: &BreakdownReport) -> Self {
        let usual = report.by_tenant.iter().map(|one| one.baseline_unique_users);
        let mut tenants: Vec<TenantUsers> = report
            .by_tenant
            .iter()
            .map(|one| TenantUsers {
                tenant: one.tenant_id.to_string(),
                users: one.unique_users,
                usual: one.baseline_unique_users,
            })
            .collect();
        tenants.sort_by(|a, b| b.users.cmp(&a.users).then_with(|| a.tenant.cmp(&b.tenant)));
        let more_tenants = tenants.len().saturating_sub(NAMED);
        tenants.truncate(NAMED);
        let hits = &parts.breakdown.first_hits;
        let hits = hits.iter().map(|one| (one.minute, one.users));
        let (minutes, first_hits) = in_parts(&hits.collect::<Vec<_>>());
        Self {
            users: report.total_unique_users,
            usual: usual.sum(),
            provisional: report.provisional,
            tenants,
            more_tenants,
            first_hits,
            minutes,
        }
    }
}

/// Returns the length of a part in minutes, and the users of each part from the first hit to the
/// last one, at most [`MAX_BARS`] parts.
fn in_parts(hits: &[(Timestamp, u64)]) -> (u64, Vec<FirstUsers>) {
    let (Some((first, _)), Some((last, _))) = (hits.first(), hits.last()) else {
        return (1, Vec::new());
    };
    let minute = |at: Timestamp| at.since(*first).as_secs() / 60;
    let most = u64::try_from(MAX_BARS).unwrap_or(1);
    let minutes = (minute(*last) + 1).div_ceil(most).max(1);
    let count = minute(*last) / minutes + 1;
    let mut parts: Vec<FirstUsers> = (0..count)
        .map(|nth| FirstUsers {
            from: first.saturating_add(Duration::from_secs(60 * minutes * nth)),
            users: 0,
        })
        .collect();
    for (at, users) in hits {
        let nth = usize::try_from(minute(*at) / minutes).unwrap_or(usize::MAX);
        if let Some(part) = parts.get_mut(nth) {
            part.users += users;
        }
    }
    (minutes, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_outages_have_as_many_bars_as_fit_and_lose_no_user() {
        let at = |minute: u64| {
            let start: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
            start.saturating_add(Duration::from_secs(60 * minute))
        };
        let users = |parts: &[FirstUsers]| parts.iter().map(|one| one.users).collect::<Vec<_>>();
        let (minutes, parts) = in_parts(&[(at(0), 3), (at(2), 1)]);
        assert_eq!((minutes, users(&parts)), (1, vec![3, 0, 1]));
        for last in [59, 60, 119, 120, 1_440, 43_199] {
            let hits: Vec<_> = (0..=last).map(|minute| (at(minute), 1)).collect();
            let (minutes, parts) = in_parts(&hits);
            assert!(parts.len() <= MAX_BARS, "{last}");
            assert!(parts.len() > MAX_BARS / 2, "{last}: {}", parts.len());
            assert_eq!(users(&parts).iter().sum::<u64>(), last + 1);
            assert_eq!(minutes, (last + 1).div_ceil(60));
        }
        assert!(in_parts(&[]).1.is_empty());
    }
}

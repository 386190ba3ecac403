//! Merging: its conditions, and the facts that carry over.

use std::sync::Arc;

use super::limits::{MAX_REOPENINGS, MAX_SERVICES};
use super::refusal::wrong_state;
use super::took_in::OutageIntervals;
use super::{Affected, AffectedTenant, Change, Event, Incident, Mode, Refusal, State, TookIn};
use crate::window::{Window, Windows};
use crate::{Name, Timestamp, ValidationError};

/// Decides what an incident takes in from another one that is merged into it.
///
/// Refuses it unless the target is live and of the same mode and environment: merging into anything
/// else would end an outage that goes on. The worse severity, the earlier start, services, alerts
/// and the public lines carry over, and each tenant with the time for which its own incident hit
/// it.
pub(super) fn take_in(target: &Incident, source: &Incident) -> Result<Vec<Event>, Refusal> {
    if !target.status.is_live() {
        let detail = format!(
            "the target incident is {}; merge into an active incident, or reopen it first",
            target.status
        );
        return Err(wrong_state("merge_target_ended", detail));
    }
    if target.mode != source.mode || target.environment != source.environment {
        let expected = format!(
            "an incident with the same mode and environment ({}, {})",
            source.mode.name(),
            source.environment
        );
        return Err(ValidationError::new("merged_into", expected).into());
    }
    let outage = outage_of_both(target, source);
    if outage.earlier.len() > MAX_REOPENINGS {
        let expected = "an incident whose outage, combined with this one's, has at most 101 parts";
        return Err(ValidationError::new("merged_into", expected).into());
    }
    let mut changes = vec![
        Change::AffectedTenants(tenants_of_both(target, source)?),
        Change::AffectedServices(services_of_both(target, source)?),
        Change::Severity(target.severity.min(source.severity)),
        Change::StartedAt(outage.started_at),
        Change::ImpactEndedAt(outage.impact_ended_at),
    ];
    if let Some(detected) = source.detected_at {
        let earlier = target.detected_at.map_or(detected, |at| at.min(detected));
        changes.push(Change::DetectedAt(Some(earlier)));
    }
    changes.retain(|change| !change.is_idle(target));
    let held: Vec<&Name> = target.alerts().collect();
    let alerts = source.alerts().filter(|key| !held.contains(key));
    Ok(vec![Event::TookIn(Box::new(TookIn {
        from: source.id,
        number: source.number,
        changes,
        outage,
        alerts: alerts.cloned().collect(),
        entry: Box::new(source.status_page.clone()),
        was_paging: source.mode == Mode::Live
            && source.paging.was_begun()
            && !source.is_acknowledged(),
        shaped_by: Arc::clone(&source.shaped_by),
    }))])
}

impl State {
    /// Sets everything but the changes of fields.
    pub(super) fn take_in(&mut self, taken: &TookIn, now: Timestamp) {
        let outage = taken.outage.clone();
        self.started_at = outage.started_at;
        self.started_at_assumed = outage.started_at_assumed;
        self.earlier = outage.earlier;
        self.reopened_at = outage.reopened_at;
        self.impact_ended_at = outage.impact_ended_at;
        self.stand_for(&taken.alerts);
        self.status_page.take_in(taken.from, &taken.entry, now);
        self.note_shapers(taken.shaped_by.iter());
    }
}

/// Returns the outage as a set; an interval without an end runs until [`Timestamp::MAX`].
fn windows(incident: &Incident) -> Windows {
    let intervals = incident.intervals().into_iter();
    intervals
        .filter_map(|interval| interval.window(Timestamp::MAX))
        .collect()
}

fn union(target: &Incident, source: &Incident) -> Windows {
    let (ours, theirs) = (windows(target), windows(source));
    let all = ours.as_slice().iter().chain(theirs.as_slice());
    all.copied().collect()
}

fn outage_of_both(target: &Incident, source: &Incident) -> OutageIntervals {
    let both = union(target, source);
    let Some((newest, earlier)) = both.as_slice().split_last() else {
        // Neither outage has any length.
        return OutageIntervals {
            started_at: target.started_at,
            started_at_assumed: target.started_at_assumed,
            earlier: target.earlier.clone(),
            reopened_at: target.reopened_at,
            impact_ended_at: target.impact_ended_at,
        };
    };
    let started_at = earlier.first().unwrap_or(newest).start();
    let stated_by = |one: &Incident| one.started_at == started_at && !one.started_at_assumed;
    OutageIntervals {
        started_at,
        started_at_assumed: !stated_by(target) && !stated_by(source),
        earlier: earlier.to_vec(),
        reopened_at: (!earlier.is_empty()).then_some(newest.start()),
        impact_ended_at: (newest.end() < Timestamp::MAX).then_some(newest.end()),
    }
}

/// Returns the tenants of both, each for the time for which its own incident hit it. If one of the
/// two hits all tenants, both together do, for the whole outage: the list is known only when a
/// report is made, and too much is owed rather than too little.
fn tenants_of_both(target: &Incident, source: &Incident) -> Result<Affected, ValidationError> {
    let lists = (
        target.affected_tenants.list(),
        source.affected_tenants.list(),
    );
    let (Some(ours), Some(theirs)) = lists else {
        return Ok(Affected::All);
    };
    let both = union(target, source);
    let ours = limited_to(ours, &windows(target), &both);
    let theirs = limited_to(theirs, &windows(source), &both);
    Affected::these(ours.into_iter().chain(theirs).collect())
}

/// Returns the tenants of one outage as part of a longer one. A tenant whose time lies outside of
/// its own outage was not hit, and is left out so that the longer one does not hit it either.
fn limited_to(tenants: &[AffectedTenant], own: &Windows, both: &Windows) -> Vec<AffectedTenant> {
    if own == both {
        return tenants.to_vec();
    }
    let begin = both.start().unwrap_or(Timestamp::MIN);
    let parts = tenants.iter().flat_map(|tenant| {
        let from = tenant.from.unwrap_or(Timestamp::MIN);
        let until = tenant.until.unwrap_or(Timestamp::MAX);
        let bounds = Window::non_empty(from, until);
        let parts = bounds.into_iter().flat_map(|bounds| own.clip_iter(bounds));
        parts.map(|part| AffectedTenant {
            tenant_id: tenant.tenant_id.clone(),
            from: if part.start() == begin {
                tenant.from
            } else {
                Some(part.start())
            },
            until: (part.end() < Timestamp::MAX).then_some(part.end()),
        })
    });
    parts.collect()
}

fn services_of_both(
    target: &Incident,
    source: &Incident,
) -> Result<Vec<crate::ServiceId>, ValidationError> {
    let ours = target.affected_services.iter();
    let mut both: Vec<_> = ours.chain(&source.affected_services).cloned().collect();
    both.sort();
    both.dedup();
    if both.len() > MAX_SERVICES.max(target.affected_services.len()) {
        let expected = "an incident that, combined with this one, affects at most 200 services";
        return Err(ValidationError::new("merged_into", expected));
    }
    Ok(both)
}

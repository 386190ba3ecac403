//! Decisions on updates: their changes, and the transitions that they may make.

use super::limits;
use super::refusal::{ended, wrong_state};
use super::times::{eta_ahead, not_future};
use super::{
    CancelReason, Change, Ending, Incident, Refusal, SlaFacts, Status, Transition, TransitionKind,
    Update, Updated,
};
use crate::policy::Policy;
use crate::timeline::EntryKind;
use crate::{Statement, Timestamp, ValidationError};

pub(super) fn update_of(
    incident: &Incident,
    update: &Update,
    now: Timestamp,
    policy: &Policy,
) -> Result<Updated, Refusal> {
    let occurred_at = update.occurred_at.unwrap_or(now);
    not_future("occurred_at", occurred_at, now)?;
    let kind = kind_of(incident, update)?;
    let to = update.status.unwrap_or(incident.status);
    let transition = transition(incident, update, to, occurred_at, policy)?;
    if incident.status.is_final() && !matches!(kind, EntryKind::Correction | EntryKind::Action) {
        return Err(ended(incident));
    }
    if transition.is_none() && update.severity.is_none() {
        limits::room_for_notes(incident)?;
    }
    let mut changes = Vec::new();
    changes.extend(update.severity.map(Change::Severity));
    changes.extend(update.eta.map(|eta| Change::Eta(Some(eta))));
    changes.extend(
        update
            .impact_ended_at
            .map(|end| Change::ImpactEndedAt(Some(end))),
    );
    changes.retain(|change| !change.is_idle(incident));
    for change in &changes {
        check_change(incident, change, now)?;
    }
    Ok(Updated {
        kind,
        message: update.message.clone(),
        reason: update.reason.clone(),
        occurred_at,
        transition,
        changes,
        comms_sent: update.comms_sent.clone(),
        public_message: update.public_message.clone(),
        corrects: update.corrects,
    })
}

fn kind_of(incident: &Incident, update: &Update) -> Result<EntryKind, Refusal> {
    if let Some(seq) = update.corrects
        && (seq == 0 || seq > incident.last_seq)
    {
        return Err(ValidationError::new(
            "corrects",
            "the number of a timeline entry of this incident",
        )
        .into());
    }
    let natural = match (&update.corrects, &update.comms_sent) {
        (Some(_), _) => EntryKind::Correction,
        (None, Some(_)) => EntryKind::Comms,
        (None, None) => EntryKind::Update,
    };
    let kind = update.kind.unwrap_or(natural);
    if !kind.is_written_by_people() {
        return Err(ValidationError::new(
            "kind",
            "one of update, decision, action, observation, hypothesis, comms, correction",
        )
        .into());
    }
    match (kind, update.corrects) {
        (EntryKind::Correction, None) => {
            Err(ValidationError::new("corrects", "the number of the entry to correct").into())
        }
        (EntryKind::Correction, Some(_)) => Ok(kind),
        (_, Some(_)) => {
            Err(ValidationError::new("kind", "`correction`, because `corrects` is given").into())
        }
        (_, None) => Ok(kind),
    }
}

fn transition(
    incident: &Incident,
    update: &Update,
    to: Status,
    at: Timestamp,
    policy: &Policy,
) -> Result<Option<Transition>, Refusal> {
    let from = incident.status;
    let Some(step) = from.step_to(to) else {
        if update.status.is_none() {
            return Ok(None);
        }
        return Err(wrong_state(
            "status_not_reachable",
            format!("a {from} incident cannot become {to}"),
        ));
    };
    let ending = match step {
        TransitionKind::Stay => return Ok(None),
        TransitionKind::Move => {
            if to == Status::Mitigated {
                after_start(incident, "occurred_at", at)?;
            }
            None
        }
        TransitionKind::Resolve => {
            after_start(
                incident,
                "occurred_at",
                update.impact_ended_at.map_or(at, |end| end.max(at)),
            )?;
            None
        }
        TransitionKind::Reopen => {
            reason(update)?;
            if incident.earlier.len() >= limits::MAX_REOPENINGS {
                let expected = "another status: an incident can be reopened at most 100 times";
                return Err(ValidationError::new("status", expected).into());
            }
            after_start(incident, "occurred_at", at)?;
            None
        }
        TransitionKind::Close => {
            close(incident, at, policy)?;
            None
        }
        TransitionKind::Cancel => Some(Ending::Cancelled(cancel_reason(reason(update)?)?)),
        TransitionKind::Merge => Some(merged_into(incident, update)?),
    };
    Ok(Some(Transition { from, to, ending }))
}

fn reason(update: &Update) -> Result<&Statement, ValidationError> {
    update.reason.as_ref().ok_or_else(|| {
        ValidationError::new(
            "reason",
            "a reason, because this status change requires one",
        )
    })
}

fn cancel_reason(reason: &Statement) -> Result<CancelReason, ValidationError> {
    CancelReason::parse(reason.as_str())
}

fn merged_into(incident: &Incident, update: &Update) -> Result<Ending, Refusal> {
    let into = update.merged_into.ok_or_else(|| {
        ValidationError::new(
            "merged_into",
            "the id of the incident to merge this one into",
        )
    })?;
    if into == incident.id {
        return Err(ValidationError::new("merged_into", "the id of a different incident").into());
    }
    Ok(Ending::MergedInto(into))
}

fn close(incident: &Incident, at: Timestamp, policy: &Policy) -> Result<(), Refusal> {
    if incident.resolved_at.is_some_and(|resolved| at < resolved) {
        return Err(ValidationError::new(
            "occurred_at",
            "a time that is not before the resolution",
        )
        .into());
    }
    if incident.policy(policy).post_mortem_required() && incident.post_mortem.is_none() {
        return Err(wrong_state(
            "post_mortem_missing",
            format!(
                "a {} incident cannot be closed without a post-mortem link; add one first",
                incident.severity
            ),
        ));
    }
    Ok(())
}

/// Returns the start of the current interval, or of the last one.
fn interval_start(incident: &Incident) -> Timestamp {
    incident.reopened_at.unwrap_or(incident.started_at)
}

fn after_start(
    incident: &Incident,
    field: &'static str,
    time: Timestamp,
) -> Result<(), ValidationError> {
    if time < interval_start(incident) {
        return Err(ValidationError::new(
            field,
            "a time that is not before the start of the impact",
        ));
    }
    Ok(())
}

fn start_before_ends(incident: &Incident, start: Timestamp) -> Result<(), ValidationError> {
    let ends = [
        incident.mitigated_at,
        incident.impact_ended_at,
        incident.resolved_at,
    ];
    if ends.into_iter().flatten().any(|end| end < start) {
        let expected = "a time that is not after the mitigation, end of impact or resolution";
        return Err(ValidationError::new("started_at", expected));
    }
    Ok(())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only times have an order; every other field takes any value of its type"
)]
pub(super) fn check_change(
    incident: &Incident,
    change: &Change,
    now: Timestamp,
) -> Result<(), Refusal> {
    match change {
        Change::Eta(Some(eta)) => eta_ahead(*eta, now)?,
        Change::DetectedAt(Some(at)) => not_future("detected_at", *at, now)?,
        Change::ImpactEndedAt(Some(end)) => {
            not_future("impact_ended_at", *end, now)?;
            after_start(incident, "impact_ended_at", *end)?;
        }
        Change::StartedAt(start) => {
            not_future("started_at", *start, now)?;
            if incident.reopened_at.is_none() {
                start_before_ends(incident, *start)?;
            }
        }
        Change::AffectedTenants(tenants) => {
            let hull = (incident.started_at, SlaFacts::of(incident).end_of_outage());
            tenants.check_times(&incident.affected_tenants, hull, now)?;
        }
        _ => {}
    }
    Ok(())
}

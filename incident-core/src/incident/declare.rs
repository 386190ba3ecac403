//! Declarations: the first state and the first events of an incident.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::StatusPageEntry;
use super::apply::restart_update_clock;
use super::event::long_outage;
use super::times::{eta_ahead, not_future};
use super::{
    Affected, AlertRepeats, Clocks, Declare, Event, Incident, Mode, Refusal, ResponseRole,
    RoleAssignment, Severity, Source, State, Status, Transition, Updated, limits, visible,
};
use crate::actor::{Action, Actor, ActorKind};
use crate::paging::Paging;
use crate::policy::Policy;
use crate::timeline::EntryKind;
use crate::{IncidentId, Name, PublicId, Revision, Statement, Timestamp, ValidationError, Version};

/// The ids of a new incident.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewIds {
    pub(crate) id: IncidentId,
    pub(crate) public_id: PublicId,
    pub(crate) number: u64,
}

/// Returns the rights that a declaration needs.
pub(crate) fn rights_for_declare(declare: &Declare) -> Vec<Action> {
    let mut rights = vec![Action::Declare];
    if passes_by_paging(declare) {
        rights.push(Action::DeclareUnpaged);
    }
    if declare.reason.is_some() {
        rights.push(Action::LongOutage);
    }
    rights
}

/// Returns `true` if a declaration of a possibly ongoing and severe incident wakes no one.
///
/// A retrospective one passes by paging unless it states its end. A drill does not: it stands for
/// no alert, is never public and never counts. A declaration for an alert does not either: only an
/// incident that paged stands for one that would page ([`may_stand_for`](super::may_stand_for)).
fn passes_by_paging(declare: &Declare) -> bool {
    match declare.mode {
        Mode::Live => {
            let urgent = matches!(declare.severity, Severity::Sev1 | Severity::Sev2);
            urgent && declare.page == Some(false)
        }
        Mode::Retrospective => declare.resolved_at.is_none() && declare.impact_ended_at.is_none(),
        Mode::Drill => false,
    }
}

/// Creates the incident of a declaration, in `triage`.
pub(crate) fn declare(
    asked: &Declare,
    by: &Actor,
    ids: NewIds,
    related: Vec<IncidentId>,
    now: Timestamp,
    policy: &Policy,
) -> Result<Incident, Refusal> {
    check(asked, now)?;
    visible::declaration(asked)?;
    let mut state = first_state(asked, by, ids, now)?;
    state.related = related;
    if asked.pages(policy) {
        state.paging = Paging::pending(1, now);
    }
    state.time_data(now);
    limits::size(None, &state, &FIELDS)?;
    restart_update_clock(&mut state, now, policy);
    Ok(Incident::from_state(state))
}

/// Creates the state of a new incident that pages no one and is related to no other.
fn first_state(asked: &Declare, by: &Actor, ids: NewIds, now: Timestamp) -> Result<State, Refusal> {
    let person = (by.kind == ActorKind::Person).then(|| by.name.clone());
    let commander = person.clone().map(|person| RoleAssignment {
        role: ResponseRole::IncidentCommander,
        person,
        assumed_at: now,
        renounced_at: None,
    });
    let source = asked.source.unwrap_or(if asked.suggestion_id.is_some() {
        Source::Suggestion
    } else {
        Source::Team
    });
    let environment = match &asked.environment {
        Some(name) => name.clone(),
        None => Name::new(Incident::PRODUCTION)?,
    };
    let mut services = asked.affected_services.clone();
    services.sort();
    services.dedup();
    Ok(State {
        id: ids.id,
        number: ids.number,
        version: Version(1),
        revision: Revision(1),
        last_seq: 0,
        last_recorded_at: now,
        title: asked.title.clone(),
        summary: asked.summary.clone(),
        severity: asked.severity,
        status: Status::Triage,
        mode: asked.mode,
        environment,
        source,
        affected_services: services,
        affected_tenants: asked.affected_tenants.normalized()?,
        responder: asked.responder.clone().or(person),
        roles: commander.into_iter().collect(),
        started_at: asked.started_at.unwrap_or(now),
        started_at_assumed: asked.started_at.is_none(),
        detected_at: asked.detected_at,
        declared_at: now,
        acknowledged_at: None,
        acknowledged_by: None,
        mitigated_at: None,
        impact_ended_at: asked.impact_ended_at,
        resolved_at: None,
        closed_at: None,
        cancelled_at: None,
        eta: asked.eta,
        next_update_due_at: None,
        reopened_at: None,
        earlier: Vec::new(),
        post_mortem: None,
        ending: None,
        recurrence_of: asked.recurrence_of,
        suggestion_id: asked.suggestion_id,
        alert_key: asked.alert_key.clone(),
        alert_moved: false,
        merged_alerts: Vec::new(),
        repeats: AlertRepeats::default(),
        related: Vec::new(),
        tracker_url: asked.tracker_url.clone(),
        facts: asked.facts.clone(),
        priority_override: asked.priority,
        data_leak_suspected_at: None,
        data_loss_confirmed_at: None,
        affected_users_notified_at: None,
        affected_users_notified_by: None,
        authority_notified_at: None,
        authority_notified_by: None,
        status_page: StatusPageEntry::hidden(ids.public_id, now),
        paging: Paging::none(),
        escalations: Vec::new(),
        credit_revision: 0,
        text_from: BTreeMap::new(),
        redacted_at: None,
        clocks: Clocks::default(),
        shaped_by: Arc::default(),
        approvals: Vec::new(),
        ticks: Vec::new(),
    })
}

/// Fields of a declaration that may be too large together.
const FIELDS: [&str; 12] = [
    "title",
    "summary",
    "affected_services",
    "symptom",
    "impact_text",
    "cause",
    "resolution",
    "next_steps",
    "data_loss",
    "data_leak",
    "bridge_url",
    "labels",
];

/// Returns the first events of an incident: its declaration, the reason for a long outage, and its
/// end, as far as these are part of it.
pub(crate) fn first_events(asked: &Declare, now: Timestamp) -> Vec<Event> {
    let mut events = vec![Event::Declared {
        overridden: asked.overridden(),
    }];
    if let Some(reason) = &asked.reason {
        events.push(long_outage(limits::months_of(asked.span(now)), reason, now));
    }
    events.extend(asked.resolved_at.map(resolved_before));
    events
}

fn resolved_before(at: Timestamp) -> Event {
    let resolved = Updated {
        kind: EntryKind::Update,
        message: Statement::made("resolved before it was declared here"),
        reason: None,
        occurred_at: at,
        transition: Some(Transition {
            from: Status::Triage,
            to: Status::Resolved,
            ending: None,
        }),
        changes: Vec::new(),
        comms_sent: None,
        public_message: None,
        corrects: None,
    };
    Event::Updated(Box::new(resolved))
}

/// Checks a declaration for which another incident stands, as far as it does not depend on the time:
/// a sender repeats its alert as it was, while its times pass.
///
/// # Errors
/// Returns the field that a new incident could not have either.
pub(crate) fn check_repeated(asked: &Declare) -> Result<(), ValidationError> {
    limits::labels(&asked.facts.labels)?;
    limits::services(&asked.affected_services)?;
    visible::declaration(asked)
}

fn check(asked: &Declare, now: Timestamp) -> Result<(), ValidationError> {
    if let Some(start) = asked.started_at {
        not_future("started_at", start, now)?;
    }
    if let Some(detected) = asked.detected_at {
        not_future("detected_at", detected, now)?;
    }
    if let Some(eta) = asked.eta {
        eta_ahead(eta, now)?;
    }
    let start = asked.started_at.unwrap_or(now);
    let end = asked.impact_ended_at.or(asked.resolved_at);
    let nobody = Affected::default();
    asked
        .affected_tenants
        .check_times(&nobody, (start, end), now)?;
    for (field, end) in [
        ("impact_ended_at", asked.impact_ended_at),
        ("resolved_at", asked.resolved_at),
    ] {
        let Some(end) = end else { continue };
        not_future(field, end, now)?;
        if end < start {
            return Err(ValidationError::new(
                field,
                "a time that is not before `started_at`",
            ));
        }
    }
    if asked.resolved_at.is_some() && asked.mode != Mode::Retrospective {
        return Err(ValidationError::new(
            "resolved_at",
            "no value, because only a retrospective incident is declared as resolved",
        ));
    }
    if asked.mode == Mode::Retrospective && asked.page == Some(true) {
        return Err(ValidationError::new(
            "page",
            "false, because the incident is retrospective",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Title;
    use crate::incident::Severity;

    /// An end at the start is an outage of no length; one before it is a mistake.
    #[test]
    fn an_end_is_not_before_the_start_nor_in_the_future() {
        let now: Timestamp = "2026-11-20T22:15:00Z".parse().unwrap();
        let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
        let before: Timestamp = "2026-11-20T21:59:59.999999Z".parse().unwrap();
        let later = now.saturating_add(Duration::from_hours(1));
        let mut asked = Declare::new(Title::new("API down").unwrap(), Severity::Sev2);
        asked.mode = Mode::Retrospective;
        asked.started_at = Some(start);
        let mut refused = |impact, resolved| {
            asked.impact_ended_at = impact;
            asked.resolved_at = resolved;
            check(&asked, now)
                .err()
                .map(|wrong| wrong.field().to_owned())
        };
        for end in [start, now] {
            assert_eq!(refused(Some(end), Some(end)), None);
        }
        for end in [before, later] {
            assert_eq!(refused(Some(end), None).as_deref(), Some("impact_ended_at"));
            assert_eq!(refused(None, Some(end)).as_deref(), Some("resolved_at"));
        }
    }
}

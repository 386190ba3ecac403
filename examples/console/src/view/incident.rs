//! An incident, whole and in a list. Both are written straight into the answer.

use std::collections::BTreeMap;

use incident_core::incident::{
    Affected, DataLoss, Ending, Facts, Incident, Level, Mode, Outline, PostMortem, Priority,
    RoleAssignment, Scope, Severity, Source, Status,
};
use incident_core::paging::{Escalation, Paging, PagingState, TargetId, dedup_key};
use incident_core::{
    HttpsUrl, IncidentId, Money, Name, Percent, PersonName, PublicText, ServiceId, SuggestionId,
    Text, Timestamp, Title,
};
use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::links::{Filled, Links};

/// So many tenants are shown with an incident; all of them have a route of their own.
pub const SHOWN_TENANTS: usize = 200;

/// An incident.
#[must_use]
pub fn incident<'a>(
    incident: &'a Incident,
    links: &'a Links,
    deduplicated: bool,
) -> impl Serialize + use<'a> {
    let state = &**incident;
    Shown {
        id: state.id,
        number: state.number,
        version: state.version.0,
        title: &state.title,
        summary: &state.summary,
        severity: state.severity,
        priority: state.facts.priority(),
        status: state.status,
        mode: state.mode,
        environment: &state.environment,
        source: state.source,
        affected_services: &state.affected_services,
        affected_tenants: state.affected_tenants.first(SHOWN_TENANTS),
        affected_tenants_total: state.affected_tenants.rows(),
        responder: state.responder.as_ref(),
        roles: &state.roles,
        started_at: state.started_at,
        started_at_assumed: state.started_at_assumed,
        detected_at: state.detected_at,
        declared_at: state.declared_at,
        acknowledged_at: state.acknowledged_at,
        acknowledged_by: state.acknowledged_by.as_ref(),
        mitigated_at: state.mitigated_at,
        impact_ended_at: state.impact_ended_at,
        resolved_at: state.resolved_at,
        closed_at: state.closed_at,
        eta: state.eta,
        next_update_due_at: state.next_update_due_at,
        outage: incident
            .intervals()
            .into_iter()
            .map(Interval::from)
            .collect(),
        public: state.status_page.public,
        public_title: state.status_page.title.as_ref(),
        post_mortem: state.post_mortem.as_ref().map(Linked::of),
        ending: state.ending,
        recurrence_of: state.recurrence_of,
        suggestion_id: state.suggestion_id,
        alert_key: state.alert_key.as_ref(),
        alert_repeats: state.repeats.count,
        related: &state.related,
        tracker_url: state.tracker_url.as_ref(),
        deduplicated,
        paging: Page::of(&state.paging, incident.dedup_key()),
        escalations: Escalations(state.id, &state.escalations),
        links: links.of(incident),
        facts: FactsShown::of(&state.facts),
    }
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    id: IncidentId,
    number: u64,
    version: u64,
    title: &'a Title,
    summary: &'a Text,
    severity: Severity,
    priority: Option<Priority>,
    status: Status,
    mode: Mode,
    environment: &'a Name,
    source: Source,
    affected_services: &'a [ServiceId],
    affected_tenants: Affected,
    affected_tenants_total: Option<u64>,
    responder: Option<&'a PersonName>,
    roles: &'a [RoleAssignment],
    started_at: Timestamp,
    started_at_assumed: bool,
    detected_at: Option<Timestamp>,
    declared_at: Timestamp,
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: Option<&'a PersonName>,
    mitigated_at: Option<Timestamp>,
    impact_ended_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    eta: Option<Timestamp>,
    next_update_due_at: Option<Timestamp>,
    outage: Vec<Interval>,
    public: bool,
    public_title: Option<&'a PublicText>,
    post_mortem: Option<Linked<'a>>,
    ending: Option<Ending>,
    recurrence_of: Option<IncidentId>,
    suggestion_id: Option<SuggestionId>,
    alert_key: Option<&'a Name>,
    alert_repeats: u64,
    related: &'a [IncidentId],
    tracker_url: Option<&'a HttpsUrl>,
    deduplicated: bool,
    paging: Page<'a>,
    escalations: Escalations<'a>,
    links: Filled<'a>,
    #[serde(flatten)]
    facts: FactsShown<'a>,
}

/// The optional facts: fields of the incident like any other.
#[derive(serde::Serialize)]
struct FactsShown<'a> {
    labels: &'a BTreeMap<Name, Text>,
    symptom: Option<&'a Text>,
    impact_text: Option<&'a Text>,
    scope: Option<Scope>,
    cause: Option<&'a Text>,
    resolution: Option<&'a Text>,
    next_steps: Option<&'a Text>,
    data_loss: Option<&'a DataLoss>,
    users_hit_percent: Option<Percent>,
    revenue_per_hour: Option<Money>,
    impact: Option<Level>,
    urgency: Option<Level>,
    failure_class: Option<&'a Name>,
}

impl<'a> FactsShown<'a> {
    fn of(facts: &'a Facts) -> Self {
        Self {
            labels: &facts.labels,
            symptom: facts.symptom.as_ref(),
            impact_text: facts.impact_text.as_ref(),
            scope: facts.scope,
            cause: facts.cause.as_ref(),
            resolution: facts.resolution.as_ref(),
            next_steps: facts.next_steps.as_ref(),
            data_loss: facts.data_loss.as_ref(),
            users_hit_percent: facts.users_hit_percent,
            revenue_per_hour: facts.revenue_per_hour,
            impact: facts.impact,
            urgency: facts.urgency,
            failure_class: facts.failure_class.as_ref(),
        }
    }
}

#[derive(serde::Serialize)]
struct Interval {
    start: Timestamp,
    end: Option<Timestamp>,
}

impl From<(Timestamp, Option<Timestamp>)> for Interval {
    fn from((start, end): (Timestamp, Option<Timestamp>)) -> Self {
        Self { start, end }
    }
}

#[derive(serde::Serialize)]
struct Linked<'a> {
    url: &'a HttpsUrl,
    linked_by: &'a PersonName,
    linked_at: Timestamp,
}

impl<'a> Linked<'a> {
    fn of(linked: &'a PostMortem) -> Self {
        Self {
            url: &linked.url,
            linked_by: &linked.linked_by.name,
            linked_at: linked.linked_at,
        }
    }
}

/// An incident in a list.
#[must_use]
pub fn item(outline: &Outline) -> impl Serialize + use<'_> {
    Item {
        id: outline.id,
        number: outline.number,
        title: &outline.title,
        severity: outline.severity,
        status: outline.status,
        affected_tenants: &outline.affected_tenants,
        affected_tenants_total: outline.affected_tenants_total,
        affected_services: &outline.affected_services,
        responder: outline.responder.as_ref(),
        started_at: outline.started_at,
        declared_at: outline.declared_at,
        eta: outline.eta,
        next_update_due_at: outline.next_update_due_at,
        paging: Page::of(&outline.paging, dedup_key(outline.id, None)),
        public: outline.public,
    }
}

#[derive(serde::Serialize)]
struct Item<'a> {
    id: IncidentId,
    number: u64,
    title: &'a Title,
    severity: Severity,
    status: Status,
    affected_tenants: &'a Affected,
    affected_tenants_total: Option<u64>,
    affected_services: &'a [ServiceId],
    responder: Option<&'a PersonName>,
    started_at: Timestamp,
    declared_at: Timestamp,
    eta: Option<Timestamp>,
    next_update_due_at: Option<Timestamp>,
    paging: Page<'a>,
    public: bool,
}

#[derive(serde::Serialize)]
struct Page<'a> {
    dedup_key: String,
    state: PagingState,
    epoch: u32,
    target: Option<&'a str>,
    attempts: u32,
    accepted_at: Option<Timestamp>,
    error: Option<&'a str>,
    next_attempt_at: Option<Timestamp>,
    overdue_at: Option<Timestamp>,
    confirmed_at: Option<Timestamp>,
    unconfirmed_at: Option<Timestamp>,
    waits_behind: Option<IncidentId>,
    closed_there_at: Option<Timestamp>,
    possible_double_wakes: u32,
}

impl<'a> Page<'a> {
    fn of(paging: &'a Paging, dedup_key: String) -> Self {
        Self {
            dedup_key,
            state: paging.state,
            epoch: paging.epoch,
            target: paging.target.as_ref().map(TargetId::name),
            attempts: paging.attempts,
            accepted_at: paging.accepted_at,
            error: paging.error.as_deref(),
            next_attempt_at: paging.next_attempt_at,
            overdue_at: paging.overdue_at,
            confirmed_at: paging.confirmed_at,
            unconfirmed_at: paging.unconfirmed_at,
            waits_behind: paging.waits_behind,
            closed_there_at: paging.closed_there_at,
            possible_double_wakes: paging.possible_double_wakes,
        }
    }
}

/// Who was told besides on-call, and how that went.
struct Escalations<'a>(IncidentId, &'a [Escalation]);

impl Serialize for Escalations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Told<'a> {
            rule: &'a str,
            asked_at: Timestamp,
            asked_by: &'a PersonName,
            paging: Page<'a>,
        }
        let Self(id, all) = self;
        let mut list = serializer.serialize_seq(Some(all.len()))?;
        for one in *all {
            list.serialize_element(&Told {
                rule: one.rule.as_str(),
                asked_at: one.requested_at,
                asked_by: &one.requested_by,
                paging: Page::of(&one.paging, dedup_key(*id, Some(&one.rule))),
            })?;
        }
        list.end()
    }
}

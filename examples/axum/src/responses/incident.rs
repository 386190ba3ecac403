//! Responses with one incident or with a list of incidents.

use incident_core::incident::{
    Affected, Ending, Facts, Incident, Mode, OutageInterval, Outline, PostMortem, Priority,
    RoleAssignment, Severity, Source, Status,
};
use incident_core::paging::{Escalation, Paging, PagingState, TargetId, dedup_key};
use incident_core::response::Warning;
use incident_core::{
    HttpsUrl, IncidentId, Name, PersonName, PublicText, ServiceId, SuggestionId, Text, Timestamp,
    Title,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;
use crate::links::{Filled, Links};
use crate::responses::coordination::{ApprovalResponse, WarningResponse};

response_bodies! {  ; IncidentResponse IncidentListItem }

/// Maximum number of tenants in the response of an incident; all of them have a route of their own.
const SHOWN_TENANTS: usize = 200;

/// An incident.
#[derive(JsonSchema, Serialize)]
pub(crate) struct IncidentResponse<'a> {
    id: IncidentId,
    number: u64,
    version: u64,
    title: &'a Title,
    summary: &'a Text,
    severity: Severity,
    priority: Option<Priority>,
    priority_overridden: bool,
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
    outage: Vec<OutageInterval>,
    public: bool,
    public_title: Option<&'a PublicText>,
    post_mortem: Option<PostMortemResponse<'a>>,
    ending: Option<Ending>,
    recurrence_of: Option<IncidentId>,
    suggestion_id: Option<SuggestionId>,
    alert_key: Option<&'a Name>,
    alert_repeats: u64,
    related: &'a [IncidentId],
    tracker_url: Option<&'a HttpsUrl>,
    deduplicated: bool,
    paging: PagingResponse<'a>,
    escalations: Vec<EscalationResponse<'a>>,
    approvals: Vec<ApprovalResponse<'a>>,
    warnings: Vec<WarningResponse>,
    links: Filled<'a>,
    #[serde(flatten)]
    facts: &'a Facts,
    data_leak_suspected_at: Option<Timestamp>,
    data_loss_confirmed_at: Option<Timestamp>,
    affected_users_notified_at: Option<Timestamp>,
    affected_users_notified_by: Option<&'a PersonName>,
    authority_notified_at: Option<Timestamp>,
    authority_notified_by: Option<&'a PersonName>,
}

impl<'a> IncidentResponse<'a> {
    /// Creates the response; `deduplicated` is set if an alert matched it instead of declaring a
    /// new one.
    pub(crate) fn new(
        incident: &'a Incident,
        links: &'a Links,
        warnings: &[Warning],
        deduplicated: bool,
    ) -> Self {
        let state = &**incident;
        Self {
            id: state.id,
            number: state.number,
            version: state.version.0,
            title: &state.title,
            summary: &state.summary,
            severity: state.severity,
            priority: incident.priority(),
            priority_overridden: state.priority_override.is_some(),
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
            outage: incident.intervals(),
            public: state.status_page.public,
            public_title: state.status_page.title.as_ref(),
            post_mortem: state.post_mortem.as_ref().map(PostMortemResponse::from),
            ending: state.ending,
            recurrence_of: state.recurrence_of,
            suggestion_id: state.suggestion_id,
            alert_key: state.alert_key.as_ref(),
            alert_repeats: state.repeats.count,
            related: &state.related,
            tracker_url: state.tracker_url.as_ref(),
            deduplicated,
            paging: PagingResponse::new(&state.paging, incident.dedup_key()),
            escalations: state
                .escalations
                .iter()
                .map(|one| EscalationResponse::new(state.id, one))
                .collect(),
            approvals: state.approvals.iter().map(Into::into).collect(),
            warnings: warnings.iter().map(Into::into).collect(),
            links: links.of(incident),
            facts: &state.facts,
            data_leak_suspected_at: state.data_leak_suspected_at,
            data_loss_confirmed_at: state.data_loss_confirmed_at,
            affected_users_notified_at: state.affected_users_notified_at,
            affected_users_notified_by: state.affected_users_notified_by.as_ref(),
            authority_notified_at: state.authority_notified_at,
            authority_notified_by: state.authority_notified_by.as_ref(),
        }
    }
}

/// The post-mortem of an incident.
#[derive(JsonSchema, Serialize)]
struct PostMortemResponse<'a> {
    url: &'a HttpsUrl,
    linked_by: &'a PersonName,
    linked_at: Timestamp,
}

impl<'a> From<&'a PostMortem> for PostMortemResponse<'a> {
    fn from(linked: &'a PostMortem) -> Self {
        Self {
            url: &linked.url,
            linked_by: &linked.linked_by.name,
            linked_at: linked.linked_at,
        }
    }
}

/// An incident in a list.
#[derive(JsonSchema, Serialize)]
pub(crate) struct IncidentListItem<'a> {
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
    paging: PagingResponse<'a>,
    public: bool,
}

impl<'a> From<&'a Outline> for IncidentListItem<'a> {
    fn from(outline: &'a Outline) -> Self {
        Self {
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
            paging: PagingResponse::new(&outline.paging, dedup_key(outline.id, None)),
            public: outline.public,
        }
    }
}

/// The state of the page to on-call.
#[derive(JsonSchema, Serialize)]
struct PagingResponse<'a> {
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

impl<'a> PagingResponse<'a> {
    fn new(paging: &'a Paging, dedup_key: String) -> Self {
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

/// An escalation besides on-call, with the state of its page.
#[derive(JsonSchema, Serialize)]
struct EscalationResponse<'a> {
    rule: &'a str,
    asked_at: Timestamp,
    asked_by: &'a PersonName,
    paging: PagingResponse<'a>,
}

impl<'a> EscalationResponse<'a> {
    fn new(id: IncidentId, escalation: &'a Escalation) -> Self {
        let key = dedup_key(id, Some(&escalation.rule));
        Self {
            rule: escalation.rule.as_str(),
            asked_at: escalation.requested_at,
            asked_by: &escalation.requested_by,
            paging: PagingResponse::new(&escalation.paging, key),
        }
    }
}

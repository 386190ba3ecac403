//! Responses with what is due.

use incident_core::engine::DueIncident;
use incident_core::incident::{FiredMark, Incident, Severity, Status};
use incident_core::policy::Trigger;
use incident_core::response::{Due, ResponseClock, RuleState};
use incident_core::{IncidentId, Name, PersonName, RuleName, Timestamp, Title};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! {  ; DueListItem DueResponse }

/// An incident with its clocks.
#[derive(JsonSchema, Serialize)]
pub(crate) struct DueListItem<'a> {
    incident_id: IncidentId,
    number: u64,
    title: &'a Title,
    severity: Severity,
    status: Status,
    responder: Option<&'a PersonName>,
    /// The clocks that run.
    clocks: Vec<ClockResponse>,
    /// Time at which the next rule fires.
    next_at: Option<Timestamp>,
}

impl<'a> DueListItem<'a> {
    /// Creates an item of the list at a time.
    pub(crate) fn new(one: &'a DueIncident, now: Timestamp) -> Self {
        let incident = &one.incident;
        Self {
            incident_id: incident.id,
            number: incident.number,
            title: &incident.title,
            severity: incident.severity,
            status: incident.status,
            responder: incident.responder.as_ref(),
            clocks: clocks(&one.due, now),
            next_at: one.due.at(now),
        }
    }
}

/// The clocks of an incident, and the state of every rule of the policy for it.
#[derive(JsonSchema, Serialize)]
pub(crate) struct DueResponse<'a> {
    incident_id: IncidentId,
    /// The clocks that run.
    clocks: Vec<ClockResponse>,
    /// The rules, in the order of the policy.
    rules: Vec<RuleResponse<'a>>,
    /// Time at which the next rule fires.
    next_at: Option<Timestamp>,
}

impl<'a> DueResponse<'a> {
    /// Creates the response for an incident at a time.
    pub(crate) fn new(
        incident: &Incident,
        due: &Due,
        rules: &'a [RuleState],
        now: Timestamp,
    ) -> Self {
        Self {
            incident_id: incident.id,
            clocks: clocks(due, now),
            rules: rules.iter().map(RuleResponse::from).collect(),
            next_at: due.at(now),
        }
    }
}

/// A clock that runs.
#[derive(JsonSchema, Serialize)]
struct ClockResponse {
    /// The condition for which it runs.
    trigger: Trigger,
    /// `running`, `at_risk` or `overdue`.
    state: &'static str,
    started_at: Timestamp,
    at_risk_at: Option<Timestamp>,
    deadline: Option<Timestamp>,
}

fn clocks(due: &Due, now: Timestamp) -> Vec<ClockResponse> {
    let response = |clock: &ResponseClock| ClockResponse {
        trigger: clock.trigger,
        state: clock.state(now).name(),
        started_at: clock.started_at,
        at_risk_at: clock.at_risk_at,
        deadline: clock.deadline,
    };
    due.clocks.iter().map(response).collect()
}

/// A rule of the policy for an incident.
#[derive(JsonSchema, Serialize)]
struct RuleResponse<'a> {
    rule: &'a RuleName,
    trigger: Trigger,
    /// Time of its last firing.
    fired_at: Option<Timestamp>,
    /// The level that fired last, from 0.
    fired_level: Option<u32>,
    /// Time at which its next level fires.
    due_at: Option<Timestamp>,
    /// The groups that the next level notifies.
    notify: &'a [Name],
    /// The reason why no level fires: `mode`, `severity`, `environment`, `condition`,
    /// `no_deadline` or `exhausted`.
    silent: Option<&'static str>,
}

impl<'a> From<&'a RuleState> for RuleResponse<'a> {
    fn from(state: &'a RuleState) -> Self {
        let fired: Option<&FiredMark> = state.fired.as_ref();
        let next = state.next.as_ref();
        Self {
            rule: &state.rule,
            trigger: state.trigger,
            fired_at: fired.map(|mark| mark.at),
            fired_level: fired.map(|mark| mark.n),
            due_at: next.map(|next| next.due_at),
            notify: next.map_or(&[], |next| next.notify.as_slice()),
            silent: state.silent.map(|silence| silence.name()),
        }
    }
}

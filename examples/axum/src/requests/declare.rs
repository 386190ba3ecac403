//! The declaration of an incident.

use std::collections::BTreeMap;

use incident_core::incident::{
    DataLeak, DataLoss, Declare, Facts, Level, Mode, Priority, Scope, Severity, Source,
};
use incident_core::schema::{AffectedServices, Labels};
use incident_core::{
    HttpsUrl, IncidentId, Money, Name, Percent, PersonName, ServiceId, Statement, SuggestionId,
    Text, Timestamp, Title, ValidationError,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::affected_tenants::AffectedTenantsRequest;
use crate::http::body::CommandBody;

/// The body of `POST /sys/incidents`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclareRequest {
    title: Title,
    severity: Severity,
    /// The severity that was proposed, such as by `POST /sys/classify`. If it is another one, the timeline and the
    /// audit trail name both.
    #[serde(default)]
    proposed_severity: Option<Severity>,
    #[serde(default)]
    summary: Option<Text>,
    #[serde(default)]
    #[schemars(with = "Option<AffectedServices>")]
    affected_services: Option<Vec<ServiceId>>,
    #[serde(default)]
    affected_tenants: Option<AffectedTenantsRequest>,
    #[serde(default)]
    started_at: Option<Timestamp>,
    #[serde(default)]
    detected_at: Option<Timestamp>,
    #[serde(default)]
    responder: Option<PersonName>,
    #[serde(default)]
    eta: Option<Timestamp>,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    environment: Option<Name>,
    #[serde(default)]
    source: Option<Source>,
    #[serde(default)]
    suggestion_id: Option<SuggestionId>,
    #[serde(default)]
    alert_key: Option<Name>,
    #[serde(default)]
    impact_ended_at: Option<Timestamp>,
    #[serde(default)]
    resolved_at: Option<Timestamp>,
    #[serde(default)]
    page: Option<bool>,
    #[serde(default)]
    tracker_url: Option<HttpsUrl>,
    #[serde(default)]
    recurrence_of: Option<IncidentId>,
    #[serde(default)]
    #[schemars(with = "Option<Labels>")]
    labels: Option<BTreeMap<Name, Text>>,
    #[serde(default)]
    symptom: Option<Text>,
    #[serde(default)]
    impact_text: Option<Text>,
    #[serde(default)]
    scope: Option<Scope>,
    #[serde(default)]
    cause: Option<Text>,
    #[serde(default)]
    resolution: Option<Text>,
    #[serde(default)]
    next_steps: Option<Text>,
    #[serde(default)]
    data_loss: Option<DataLoss>,
    #[serde(default)]
    data_leak: Option<DataLeak>,
    #[serde(default)]
    customer_event_day: Option<bool>,
    #[serde(default)]
    users_hit_percent: Option<Percent>,
    #[serde(default)]
    revenue_per_hour: Option<Money>,
    #[serde(default)]
    impact: Option<Level>,
    #[serde(default)]
    urgency: Option<Level>,
    #[serde(default)]
    failure_class: Option<Name>,
    #[serde(default)]
    priority: Option<Priority>,
    #[serde(default)]
    channel: Option<Name>,
    #[serde(default)]
    bridge_url: Option<HttpsUrl>,
    #[serde(default)]
    post_mortem_at: Option<Timestamp>,
    #[serde(default)]
    vendor_reference: Option<Name>,
    #[serde(default)]
    reason: Option<Statement>,
}

impl CommandBody for DeclareRequest {}

impl DeclareRequest {
    /// Converts the body into a declaration.
    ///
    /// # Errors
    /// Fails if a tenant is invalid.
    pub(crate) fn declare(self) -> Result<Declare, ValidationError> {
        Ok(Declare {
            title: self.title,
            severity: self.severity,
            proposed_severity: self.proposed_severity,
            summary: self.summary.unwrap_or_default(),
            affected_services: self.affected_services.unwrap_or_default(),
            affected_tenants: self
                .affected_tenants
                .unwrap_or(AffectedTenantsRequest::These(Vec::new()))
                .checked()?,
            started_at: self.started_at,
            detected_at: self.detected_at,
            responder: self.responder,
            eta: self.eta,
            mode: self.mode.unwrap_or_default(),
            environment: self.environment,
            source: self.source,
            suggestion_id: self.suggestion_id,
            alert_key: self.alert_key,
            impact_ended_at: self.impact_ended_at,
            resolved_at: self.resolved_at,
            page: self.page,
            tracker_url: self.tracker_url,
            recurrence_of: self.recurrence_of,
            facts: Facts {
                symptom: self.symptom,
                impact_text: self.impact_text,
                scope: self.scope,
                cause: self.cause,
                resolution: self.resolution,
                next_steps: self.next_steps,
                data_loss: self.data_loss,
                data_leak: self.data_leak,
                customer_event_day: self.customer_event_day,
                users_hit_percent: self.users_hit_percent,
                revenue_per_hour: self.revenue_per_hour,
                impact: self.impact,
                urgency: self.urgency,
                failure_class: self.failure_class,
                channel: self.channel,
                bridge_url: self.bridge_url,
                post_mortem_at: self.post_mortem_at,
                vendor_reference: self.vendor_reference,
                labels: self.labels.unwrap_or_default(),
            },
            priority: self.priority,
            reason: self.reason,
        })
    }
}

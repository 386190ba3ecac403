//! Changes of an incident.

use std::collections::BTreeMap;

use incident_core::incident::{
    Change, Command, DataLeak, DataLoss, Level, Priority, Scope, Severity,
};
use incident_core::schema::{AffectedServices, Labels};
use incident_core::{
    HttpsUrl, Money, Name, Percent, PersonName, ServiceId, Statement, Text, Timestamp, Title,
    ValidationError,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::affected_tenants::AffectedTenantsRequest;
use crate::http::body::CommandBody;
use crate::http::present::Present;

/// Checks services by the rules for new names; an error has the position in the request.
fn check_services(services: &[ServiceId]) -> Result<(), ValidationError> {
    let mut all = services.iter().enumerate();
    all.try_for_each(|(nth, one)| {
        let wrong = one.check("affected_services");
        wrong.map_err(|wrong| wrong.at(format!("affected_services/{nth}")))
    })
}

/// One line per field of a `PATCH`: its type in JSON, whether `null` clears it, and the change it
/// makes.
macro_rules! change_request {
    (required { $($name:ident: $type:ty => $change:path,)+ } clearable { $($cleared:ident: $inner:ty => $clear:path,)+ }) => {
        /// The body of `PATCH /sys/incidents/{id}`.
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct ChangeRequest {
            $(#[serde(default)] $name: Present<$type>,)+
            #[serde(default)]
            #[schemars(with = "AffectedServices")]
            affected_services: Present<Vec<ServiceId>>,
            #[serde(default)]
            #[schemars(with = "Labels")]
            labels: Present<BTreeMap<Name, Text>>,
            #[serde(default)]
            affected_tenants: Present<AffectedTenantsRequest>,
            $(#[serde(default)] $cleared: Present<Option<$inner>>,)+
            #[serde(default)] reason: Option<Statement>,
        }

        impl CommandBody for ChangeRequest {}

        impl ChangeRequest {
            /// Converts the body into a command. With a reason the outage may exceed its usual
            /// maximum.
            ///
            /// # Errors
            /// Fails if a service or a tenant is invalid.
            pub(crate) fn command(mut self) -> Result<Command, ValidationError> {
                let reason = self.reason.take();
                let changes = self.changes()?;
                Ok(match reason {
                    Some(reason) => Command::ChangeLong { changes, reason },
                    None => Command::Change(changes),
                })
            }

            fn changes(self) -> Result<Vec<Change>, ValidationError> {
                let mut changes = Vec::new();
                $(changes.extend(self.$name.0.map($change));)+
                changes.extend(self.labels.0.map(Change::Labels));
                if let Some(mut services) = self.affected_services.0 {
                    check_services(&services)?;
                    services.sort();
                    services.dedup();
                    changes.push(Change::AffectedServices(services));
                }
                if let Some(tenants) = self.affected_tenants.0 {
                    changes.push(Change::AffectedTenants(tenants.checked()?));
                }
                $(changes.extend(self.$cleared.0.map($clear));)+
                Ok(changes)
            }
        }
    };
}

change_request! {
    required {
        title: Title => Change::Title,
        summary: Text => Change::Summary,
        severity: Severity => Change::Severity,
        started_at: Timestamp => Change::StartedAt,
    }
    clearable {
        responder: PersonName => Change::Responder,
        eta: Timestamp => Change::Eta,
        next_update_due_at: Timestamp => Change::NextUpdateDueAt,
        impact_ended_at: Timestamp => Change::ImpactEndedAt,
        detected_at: Timestamp => Change::DetectedAt,
        tracker_url: HttpsUrl => Change::TrackerUrl,
        symptom: Text => Change::Symptom,
        impact_text: Text => Change::ImpactText,
        scope: Scope => Change::Scope,
        cause: Text => Change::Cause,
        resolution: Text => Change::Resolution,
        next_steps: Text => Change::NextSteps,
        data_loss: DataLoss => Change::DataLoss,
        data_leak: DataLeak => Change::DataLeak,
        customer_event_day: bool => Change::CustomerEventDay,
        users_hit_percent: Percent => Change::UsersHitPercent,
        revenue_per_hour: Money => Change::RevenuePerHour,
        impact: Level => Change::Impact,
        urgency: Level => Change::Urgency,
        priority: Priority => Change::Priority,
        failure_class: Name => Change::FailureClass,
        channel: Name => Change::Channel,
        bridge_url: HttpsUrl => Change::BridgeUrl,
        post_mortem_at: Timestamp => Change::PostMortemAt,
        vendor_reference: Name => Change::VendorReference,
    }
}

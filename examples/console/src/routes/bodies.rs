//! The bodies of commands, as they are sent.

use std::collections::BTreeMap;

use incident_core::incident::{
    Affected, AffectedTenant, Change, Command, CommsSent, DataLoss, Declare, Facts, Level, Mode,
    Publish, Scope, Severity, Source, Status, Update,
};
use incident_core::paging::Urgency;
use incident_core::timeline::EntryKind;
use incident_core::{
    HttpsUrl, IncidentId, Money, Name, Percent, PersonName, PublicText, RuleName, ServiceId,
    Statement, SuggestionId, TenantId, Text, Timestamp, Title, ValidationError,
};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::http::body::present;

/// `"all"` or a list of tenants, each a name or an object.
#[derive(Debug)]
pub(super) enum Tenants {
    All,
    These(Vec<AffectedTenant>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantObject {
    tenant_id: TenantId,
    #[serde(default)]
    from: Option<Timestamp>,
    #[serde(default)]
    until: Option<Timestamp>,
}

/// One tenant: a name, or an object.
struct OneTenant(AffectedTenant);

impl<'de> Deserialize<'de> for OneTenant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = OneTenant;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a tenant or {tenant_id, from?, until?}")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<OneTenant, E> {
                TenantId::new(name)
                    .map(|id| OneTenant(AffectedTenant::whole(id)))
                    .map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<OneTenant, A::Error> {
                let TenantObject {
                    tenant_id,
                    from,
                    until,
                } = Deserialize::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(OneTenant(AffectedTenant {
                    tenant_id,
                    from,
                    until,
                }))
            }
        }
        deserializer.deserialize_any(One)
    }
}

impl<'de> Deserialize<'de> for Tenants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Many;
        impl<'de> Visitor<'de> for Many {
            type Value = Tenants;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of tenants or \"all\"")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Tenants, E> {
                if word == "all" {
                    Ok(Tenants::All)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(""), &self))
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tenants, A::Error> {
                let mut tenants = Vec::new();
                while let Some(OneTenant(tenant)) = list.next_element()? {
                    tenants.push(tenant);
                }
                Ok(Tenants::These(tenants))
            }
        }
        deserializer.deserialize_any(Many)
    }
}

impl Tenants {
    fn checked(self) -> Result<Affected, ValidationError> {
        match self {
            Self::All => Ok(Affected::All),
            Self::These(list) => {
                // By its place in the request, before it is sorted.
                for (nth, one) in list.iter().enumerate() {
                    let wrong = one.tenant_id.check("affected_tenants");
                    wrong.map_err(|wrong| wrong.at(format!("affected_tenants/{nth}")))?;
                }
                Affected::these(list)
            }
        }
    }
}

fn visible_services(services: &[ServiceId]) -> Result<(), ValidationError> {
    let mut all = services.iter().enumerate();
    all.try_for_each(|(nth, one)| {
        let wrong = one.check("affected_services");
        wrong.map_err(|wrong| wrong.at(format!("affected_services/{nth}")))
    })
}

/// `POST /sys/incidents`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    title: Title,
    severity: Severity,
    #[serde(default)]
    summary: Option<Text>,
    #[serde(default)]
    affected_services: Option<Vec<ServiceId>>,
    #[serde(default)]
    affected_tenants: Option<Tenants>,
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
    reason: Option<Statement>,
}

impl Create {
    pub(super) fn declare(self) -> Result<Declare, ValidationError> {
        Ok(Declare {
            title: self.title,
            severity: self.severity,
            summary: self.summary.unwrap_or_default(),
            affected_services: self.affected_services.unwrap_or_default(),
            affected_tenants: self
                .affected_tenants
                .unwrap_or(Tenants::These(Vec::new()))
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
                users_hit_percent: self.users_hit_percent,
                revenue_per_hour: self.revenue_per_hour,
                impact: self.impact,
                urgency: self.urgency,
                failure_class: self.failure_class,
                labels: self.labels.unwrap_or_default(),
            },
            reason: self.reason,
        })
    }
}

/// One line per field of a `PATCH`: its type on the wire, whether `null` clears
/// it, and the change it makes.
macro_rules! patch {
    (required { $($name:ident: $type:ty => $change:path,)+ } clearable { $($cleared:ident: $inner:ty => $clear:path,)+ }) => {
        /// `PATCH /sys/incidents/{id}`.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct Patch {
            $(#[serde(default, deserialize_with = "present")] $name: Option<$type>,)+
            #[serde(default, deserialize_with = "present")] affected_services: Option<Vec<ServiceId>>,
            #[serde(default, deserialize_with = "present")] affected_tenants: Option<Tenants>,
            $(#[serde(default, deserialize_with = "present")] $cleared: Option<Option<$inner>>,)+
            #[serde(default)] reason: Option<Statement>,
        }

        impl Patch {
            /// With a reason the outage may be longer than it is otherwise.
            pub(super) fn command(mut self) -> Result<Command, ValidationError> {
                let reason = self.reason.take();
                let changes = self.changes()?;
                Ok(match reason {
                    Some(reason) => Command::ChangeLong { changes, reason },
                    None => Command::Change(changes),
                })
            }

            fn changes(self) -> Result<Vec<Change>, ValidationError> {
                let mut changes = Vec::new();
                $(changes.extend(self.$name.map($change));)+
                if let Some(mut services) = self.affected_services {
                    visible_services(&services)?;
                    services.sort();
                    services.dedup();
                    changes.push(Change::AffectedServices(services));
                }
                if let Some(tenants) = self.affected_tenants {
                    changes.push(Change::AffectedTenants(tenants.checked()?));
                }
                $(changes.extend(self.$cleared.map($clear));)+
                Ok(changes)
            }
        }
    };
}

patch! {
    required {
        title: Title => Change::Title,
        summary: Text => Change::Summary,
        severity: Severity => Change::Severity,
        started_at: Timestamp => Change::StartedAt,
        labels: BTreeMap<Name, Text> => Change::Labels,
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
        users_hit_percent: Percent => Change::UsersHitPercent,
        revenue_per_hour: Money => Change::RevenuePerHour,
        impact: Level => Change::Impact,
        urgency: Level => Change::Urgency,
        failure_class: Name => Change::FailureClass,
    }
}

/// `POST /sys/incidents/{id}/updates`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUpdate {
    message: Statement,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    eta: Option<Timestamp>,
    #[serde(default)]
    occurred_at: Option<Timestamp>,
    #[serde(default)]
    kind: Option<EntryKind>,
    #[serde(default)]
    impact_ended_at: Option<Timestamp>,
    #[serde(default)]
    reason: Option<Statement>,
    #[serde(default)]
    corrects: Option<u64>,
    #[serde(default)]
    merged_into: Option<IncidentId>,
    #[serde(default)]
    public_message: Option<PublicText>,
    #[serde(default)]
    comms_sent: Option<CommsSent>,
}

impl From<NewUpdate> for Update {
    fn from(new: NewUpdate) -> Self {
        let NewUpdate {
            message,
            status,
            severity,
            eta,
            occurred_at,
            kind,
            impact_ended_at,
            reason,
            corrects,
            merged_into,
            public_message,
            comms_sent,
        } = new;
        Self {
            message,
            status,
            severity,
            eta,
            occurred_at,
            kind,
            impact_ended_at,
            reason,
            corrects,
            merged_into,
            public_message,
            comms_sent,
        }
    }
}

/// `POST /sys/incidents/{id}/acknowledge`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledge {
    #[serde(default)]
    pub(super) at: Option<Timestamp>,
}

/// `POST /sys/incidents/{id}/page`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageAsked {
    reason: Statement,
    #[serde(default)]
    rule: Option<RuleName>,
}

impl PageAsked {
    /// On-call once more; or, by a rule, others.
    pub(super) fn command(self) -> Command {
        let Self { reason, rule } = self;
        match rule {
            Some(rule) => Command::Escalate { rule, reason },
            None => Command::Page { reason },
        }
    }
}

/// A body of a reason alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    pub(super) reason: Statement,
}

/// `POST /sys/incidents/{id}/public`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Visibility {
    public: bool,
    #[serde(default)]
    title: Option<PublicText>,
    #[serde(default)]
    message: Option<PublicText>,
}

impl From<Visibility> for Publish {
    fn from(
        Visibility {
            public,
            title,
            message,
        }: Visibility,
    ) -> Self {
        Self {
            public,
            title,
            message,
        }
    }
}

/// `POST /sys/incidents/{id}/post-mortem`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PostMortemLink {
    pub(super) url: HttpsUrl,
}

/// A body without members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// `POST /sys/pages/test`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestPage {
    #[serde(default)]
    urgency: Option<Urgency>,
}

impl TestPage {
    /// Who asks whether the pager works wants to hear it ring.
    pub(super) fn urgency(&self) -> Urgency {
        self.urgency.unwrap_or(Urgency::High)
    }
}

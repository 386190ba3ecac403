//! Changes of single fields, as a `PATCH` contains them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Affected, DataLeak, DataLoss, Level, Priority, Scope, Severity, State};
use crate::{
    HttpsUrl, Money, Name, Percent, PersonName, ServiceId, Text, Timestamp, Title, ValidationError,
};

/// The old and new value of a field, in the entry that records the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDelta {
    /// The field's name on the wire.
    pub field: String,
    /// The value before. Left out for free text: the former wording stands in an earlier entry and
    /// may have been redacted there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Value>,
    /// The value after.
    pub to: Value,
    /// Rows added to a list.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub added: Vec<Value>,
    /// Rows removed from a list.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub removed: Vec<Value>,
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Defines the fields of an incident, one per line: variant, type, name on the wire, place in
/// [`State`], and for free text the value that remains after its erasure.
macro_rules! fields {
    (@is_free) => { false };
    (@is_free $erased:expr) => { true };
    ($($(#[$doc:meta])* $variant:ident($type:ty) $name:literal [$($place:tt)+] $(=> $erased:expr)?;)+) => {
        /// A new value for one field of an incident.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Change {
            $($(#[$doc])* $variant($type),)+
        }

        impl Change {
            /// Returns the field's name on the wire.
            #[must_use]
            pub const fn field(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// Returns `true` if the field already has this value.
            #[must_use]
            pub fn is_idle(&self, state: &State) -> bool {
                match self { $(Self::$variant(new) => state.$($place)+ == *new,)+ }
            }

            /// Sets the field, and nothing that follows from it: that is done by `apply`.
            pub(super) fn set(&self, state: &mut State) {
                match self { $(Self::$variant(new) => state.$($place)+ = new.clone(),)+ }
            }

            pub(super) const fn is_free_text(&self) -> bool {
                match self { $(Self::$variant(_) => fields!(@is_free $($erased)?),)+ }
            }

            /// Erases every field of free text whose name `wanted` accepts.
            pub(super) fn erase(state: &mut State, wanted: impl Fn(&str) -> bool) {
                $($(
                    if wanted($name) {
                        let left: fn(&State) -> $type = $erased;
                        Self::$variant(left(state)).set(state);
                    }
                )?)+
            }

            /// Returns the names of the fields of free text that differ between two states.
            pub(super) fn differing_texts(one: &State, other: &State) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(
                    if fields!(@is_free $($erased)?) && one.$($place)+ != other.$($place)+ {
                        names.push($name);
                    }
                )+
                names
            }

            /// Returns the value of a field by its name on the wire.
            pub(super) fn value_of(state: &State, field: &str) -> Option<Value> {
                match field { $($name => Some(json(&state.$($place)+)),)+ _ => None }
            }

            fn values(&self, state: &State) -> (Value, Value) {
                match self { $(Self::$variant(new) => (json(&state.$($place)+), json(new)),)+ }
            }
        }
    };
}

fields! {
    /// The title.
    Title(Title) "title" [title] => |_| Title::made("[redacted]");
    /// The summary.
    Summary(Text) "summary" [summary] => |_| Text::default();
    /// The severity.
    Severity(Severity) "severity" [severity];
    /// The person responsible for the response.
    Responder(Option<PersonName>) "responder" [responder];
    /// Expected end.
    Eta(Option<Timestamp>) "eta" [eta];
    /// Due time of the next update.
    NextUpdateDueAt(Option<Timestamp>) "next_update_due_at" [next_update_due_at];
    /// The services hit; the whole list.
    AffectedServices(Vec<ServiceId>) "affected_services" [affected_services];
    /// The tenants hit; the whole list.
    AffectedTenants(Affected) "affected_tenants" [affected_tenants];
    /// The start of the impact.
    StartedAt(Timestamp) "started_at" [started_at];
    /// The end of the impact.
    ImpactEndedAt(Option<Timestamp>) "impact_ended_at" [impact_ended_at];
    /// Time at which it was noticed.
    DetectedAt(Option<Timestamp>) "detected_at" [detected_at];
    /// Link to a ticket in another system.
    TrackerUrl(Option<HttpsUrl>) "tracker_url" [tracker_url] => |_| None;
    /// Free labels; all of them.
    Labels(BTreeMap<Name, Text>) "labels" [facts.labels] => |_| BTreeMap::new();
    /// The symptom.
    Symptom(Option<Text>) "symptom" [facts.symptom] => |_| None;
    /// The effect on users.
    ImpactText(Option<Text>) "impact_text" [facts.impact_text] => |_| None;
    /// The part of the platform that is hit.
    Scope(Option<Scope>) "scope" [facts.scope];
    /// The cause.
    Cause(Option<Text>) "cause" [facts.cause] => |_| None;
    /// The resolution.
    Resolution(Option<Text>) "resolution" [facts.resolution] => |_| None;
    /// The next steps.
    NextSteps(Option<Text>) "next_steps" [facts.next_steps] => |_| None;
    /// Lost data.
    DataLoss(Option<DataLoss>) "data_loss" [facts.data_loss] => without_note;
    /// Leaked data.
    DataLeak(Option<DataLeak>) "data_leak" [facts.data_leak] => leak_without_note;
    /// Set if it blocks a paying customer on the day of their event.
    CustomerEventDay(Option<bool>) "customer_event_day" [facts.customer_event_day];
    /// The share of users hit.
    UsersHitPercent(Option<Percent>) "users_hit_percent" [facts.users_hit_percent];
    /// Revenue lost per hour.
    RevenuePerHour(Option<Money>) "revenue_per_hour" [facts.revenue_per_hour];
    /// Impact on users.
    Impact(Option<Level>) "impact" [facts.impact];
    /// Urgency.
    Urgency(Option<Level>) "urgency" [facts.urgency];
    /// The priority set by a person; without one it is derived from impact and urgency.
    Priority(Option<Priority>) "priority" [priority_override];
    /// The class of failure.
    FailureClass(Option<Name>) "failure_class" [facts.failure_class] => |_| None;
    /// The channel of the team's chat.
    Channel(Option<Name>) "channel" [facts.channel] => |_| None;
    /// Address of the call that the team is on.
    BridgeUrl(Option<HttpsUrl>) "bridge_url" [facts.bridge_url] => |_| None;
    /// Time of the post-mortem meeting.
    PostMortemAt(Option<Timestamp>) "post_mortem_at" [facts.post_mortem_at];
    /// The supplier's ticket or incident.
    VendorReference(Option<Name>) "vendor_reference" [facts.vendor_reference] => |_| None;
}

/// Returns the state of lost data without its note.
fn without_note(state: &State) -> Option<DataLoss> {
    let known = state.facts.data_loss.as_ref()?;
    Some(DataLoss {
        state: known.state,
        note: None,
    })
}

/// Returns the state of leaked data without its note.
fn leak_without_note(state: &State) -> Option<DataLeak> {
    let known = state.facts.data_leak.as_ref()?;
    Some(DataLeak {
        state: known.state,
        note: None,
    })
}

impl Change {
    /// Returns the change with its list sorted and without duplicates.
    ///
    /// # Errors
    /// Fails as [`Affected::these`] does.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "no other field is a list with an order"
    )]
    pub(super) fn normalized(&self) -> Result<Self, ValidationError> {
        Ok(match self {
            Self::AffectedServices(services) => {
                let mut services = services.clone();
                services.sort();
                services.dedup();
                Self::AffectedServices(services)
            }
            Self::AffectedTenants(tenants) => Self::AffectedTenants(tenants.normalized()?),
            other => other.clone(),
        })
    }

    /// Returns the old and new value, or the rows added to and removed from a list, as the entry
    /// records them.
    #[must_use]
    pub fn delta(&self, state: &State) -> FieldDelta {
        let (from, to) = self.values(state);
        let (added, removed) = if let Self::AffectedServices(new) = self {
            compare(&state.affected_services, new)
        } else if let Self::AffectedTenants(new) = self {
            compare(
                state.affected_tenants.list().unwrap_or_default(),
                new.list().unwrap_or_default(),
            )
        } else {
            (Vec::new(), Vec::new())
        };
        let is_list = !added.is_empty() || !removed.is_empty();
        FieldDelta {
            field: self.field().to_owned(),
            from: (!self.is_free_text() && !is_list).then_some(from),
            // A list may have ten thousand rows: the difference is enough.
            to: if is_list { Value::Null } else { to },
            added,
            removed,
        }
    }
}

fn compare<T: Ord + Serialize>(old: &[T], new: &[T]) -> (Vec<Value>, Vec<Value>) {
    let (old, new): (BTreeSet<&T>, BTreeSet<&T>) = (old.iter().collect(), new.iter().collect());
    (
        new.difference(&old).map(json).collect(),
        old.difference(&new).map(json).collect(),
    )
}

impl FieldDelta {
    /// Returns one readable line: `severity: SEV3 -> SEV2`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let show = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => "none".to_owned(),
            Value::Object(map) => match map.get("tenant_id") {
                Some(Value::String(tenant)) => tenant.clone(),
                _ => value.to_string(),
            },
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
        };
        if self.added.is_empty() && self.removed.is_empty() {
            return match &self.from {
                Some(from) => format!("{}: {} -> {}", self.field, show(from), show(&self.to)),
                None => format!("{}: {}", self.field, show(&self.to)),
            };
        }
        let names = |values: &[Value]| values.iter().map(show).collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        if !self.added.is_empty() {
            parts.push(format!("added {}", names(&self.added)));
        }
        if !self.removed.is_empty() {
            parts.push(format!("removed {}", names(&self.removed)));
        }
        format!("{}: {}", self.field, parts.join("; "))
    }
}

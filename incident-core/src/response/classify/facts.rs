//! The facts by which a severity is proposed.

use serde::{Deserialize, Serialize};

use crate::incident::{Level, LossState};
use crate::{Money, Percent};

/// Facts about an incident, as far as they are known. An absent one is unknown, and neither a no nor a zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ClassificationFacts {
    /// A service is fully down.
    pub service_down: Option<bool>,
    /// A core action is blocked for everybody of one role, such as all guests or all administrators of tenants,
    /// even while the service answers.
    pub core_action_blocked: Option<bool>,
    /// The share of users that is hit.
    pub users_hit_percent: Option<Percent>,
    /// Lost data.
    pub data_loss: Option<LossState>,
    /// A security breach is active.
    pub security_breach: Option<bool>,
    /// Revenue that is blocked, per hour.
    pub revenue_per_hour: Option<Money>,
    /// A critical feature is down: login, payment, upload.
    pub critical_feature_down: Option<bool>,
    /// Performance is severely degraded.
    pub performance_degraded: Option<bool>,
    /// Critical background jobs pile up.
    pub background_jobs_piling_up: Option<bool>,
    /// One region is down.
    pub region_down: Option<bool>,
    /// A secondary feature is hit.
    pub secondary_feature: Option<bool>,
    /// A workaround exists.
    pub workaround: Option<bool>,
    /// It is cosmetic, or an edge case.
    pub cosmetic: Option<bool>,
    /// It blocks a paying customer on the day of their event.
    pub customer_event_day: Option<bool>,
    /// Impact on users, for the priority.
    pub impact: Option<Level>,
    /// Urgency, for the priority.
    pub urgency: Option<Level>,
}

/// A fact by which a severity is proposed; serialized as the name of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClassificationFact {
    /// A service is fully down.
    ServiceDown,
    /// A core action is blocked for everybody of one role.
    CoreActionBlocked,
    /// The share of users that is hit.
    UsersHitPercent,
    /// Lost data.
    DataLoss,
    /// A security breach is active.
    SecurityBreach,
    /// Revenue that is blocked, per hour.
    RevenuePerHour,
    /// A critical feature is down.
    CriticalFeatureDown,
    /// Performance is severely degraded.
    PerformanceDegraded,
    /// Critical background jobs pile up.
    BackgroundJobsPilingUp,
    /// One region is down.
    RegionDown,
    /// A secondary feature is hit.
    SecondaryFeature,
    /// A workaround exists.
    Workaround,
    /// It is cosmetic, or an edge case.
    Cosmetic,
    /// It blocks a paying customer on the day of their event.
    CustomerEventDay,
}

impl ClassificationFacts {
    /// Returns the facts that were not stated, in the order of the fields. Impact and urgency are not among them,
    /// as the severity does not depend on them.
    pub(super) fn unanswered(&self) -> Vec<ClassificationFact> {
        use ClassificationFact as Fact;
        let stated = [
            (self.service_down.is_some(), Fact::ServiceDown),
            (self.core_action_blocked.is_some(), Fact::CoreActionBlocked),
            (self.users_hit_percent.is_some(), Fact::UsersHitPercent),
            (self.data_loss.is_some(), Fact::DataLoss),
            (self.security_breach.is_some(), Fact::SecurityBreach),
            (self.revenue_per_hour.is_some(), Fact::RevenuePerHour),
            (
                self.critical_feature_down.is_some(),
                Fact::CriticalFeatureDown,
            ),
            (
                self.performance_degraded.is_some(),
                Fact::PerformanceDegraded,
            ),
            (
                self.background_jobs_piling_up.is_some(),
                Fact::BackgroundJobsPilingUp,
            ),
            (self.region_down.is_some(), Fact::RegionDown),
            (self.secondary_feature.is_some(), Fact::SecondaryFeature),
            (self.workaround.is_some(), Fact::Workaround),
            (self.cosmetic.is_some(), Fact::Cosmetic),
            (self.customer_event_day.is_some(), Fact::CustomerEventDay),
        ];
        let missing = stated.into_iter().filter(|(is_stated, _)| !is_stated);
        missing.map(|(_, fact)| fact).collect()
    }
}

//! The reasons of a classification: one for each rule that fired.

use std::fmt;

use crate::incident::Severity;
use crate::{Money, Percent};

/// A rule of classification that fired, with the values that it was decided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassificationReason {
    /// A service is fully down: SEV1.
    ServiceDown,
    /// A core action is blocked for everybody of one role: SEV1.
    CoreActionBlocked,
    /// More users are hit than a share of them: SEV1.
    MostUsersHit {
        /// The share that is hit.
        hit: Percent,
        /// The share of the rule.
        above: Percent,
    },
    /// Data was lost: SEV1.
    DataLost,
    /// Data may have been lost: SEV1.
    DataLossSuspected,
    /// A security breach is active: SEV1.
    SecurityBreach,
    /// More revenue is blocked than an amount per hour: SEV1.
    CriticalRevenue {
        /// The revenue per hour.
        lost: Money,
        /// The amount of the rule.
        above: Money,
    },
    /// A share of users is hit, and not most of them: SEV2.
    ManyUsersHit {
        /// The share that is hit.
        hit: Percent,
        /// The share of the rule.
        from: Percent,
    },
    /// A critical feature is down: SEV2.
    CriticalFeatureDown,
    /// Performance is severely degraded: SEV2.
    PerformanceDegraded,
    /// Critical background jobs pile up: SEV2.
    BackgroundJobsPilingUp,
    /// One region is down: SEV2.
    RegionDown,
    /// Revenue is blocked, from an amount per hour on: SEV2.
    MajorRevenue {
        /// The revenue per hour.
        lost: Money,
        /// The amount of the rule.
        from: Money,
    },
    /// A paying customer is blocked on the day of their event: at least SEV2.
    CustomerEventDay,
    /// Fewer users are hit than a share: SEV3.
    FewUsersHit {
        /// The share that is hit.
        hit: Percent,
        /// The share of the rule.
        below: Percent,
    },
    /// A secondary feature is hit: SEV3.
    SecondaryFeature,
    /// A workaround exists: SEV3.
    Workaround,
    /// No rule fired, and it is not known to be cosmetic: SEV3.
    NoRule,
    /// It is cosmetic, or an edge case: SEV4.
    Cosmetic,
}

impl ClassificationReason {
    /// Returns the stable name of the rule.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ServiceDown => "service_down",
            Self::CoreActionBlocked => "core_action_blocked",
            Self::MostUsersHit { .. } => "most_users_hit",
            Self::DataLost => "data_lost",
            Self::DataLossSuspected => "data_loss_suspected",
            Self::SecurityBreach => "security_breach",
            Self::CriticalRevenue { .. } => "critical_revenue",
            Self::ManyUsersHit { .. } => "many_users_hit",
            Self::CriticalFeatureDown => "critical_feature_down",
            Self::PerformanceDegraded => "performance_degraded",
            Self::BackgroundJobsPilingUp => "background_jobs_piling_up",
            Self::RegionDown => "region_down",
            Self::MajorRevenue { .. } => "major_revenue",
            Self::CustomerEventDay => "customer_event_day",
            Self::FewUsersHit { .. } => "few_users_hit",
            Self::SecondaryFeature => "secondary_feature",
            Self::Workaround => "workaround",
            Self::NoRule => "no_rule",
            Self::Cosmetic => "cosmetic",
        }
    }

    /// Returns the severity that it speaks for.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::ServiceDown
            | Self::CoreActionBlocked
            | Self::MostUsersHit { .. }
            | Self::DataLost
            | Self::DataLossSuspected
            | Self::SecurityBreach
            | Self::CriticalRevenue { .. } => Severity::Sev1,
            Self::ManyUsersHit { .. }
            | Self::CriticalFeatureDown
            | Self::PerformanceDegraded
            | Self::BackgroundJobsPilingUp
            | Self::RegionDown
            | Self::MajorRevenue { .. }
            | Self::CustomerEventDay => Severity::Sev2,
            Self::FewUsersHit { .. } | Self::SecondaryFeature | Self::Workaround | Self::NoRule => {
                Severity::Sev3
            }
            Self::Cosmetic => Severity::Sev4,
        }
    }
}

/// Writes the reason as an English sentence without a full stop.
impl fmt::Display for ClassificationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::MostUsersHit { hit, above } => {
                return write!(f, "{hit} % of users are hit, more than {above} %");
            }
            Self::CriticalRevenue { lost, above } => {
                return write!(f, "revenue of {lost} an hour is blocked, more than {above}");
            }
            Self::ManyUsersHit { hit, from } => {
                return write!(f, "{hit} % of users are hit, at least {from} %");
            }
            Self::MajorRevenue { lost, from } => {
                return write!(f, "revenue of {lost} an hour is blocked, at least {from}");
            }
            Self::FewUsersHit { hit, below } => {
                return write!(f, "{hit} % of users are hit, less than {below} %");
            }
            Self::ServiceDown => "a service is fully down",
            Self::CoreActionBlocked => "a core action is blocked for everybody of one role",
            Self::DataLost => "data was lost",
            Self::DataLossSuspected => "data may have been lost",
            Self::SecurityBreach => "a security breach is active",
            Self::CriticalFeatureDown => "a critical feature is down",
            Self::PerformanceDegraded => "performance is severely degraded",
            Self::BackgroundJobsPilingUp => "critical background jobs pile up",
            Self::RegionDown => "one region is down",
            Self::CustomerEventDay => {
                "a paying customer is blocked on the day of their event, which is at least SEV2"
            }
            Self::SecondaryFeature => "a secondary feature is hit",
            Self::Workaround => "a workaround exists",
            Self::NoRule => {
                "no rule speaks for another severity, and it is not known to be cosmetic"
            }
            Self::Cosmetic => "it is cosmetic or an edge case",
        };
        f.write_str(text)
    }
}

//! PagerDuty's severities, and the one of each page.

use incident_core::incident::Severity;
use incident_core::paging::Urgency;
use serde::{Deserialize, Serialize};

/// A severity of PagerDuty.
///
/// A service with urgency by severity wakes people for `critical` and `error`, and cannot escalate
/// `warning` and `info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PagerDutySeverity {
    /// High urgency: wakes people.
    Critical,
    /// High urgency: wakes people.
    Error,
    /// Low urgency.
    Warning,
    /// Low urgency.
    Info,
}

/// The PagerDuty severity of each of our severities.
///
/// One that is not set follows from severity and urgency, so that a page that must wake people is
/// never sent as one that cannot: of high urgency, SEV1 is `critical` and others are `error`; of
/// low urgency, SEV4 is `info` and others are `warning`. With the default policy that is critical,
/// error, warning, info.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagerDutySeverities {
    /// Severity for SEV1, if set.
    pub sev1: Option<PagerDutySeverity>,
    /// Severity for SEV2, if set.
    pub sev2: Option<PagerDutySeverity>,
    /// Severity for SEV3, if set.
    pub sev3: Option<PagerDutySeverity>,
    /// Severity for SEV4, if set.
    pub sev4: Option<PagerDutySeverity>,
}

impl PagerDutySeverities {
    /// Returns the severity of a page.
    #[must_use]
    pub fn of(&self, severity: Severity, urgency: Urgency) -> PagerDutySeverity {
        let set = match severity {
            Severity::Sev1 => self.sev1,
            Severity::Sev2 => self.sev2,
            Severity::Sev3 => self.sev3,
            Severity::Sev4 => self.sev4,
        };
        set.unwrap_or(match (urgency, severity) {
            (Urgency::High, Severity::Sev1) => PagerDutySeverity::Critical,
            (Urgency::High, _) => PagerDutySeverity::Error,
            (Urgency::Low, Severity::Sev4) => PagerDutySeverity::Info,
            (Urgency::Low, _) => PagerDutySeverity::Warning,
        })
    }
}

#[cfg(test)]
mod tests {
    use incident_core::policy::Policy;

    use super::PagerDutySeverity::{Critical, Error, Info, Warning};
    use super::*;

    const ALL: [Severity; 4] = [
        Severity::Sev1,
        Severity::Sev2,
        Severity::Sev3,
        Severity::Sev4,
    ];

    #[test]
    fn the_default_policy_gives_the_usual_words() {
        let (severities, policy) = (PagerDutySeverities::default(), Policy::default());
        let told = ALL.map(|severity| severities.of(severity, policy.of(severity).urgency));
        assert_eq!(told, [Critical, Error, Warning, Info]);
    }

    #[test]
    fn what_must_wake_somebody_can_and_what_is_set_holds() {
        let told = ALL.map(|severity| PagerDutySeverities::default().of(severity, Urgency::High));
        assert_eq!(told, [Critical, Error, Error, Error]);
        let set = PagerDutySeverities {
            sev3: Some(Critical),
            ..PagerDutySeverities::default()
        };
        assert_eq!(set.of(Severity::Sev3, Urgency::Low), Critical);
    }
}

//! Classification: the severity that facts speak for, with reasons. A person decides.

mod facts;
mod reason;
mod rules;

pub use facts::{ClassificationFact, ClassificationFacts};
pub use reason::ClassificationReason;
pub use rules::ClassificationRules;

use crate::incident::{LossState, Priority, Severity};
use crate::{Money, ValidationError};

/// The severity that the facts of an incident speak for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The proposed severity: the worst that a reason speaks for.
    pub severity: Severity,
    /// The priority by impact and urgency, if both are known.
    pub priority: Option<Priority>,
    /// The rules that fired, worst first; never empty.
    pub reasons: Vec<ClassificationReason>,
    /// The facts that nobody stated. None of them was taken for a no or a zero: a statement about any of
    /// them can still raise the severity or add a reason.
    pub unanswered: Vec<ClassificationFact>,
    /// If `true`, the day of a customer's event raised the severity to SEV2: without it the other
    /// reasons speak for less.
    pub floor: bool,
}

/// Proposes a severity for facts.
///
/// Each rule that fires is a reason, and the worst severity wins: in doubt between two the higher one. What was
/// not stated fires nothing. Where no rule fires, the severity is SEV3, as SEV4 is for what is
/// known to be cosmetic.
///
/// # Errors
/// Names `revenue_per_hour/currency` if the revenue is in another currency than the thresholds: it
/// is not converted, and not ignored either.
///
/// ```
/// use incident_core::Percent;
/// use incident_core::incident::Severity;
/// use incident_core::response::{ClassificationFacts, ClassificationRules, classify};
///
/// let facts = ClassificationFacts {
///     users_hit_percent: Some(Percent::of_whole(35)?),
///     workaround: Some(true),
///     ..ClassificationFacts::default()
/// };
/// let classified = classify(&facts, &ClassificationRules::default())?;
/// assert_eq!(classified.severity, Severity::Sev2);
/// let codes: Vec<&str> = classified.reasons.iter().map(|reason| reason.code()).collect();
/// assert_eq!(codes, ["many_users_hit", "workaround"]);
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
pub fn classify(
    facts: &ClassificationFacts,
    rules: &ClassificationRules,
) -> Result<Classification, ValidationError> {
    let mut reasons = stated(facts);
    reasons.extend(facts.users_hit_percent.map(|hit| users(hit, rules)));
    if let Some(lost) = facts.revenue_per_hour {
        reasons.extend(revenue(lost, rules)?);
    }
    reasons.extend(facts.data_loss.and_then(data_loss));
    let without_floor = worst(&reasons);
    if facts.customer_event_day == Some(true) {
        reasons.push(ClassificationReason::CustomerEventDay);
    }
    if worst(&reasons).is_none() {
        reasons.push(ClassificationReason::NoRule);
    }
    // Stable: reasons for the same severity stay in the order of the rules.
    reasons.sort_by_key(|reason| reason.severity() as u8);
    let severity = worst(&reasons).unwrap_or(Severity::Sev3);
    let priority = facts.impact.zip(facts.urgency);
    Ok(Classification {
        severity,
        priority: priority.map(|(impact, urgency)| Priority::of(impact, urgency)),
        unanswered: facts.unanswered(),
        // Without a day of an event and without any other rule it would be SEV3.
        floor: facts.customer_event_day == Some(true)
            && severity.is_worse_than(without_floor.unwrap_or(Severity::Sev3)),
        reasons,
    })
}

fn worst(reasons: &[ClassificationReason]) -> Option<Severity> {
    reasons.iter().map(ClassificationReason::severity).min()
}

/// Returns the reasons that follow from a yes.
fn stated(facts: &ClassificationFacts) -> Vec<ClassificationReason> {
    use ClassificationReason as Reason;
    let yes = [
        (facts.service_down, Reason::ServiceDown),
        (facts.core_action_blocked, Reason::CoreActionBlocked),
        (facts.security_breach, Reason::SecurityBreach),
        (facts.critical_feature_down, Reason::CriticalFeatureDown),
        (facts.performance_degraded, Reason::PerformanceDegraded),
        (
            facts.background_jobs_piling_up,
            Reason::BackgroundJobsPilingUp,
        ),
        (facts.region_down, Reason::RegionDown),
        (facts.secondary_feature, Reason::SecondaryFeature),
        (facts.workaround, Reason::Workaround),
        (facts.cosmetic, Reason::Cosmetic),
    ];
    let fired = yes.into_iter().filter(|(stated, _)| *stated == Some(true));
    fired.map(|(_, reason)| reason).collect()
}

/// Returns the reason for a share of users: more than most of them, many of them from a share on, or
/// few.
fn users(hit: crate::Percent, rules: &ClassificationRules) -> ClassificationReason {
    if hit > rules.most_users() {
        let above = rules.most_users();
        ClassificationReason::MostUsersHit { hit, above }
    } else if hit >= rules.many_users() {
        let from = rules.many_users();
        ClassificationReason::ManyUsersHit { hit, from }
    } else {
        let below = rules.many_users();
        ClassificationReason::FewUsersHit { hit, below }
    }
}

/// Returns the reason for lost revenue; none below the lower threshold.
fn revenue(
    lost: Money,
    rules: &ClassificationRules,
) -> Result<Option<ClassificationReason>, ValidationError> {
    let (critical, major) = (rules.critical_revenue(), rules.major_revenue());
    if lost.currency != rules.currency() {
        let expected = format!("{}, the currency of the policy", rules.currency());
        return Err(ValidationError::new("revenue_per_hour/currency", expected));
    }
    Ok(if lost.minor > critical.minor {
        let above = critical;
        Some(ClassificationReason::CriticalRevenue { lost, above })
    } else if lost.minor >= major.minor {
        let from = major;
        Some(ClassificationReason::MajorRevenue { lost, from })
    } else {
        None
    })
}

const fn data_loss(state: LossState) -> Option<ClassificationReason> {
    match state {
        LossState::None => None,
        LossState::Suspected => Some(ClassificationReason::DataLossSuspected),
        LossState::Confirmed => Some(ClassificationReason::DataLost),
    }
}

#[cfg(test)]
mod tests;

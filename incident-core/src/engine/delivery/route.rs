//! The targets of a page, and when to leave one for the next.

use super::deliver::Delivery;
use crate::engine::Incidents;
use crate::incident::Severity;
use crate::paging::{DeliveryMode, FailoverPolicy, PageAction, TargetId};

/// The targets of a page, and when to leave one for the next.
pub(in crate::engine) struct Route<'a> {
    pub(in crate::engine) mode: DeliveryMode,
    pub(in crate::engine) targets: Vec<TargetId>,
    pub(in crate::engine) policy: &'a FailoverPolicy,
}

impl Incidents {
    fn failover(&self, severity: Severity) -> &FailoverPolicy {
        match severity {
            Severity::Sev1 | Severity::Sev2 => &self.inner.settings.high_urgency,
            Severity::Sev3 | Severity::Sev4 => &self.inner.settings.low_urgency,
        }
    }

    pub(in crate::engine) fn route_of(&self, delivery: &Delivery<'_>) -> Route<'_> {
        let (mode, targets) = self.targets(delivery);
        Route {
            mode,
            targets,
            policy: self.failover(delivery.page.pressing()),
        }
    }

    /// A trigger goes to the first configured target that takes it; acknowledge
    /// and resolve go to every target that may hold the alert.
    fn targets(&self, delivery: &Delivery<'_>) -> (DeliveryMode, Vec<TargetId>) {
        let (incident, page) = (&delivery.incident, &delivery.page);
        let log = &delivery.claim.message.log;
        match page.action {
            PageAction::Trigger => {
                // A retired target that may have taken this very page comes first:
                // asking another one could wake a second time.
                let retired = self.inner.retired.iter().map(|pager| pager.target_id());
                let started =
                    retired.filter(|target| log.iter().any(|entry| entry.target == *target));
                let current = match &page.rule {
                    Some(rule) => self.inner.escalation_pagers(rule),
                    None => &self.inner.pagers,
                };
                let current = current.iter().map(|pager| pager.target_id());
                (DeliveryMode::FirstSuccess, started.chain(current).collect())
            }
            PageAction::Acknowledge | PageAction::Resolve => {
                let paging = incident.paging_of(page.rule.as_ref());
                let touched = paging.map(|paging| paging.touched.clone());
                (DeliveryMode::All, touched.unwrap_or_default())
            }
            PageAction::Reprioritise => {
                let follows = |target: &&TargetId| {
                    let pager = self.inner.pager(target);
                    pager.is_some_and(|pager| pager.follows_severity())
                };
                let touched = incident.paging.touched.iter();
                (
                    DeliveryMode::All,
                    touched.filter(follows).cloned().collect(),
                )
            }
        }
    }
}

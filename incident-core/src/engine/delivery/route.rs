//! The targets of a page, and the policy of failing over between them.

use super::deliver::Delivery;
use crate::engine::Incidents;
use crate::incident::Severity;
use crate::paging::{DeliveryMode, FailoverPolicy, PageAction, TargetId};

/// The targets of a page, and the policy of failing over between them.
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

    /// Returns the route of a page. A trigger goes to the first configured target that accepts it;
    /// acknowledge and resolve go to every target that may hold the alert, a changed severity to
    /// those of them that follow it.
    pub(in crate::engine) fn route_of(&self, delivery: &Delivery<'_>) -> Route<'_> {
        let page = &delivery.page;
        Route {
            mode: match page.action {
                PageAction::Trigger => DeliveryMode::FirstSuccess,
                PageAction::Acknowledge | PageAction::Resolve | PageAction::Reprioritise => {
                    DeliveryMode::All
                }
            },
            targets: self.targets(delivery),
            policy: self.failover(page.pressing()),
        }
    }

    fn targets(&self, delivery: &Delivery<'_>) -> Vec<TargetId> {
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
                started.chain(current).collect()
            }
            PageAction::Acknowledge | PageAction::Resolve => {
                let paging = incident.paging_of(page.rule.as_ref());
                let touched = paging.map(|paging| paging.touched.clone());
                touched.unwrap_or_default()
            }
            PageAction::Reprioritise => {
                let follows = |target: &&TargetId| {
                    let pager = self.inner.pager(target);
                    pager.is_some_and(|pager| pager.follows_severity())
                };
                let touched = incident.paging.touched.iter();
                touched.filter(follows).cloned().collect()
            }
        }
    }
}

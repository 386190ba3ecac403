//! The pagers of the demo.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::incident::Mode;
use incident_core::paging::{
    DeliveryResult, NotSentReason, PageAction, PageEvent, Receipt, TargetId,
};
use incident_core::port::Pager;
use incident_core::{ServiceId, ValidationError};

/// The service whose pages are refused, so that the demo has a page that nobody gets.
pub(super) const FAILING_SERVICE: &str = "checkout";

/// A stand-in for a vendor: it accepts every page and sends it nowhere, but refuses to page about
/// one service.
#[derive(Debug)]
pub(super) struct DemoPager {
    target: TargetId,
    failing: ServiceId,
    reason: NotSentReason,
}

impl DemoPager {
    /// Returns the two pagers of the demo, in the order in which they are tried.
    ///
    /// # Errors
    /// Never fails; fallible only because names are checked.
    pub(super) fn both() -> Result<Vec<Arc<dyn Pager>>, ValidationError> {
        let pager = |name, reason| -> Result<Arc<dyn Pager>, ValidationError> {
            let (target, failing) = (TargetId::new(name)?, ServiceId::new(FAILING_SERVICE)?);
            Ok(Arc::new(Self {
                target,
                failing,
                reason,
            }))
        };
        Ok(vec![
            pager("demo-pagerduty", NotSentReason::Unavailable)?,
            pager("demo-opsgenie", NotSentReason::Unreachable)?,
        ])
    }
}

#[async_trait]
impl Pager for DemoPager {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    fn follows_severity(&self) -> bool {
        true
    }

    async fn send(&self, page: &PageEvent, _timeout: Duration) -> DeliveryResult {
        let fails = page.action == PageAction::Trigger
            && page.mode == Mode::Live
            && page.services.contains(&self.failing);
        if fails {
            return DeliveryResult::NotSent(self.reason.into());
        }
        tracing::debug!(target = %self.target, number = page.number, "page of the demo accepted");
        DeliveryResult::Accepted(Receipt::default())
    }
}

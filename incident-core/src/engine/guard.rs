//! Calls of what the host brings, so that a panic there ends nothing but the call.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{Alarm, Incidents, Notice};
use crate::billing::{Batch, Lookup, Submission};
use crate::paging::{AlertStatus, Confirmation, DeliveryResult, PageEvent, Receipt};
use crate::port::{BillingSink, LookupBy, PageCheck, Pager};

/// What a future came to; none if it panicked. Adapters hold no state of the engine, so
/// that nothing half done is seen afterwards.
pub(super) async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(future).catch_unwind().await.ok()
}

impl Incidents {
    /// Sends to a pager. One that panics may have sent before: its answer is unknown.
    pub(super) async fn send(&self, pager: &dyn Pager, page: &PageEvent) -> DeliveryResult {
        let within = self.0.settings.pager_deadline;
        // The call itself may panic, not only the future it makes.
        let answer = caught(async { pager.send(page, within).await }).await;
        if let Some(answer) = answer {
            return answer;
        }
        let target = pager.target_id();
        tracing::error!(%target, incident.id = %page.incident_id, "a pager panicked; whether it sent the page is not known");
        self.0.tell(&Notice {
            alarm: Some(Alarm::PagerPanicked { target }),
            ..Notice::default()
        });
        DeliveryResult::Unknown
    }

    pub(super) async fn check_page(
        &self,
        check: &Arc<dyn PageCheck>,
        page: &PageEvent,
        receipt: &Receipt,
    ) -> Confirmation {
        let within = self.0.settings.pager_deadline;
        let answer = caught(async { check.check(page, receipt, within).await }).await;
        answer.unwrap_or_else(|| {
            tracing::error!(incident.id = %page.incident_id, "a page check panicked");
            Confirmation::Unknown
        })
    }

    pub(super) async fn alert_status(&self, check: &Arc<dyn PageCheck>, key: &str) -> AlertStatus {
        let within = self.0.settings.pager_deadline;
        let answer = caught(async { check.status(key, within).await }).await;
        answer.unwrap_or_else(|| {
            tracing::error!(key, "a page check panicked");
            AlertStatus::Unknown
        })
    }

    pub(super) async fn submit_to(&self, sink: &Arc<dyn BillingSink>, batch: &Batch) -> Submission {
        let within = self.0.settings.pager_deadline;
        let answer = caught(async { sink.submit(batch, within).await }).await;
        answer.unwrap_or_else(|| {
            tracing::error!("the billing sink panicked; whether it took the batch is not known");
            Submission::Unknown
        })
    }

    pub(super) async fn held_by(&self, sink: &Arc<dyn BillingSink>, asked: LookupBy<'_>) -> Lookup {
        let within = self.0.settings.pager_deadline;
        let answer = caught(async { sink.lookup(asked, within).await }).await;
        answer.unwrap_or_else(|| {
            tracing::error!("the billing sink panicked when it was asked");
            Lookup::Unavailable
        })
    }
}

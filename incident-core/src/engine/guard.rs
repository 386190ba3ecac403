//! Guarded calls of the host's adapters: a panic there ends only the call.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{Alarm, EngineEvent, Incidents};
use crate::billing::{Batch, Lookup, Submission};
use crate::incident::Incident;
use crate::notice::Notice;
use crate::paging::{AlertStatus, Confirmation, DeliveryResult, PageEvent, Receipt};
use crate::port::{BillingSink, Channel, ChannelError, LookupBy, PageCheck, Pager};

/// Returns the output of a future; none if it panicked. Adapters hold no state of the engine, so no
/// half-done change is seen afterwards.
pub(super) async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(future).catch_unwind().await.ok()
}

impl Incidents {
    /// Sends a page to a pager. One that panics may have sent it before: its answer is unknown.
    pub(super) async fn send(&self, pager: &dyn Pager, page: &PageEvent) -> DeliveryResult {
        let timeout = self.inner.settings.pager_deadline;
        // The call itself may panic, not only the future it makes.
        let answer = caught(async { pager.send(page, timeout).await }).await;
        if let Some(answer) = answer {
            return answer;
        }
        let target = pager.target_id();
        tracing::error!(%target, incident.id = %page.incident_id, "a pager panicked; it is unknown whether it sent the page");
        self.inner.emit(&EngineEvent {
            alarm: Some(Alarm::PagerPanicked { target }),
            ..EngineEvent::default()
        });
        DeliveryResult::Unknown
    }

    /// Sends a notice over a channel. One that panics may have sent it before: it is sent again under
    /// the same id.
    pub(super) async fn send_over(
        &self,
        channel: &dyn Channel,
        notice: &Notice,
        incident: &Incident,
    ) -> Result<(), ChannelError> {
        let timeout = self.inner.settings.pager_deadline;
        let answer = caught(async { channel.send(notice, incident, timeout).await }).await;
        answer.unwrap_or_else(|| {
            let name = channel.name();
            tracing::error!(channel = %name, incident.id = %incident.id, "a channel panicked; it is unknown whether it sent the notice");
            Err(ChannelError::Unavailable {
                reason: "the channel panicked".to_owned(),
                retry_after: None,
            })
        })
    }

    pub(super) async fn check_page(
        &self,
        check: &Arc<dyn PageCheck>,
        page: &PageEvent,
        receipt: &Receipt,
    ) -> Confirmation {
        let timeout = self.inner.settings.pager_deadline;
        let answer = caught(async { check.check(page, receipt, timeout).await }).await;
        answer.unwrap_or_else(|| {
            tracing::error!(incident.id = %page.incident_id, "a page check panicked");
            Confirmation::Unknown
        })
    }

    pub(super) async fn alert_status(&self, check: &Arc<dyn PageCheck>, key: &str) -> AlertStatus {
        let timeout = self.inner.settings.pager_deadline;
        let answer = caught(async { check.status(key, timeout).await }).await;
        answer.unwrap_or_else(|| {
            tracing::error!(key, "a page check panicked");
            AlertStatus::Unknown
        })
    }

    pub(super) async fn submit_to(&self, sink: &Arc<dyn BillingSink>, batch: &Batch) -> Submission {
        let timeout = self.inner.settings.pager_deadline;
        let answer = caught(async { sink.submit(batch, timeout).await }).await;
        answer.unwrap_or_else(|| {
            tracing::error!(
                "the billing sink panicked; it is unknown whether it accepted the batch"
            );
            Submission::Unknown
        })
    }

    pub(super) async fn held_by(&self, sink: &Arc<dyn BillingSink>, asked: LookupBy<'_>) -> Lookup {
        let timeout = self.inner.settings.pager_deadline;
        let answer = caught(async { sink.lookup(asked, timeout).await }).await;
        answer.unwrap_or_else(|| {
            tracing::error!("the billing sink panicked during a lookup");
            Lookup::Unavailable
        })
    }
}

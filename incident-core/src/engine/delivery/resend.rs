//! Resends of resolutions: a vendor that accepts a trigger and its resolution may process them in
//! another order, and leave the alert open.

use std::time::Duration;

use super::outcome::DeliveryOutcome;
use crate::Timestamp;
use crate::commit::OutboxWrite;
use crate::engine::Incidents;
use crate::incident::Incident;
use crate::outbox::{JobOutcome, MessageBody};
use crate::paging::{PageAction, PageEvent};

/// Time after the acceptance of a trigger in which its resolution may overtake it.
const RESEND_WINDOW: Duration = Duration::from_secs(60);

/// Delay of the resend after the resolution.
const RESEND_AFTER: Duration = Duration::from_secs(30);

impl Incidents {
    /// Returns the resend of a resolution that may have overtaken its trigger. Vendors accept it
    /// for a closed alert and do nothing.
    pub(in crate::engine) fn resolve_resend(
        &self,
        incident: &Incident,
        page: &PageEvent,
        delivery: &DeliveryOutcome,
        now: Timestamp,
    ) -> Option<OutboxWrite> {
        let paging = incident.paging_of(page.rule.as_ref())?;
        let soon = now.since(paging.accepted_at?) < RESEND_WINDOW;
        let resolved = page.action == PageAction::Resolve && delivery.outcome == JobOutcome::Done;
        if !resolved || !soon || page.is_resend || is_stale_resend(incident, page) {
            return None;
        }
        let mut page = PageEvent {
            is_resend: true,
            ..page.clone()
        };
        if incident.redacted_at.is_some() {
            page.reword(incident);
        }
        let lane = page.pressing();
        let mut again = self
            .inner
            .message(incident, lane, MessageBody::Page(page), now);
        if let OutboxWrite::Add(message) = &mut again {
            message.due_at = now.saturating_add(RESEND_AFTER);
        }
        Some(again)
    }
}

/// Returns `true` if a resend is stale: it could close a newer alert.
pub(in crate::engine) fn is_stale_resend(incident: &Incident, page: &PageEvent) -> bool {
    let newest = incident.paging_of(page.rule.as_ref());
    incident.status.is_live() || newest.is_none_or(|paging| page.epoch < paging.epoch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Status;
    use crate::paging::PageAction;
    use crate::testing::{a_page, an_incident};

    #[test]
    fn a_resolution_is_repeated_while_its_page_is_the_newest_of_an_incident_that_ended() {
        for (status, epoch, moot) in [
            (Status::Resolved, 1, false),
            (Status::Cancelled, 1, false),
            (Status::Resolved, 2, true),
            (Status::Investigating, 1, true),
            (Status::Investigating, 2, true),
        ] {
            let (mut incident, ..) = an_incident();
            let state = incident.state_mut();
            (state.status, state.paging.epoch) = (status, epoch);
            let page = a_page(PageAction::Resolve);
            assert_eq!(
                is_stale_resend(&incident, &page),
                moot,
                "{status:?} {epoch}"
            );
        }
        let (mut incident, ..) = an_incident();
        incident.state_mut().status = Status::Resolved;
        let mut page = a_page(PageAction::Resolve);
        page.rule = Some("manager".parse().unwrap());
        assert!(
            is_stale_resend(&incident, &page),
            "there is no such escalation"
        );
    }
}

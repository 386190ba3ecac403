//! Vendors' reports on alerts, and the changes they may make here.

use crate::actor::Action;
use crate::paging::{InboundPolicy, VendorEvent, VendorEventKind};
use crate::{RuleName, Statement, Text, ValidationError};

/// A vendor's report on an alert: by a webhook, which may come two days late, or as the answer to a
/// poll.
///
/// It is compared with the page that the incident has when it is written. A report that is older
/// than that page concerns an earlier one: it becomes an entry and changes nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorReport {
    /// The event at the vendor, with its time by the vendor's clock; now if there is none.
    pub event: VendorEvent,
    /// The escalation that the alert belongs to; `None` for the incident's own page.
    pub rule: Option<RuleName>,
    /// The page that the vendor was polled for; `None` for a webhook, which names no page. An
    /// answer leads to no event if its page or the incident is over, or if it repeats a known
    /// state.
    pub polled_epoch: Option<u32>,
    /// The changes that the vendor may make here.
    pub policy: InboundPolicy,
}

impl VendorReport {
    /// Returns the rights it needs, whatever it turns out to change.
    pub(super) fn rights(&self) -> Vec<Action> {
        let acknowledges =
            self.event.what == VendorEventKind::Acknowledged && self.policy.acknowledge;
        let mut rights = vec![Action::Update];
        rights.extend(acknowledges.then_some(Action::Acknowledge));
        rights
    }

    /// Returns its sentence for the timeline.
    pub(super) fn sentence(&self, earlier: bool) -> Result<Statement, ValidationError> {
        let mut sentence = self.event.sentence();
        if let Some(rule) = &self.rule {
            sentence = format!("escalation {rule}: {sentence}");
        }
        // First, so that a long note cannot push it out.
        if earlier {
            sentence = format!("about an earlier page: {sentence}");
        }
        Statement::new(Text::cut(&sentence).as_str())
    }
}

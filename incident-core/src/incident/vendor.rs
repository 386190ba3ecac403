//! What a vendor reports of an alert, and what it may change here.

use crate::actor::Action;
use crate::paging::{InboundPolicy, VendorEvent, VendorEventKind};
use crate::{RuleName, Statement, Text, ValidationError};

/// Something that a vendor reports of an alert: by a webhook, which may come two
/// days late, or as the answer to a question.
///
/// It is judged against the page that the incident has when it is written. What
/// is older than that page was about an earlier one: an entry and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorReport {
    /// What happened there, and when by the vendor's clock; now if it does not say.
    pub event: VendorEvent,
    /// The escalation whose alert it is about; none for the incident's own.
    pub rule: Option<RuleName>,
    /// The page that the vendor was asked about; none for a webhook, which does
    /// not say which page it speaks of. The answer to a question about a page that
    /// is over, or that only repeats what is known, is no event at all.
    pub polled_epoch: Option<u32>,
    /// What the vendor may change here.
    pub policy: InboundPolicy,
}

impl VendorReport {
    /// The rights it needs, whatever it turns out to change.
    pub(super) fn rights(&self) -> Vec<Action> {
        let acknowledges =
            self.event.what == VendorEventKind::Acknowledged && self.policy.acknowledge;
        let mut rights = vec![Action::Update];
        rights.extend(acknowledges.then_some(Action::Acknowledge));
        rights
    }

    /// Its sentence for the timeline.
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

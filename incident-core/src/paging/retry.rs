//! A page that is tried again after it was given up.

use super::PageAction;
use crate::{MessageId, RuleName};

/// A message to the pagers that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryOf {
    /// The message.
    pub message: MessageId,
    /// The escalation it belongs to; none for the incident's own page.
    pub rule: Option<RuleName>,
    /// What it asks of them.
    pub action: PageAction,
    /// Which page of the incident it belongs to.
    pub epoch: u32,
}

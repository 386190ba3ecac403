//! The retry of a dead-lettered page.

use super::PageAction;
use crate::{MessageId, RuleName};

/// A dead-lettered message to the pagers that is retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryOf {
    /// The message.
    pub message: MessageId,
    /// The rule of its escalation; none for the incident's own page.
    pub rule: Option<RuleName>,
    /// The action that it requests.
    pub action: PageAction,
    /// The number of its page within the incident.
    pub epoch: u32,
}

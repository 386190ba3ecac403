//! The retry of dead-lettered messages.

use super::PageAction;
use crate::{MessageId, Name, RuleName};

/// A dead-lettered message of an incident that is retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryOf {
    /// The message.
    pub message: MessageId,
    /// Its content.
    pub of: Retried,
}

/// The content of a message that is retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// A message to the pagers.
    Page {
        /// The rule of its escalation; none for the incident's own page.
        rule: Option<RuleName>,
        /// The action that it requests.
        action: PageAction,
        /// The number of its page within the incident.
        epoch: u32,
    },
    /// A notice of a rule to a group of people. It is cancelled instead of sent if its condition no longer
    /// holds then.
    Notice {
        /// The rule.
        rule: RuleName,
        /// The group.
        group: Name,
    },
}

//! Escalations: pages to people beyond on-call.

use serde::{Deserialize, Serialize};

use super::Paging;
use crate::{PersonName, RuleName, Timestamp};

/// An escalation of an incident beyond on-call: to the security officer, the management, a
/// vendor's support.
///
/// It is paged under a key of its own ([`dedup_key`](super::dedup_key)), in an order of its
/// own, and closed with the incident. Acknowledging the incident does not acknowledge the
/// escalation: it went to other people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// The rule that names its targets.
    pub rule: RuleName,
    /// Time of the last request.
    #[serde(rename = "asked_at")]
    pub requested_at: Timestamp,
    /// The person who requested it.
    #[serde(rename = "asked_by")]
    pub requested_by: PersonName,
    /// The state of its page; [`PagingState::None`](super::PagingState) if the rule has no
    /// pager and people are notified in another way.
    pub paging: Paging,
}

impl Escalation {
    /// Returns `true` if the policy requested it last, and not a person.
    #[must_use]
    pub fn is_by_policy(&self) -> bool {
        self.requested_by == PersonName::policy()
    }
}

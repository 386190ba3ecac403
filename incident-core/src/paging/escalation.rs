//! Pages to others than on-call.

use serde::{Deserialize, Serialize};

use super::Paging;
use crate::{PersonName, RuleName, Timestamp};

/// An incident went to others than on-call: the security officer, the
/// management, a vendor's support.
///
/// It is paged under a key of its own ([`dedup_key`](super::dedup_key)), in an
/// order of its own, and closed with the incident. An acknowledgement of the
/// incident is not one of the escalation: these are other people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// The rule that names them.
    pub rule: RuleName,
    /// When it was asked for last.
    #[serde(rename = "asked_at")]
    pub requested_at: Timestamp,
    /// Who asked.
    #[serde(rename = "asked_by")]
    pub requested_by: PersonName,
    /// Where its page stands; [`PagingState::None`](super::PagingState) where
    /// the rule has no pager and people are told in another way.
    pub paging: Paging,
}

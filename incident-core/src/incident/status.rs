//! Status and the table of allowed transitions.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ValidationError;

/// The status of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Status {
    /// New, not yet assessed. A live state.
    Triage,
    /// The cause is being looked for. A live state.
    Investigating,
    /// The cause is known. A live state.
    Identified,
    /// A fix or workaround is in place and watched. A live state; the public name is `monitoring`.
    Mitigated,
    /// The impact is over. May be reopened.
    Resolved,
    /// Done, follow-up included. Final.
    Closed,
    /// Cancelled, with a stated reason. Final.
    Cancelled,
    /// It was part of another incident. Final.
    Merged,
}

/// The kind of a change of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionKind {
    /// No change of status.
    Stay,
    /// Between live states.
    Move,
    /// The impact is over.
    Resolve,
    /// `resolved -> investigating`: the impact is back.
    Reopen,
    /// `resolved -> closed`.
    Close,
    /// To `cancelled`.
    Cancel,
    /// To `merged`.
    Merge,
}

impl Status {
    /// All statuses in the order of the lifecycle.
    pub const ALL: [Self; 8] = [
        Self::Triage,
        Self::Investigating,
        Self::Identified,
        Self::Mitigated,
        Self::Resolved,
        Self::Closed,
        Self::Cancelled,
        Self::Merged,
    ];

    /// Returns the statuses in which responders are at work ([`is_live`](Self::is_live)), as filters of
    /// lists take them.
    #[must_use]
    pub fn live() -> BTreeSet<Self> {
        Self::ALL.into_iter().filter(|one| one.is_live()).collect()
    }

    /// Returns `true` if responders are at work: triage, investigating, identified, mitigated.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(
            self,
            Self::Triage | Self::Investigating | Self::Identified | Self::Mitigated
        )
    }

    /// Returns `true` if no transition leads out of it: closed, cancelled, merged.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled | Self::Merged)
    }

    /// Returns its name, as stored and sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Triage => "triage",
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Merged => "merged",
        }
    }

    /// Returns the kind of the change from here to `to`, or `None` if it is not allowed.
    ///
    /// ```
    /// use incident_core::incident::{Status, TransitionKind};
    /// assert_eq!(Status::Mitigated.step_to(Status::Investigating), Some(TransitionKind::Move)); // the fix failed
    /// assert_eq!(Status::Resolved.step_to(Status::Investigating), Some(TransitionKind::Reopen));
    /// assert_eq!(Status::Closed.step_to(Status::Investigating), None);
    /// ```
    #[must_use]
    pub fn step_to(self, to: Self) -> Option<TransitionKind> {
        match to {
            _ if self == to && !self.is_final() => Some(TransitionKind::Stay),
            Self::Triage => None,
            Self::Investigating if self == Self::Resolved => Some(TransitionKind::Reopen),
            Self::Investigating | Self::Identified | Self::Mitigated => {
                self.is_live().then_some(TransitionKind::Move)
            }
            Self::Resolved => self.is_live().then_some(TransitionKind::Resolve),
            Self::Closed => (self == Self::Resolved).then_some(TransitionKind::Close),
            Self::Cancelled => self.is_live().then_some(TransitionKind::Cancel),
            Self::Merged => self.is_live().then_some(TransitionKind::Merge),
        }
    }
}

impl FromStr for Status {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        if matches!(
            text,
            "mitigation_deployed" | "mitigation deployed" | "monitoring"
        ) {
            return Ok(Self::Mitigated);
        }
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or_else(|| {
            ValidationError::new("status", "one of triage, investigating, identified, mitigated, resolved, closed, cancelled, merged")
        })
    }
}

impl TryFrom<String> for Status {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        text.parse()
    }
}

impl From<Status> for String {
    fn from(status: Status) -> Self {
        status.name().to_owned()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_steps() {
        // One row per "from"; "x" is refused. Columns in the order of `ALL`.
        let table = [
            "s m m m r x c g",
            "x s m m r x c g",
            "x m s m r x c g",
            "x m m s r x c g",
            "x o x x s d x x",
            "x x x x x x x x",
            "x x x x x x x x",
            "x x x x x x x x",
        ];
        for (from, row) in Status::ALL.into_iter().zip(table) {
            for (to, cell) in Status::ALL.into_iter().zip(row.split(' ')) {
                let letter = match from.step_to(to) {
                    None => "x",
                    Some(TransitionKind::Stay) => "s",
                    Some(TransitionKind::Move) => "m",
                    Some(TransitionKind::Resolve) => "r",
                    Some(TransitionKind::Reopen) => "o",
                    Some(TransitionKind::Close) => "d",
                    Some(TransitionKind::Cancel) => "c",
                    Some(TransitionKind::Merge) => "g",
                };
                assert_eq!(letter, cell, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn mitigated_has_other_spellings() {
        for text in [
            "mitigated",
            "mitigation_deployed",
            "mitigation deployed",
            "monitoring",
        ] {
            assert_eq!(text.parse::<Status>().unwrap(), Status::Mitigated);
        }
        assert!("Resolved".parse::<Status>().is_err());
    }
}

//! Warnings: things that are easily forgotten in a response. They never block.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Checklists;
use crate::Timestamp;
use crate::incident::{Incident, Mode, Status};
use crate::policy::Policy;

/// The kind of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// A live incident has no incident commander.
    NoCommander,
    /// The update that the policy promises is overdue.
    UpdateOverdue,
    /// It is mitigated or resolved, and no cause is recorded.
    NoCause,
    /// It is resolved, and items of the list `verify` are open.
    VerifyIncomplete,
    /// It is resolved, has to have a post-mortem before it is closed, and has none.
    NoPostMortem,
}

/// A warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A live incident has no incident commander.
    NoCommander,
    /// The update that the policy promises was due at this time.
    UpdateOverdue {
        /// The time at which it was due.
        due_at: Timestamp,
    },
    /// It is mitigated or resolved, and no cause is recorded.
    NoCause,
    /// It is resolved, and items of the list `verify` are open.
    VerifyIncomplete {
        /// Number of ticked items.
        done: usize,
        /// Number of all items.
        total: usize,
    },
    /// It is resolved, has to have a post-mortem before it is closed, and has none.
    NoPostMortem,
}

impl Warning {
    /// Returns its kind.
    #[must_use]
    pub const fn code(&self) -> WarningCode {
        match self {
            Self::NoCommander => WarningCode::NoCommander,
            Self::UpdateOverdue { .. } => WarningCode::UpdateOverdue,
            Self::NoCause => WarningCode::NoCause,
            Self::VerifyIncomplete { .. } => WarningCode::VerifyIncomplete,
            Self::NoPostMortem => WarningCode::NoPostMortem,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommander => f.write_str(
                "the incident has no incident commander; one person should assume the role",
            ),
            Self::UpdateOverdue { due_at } => write!(f, "an update was due at {due_at}"),
            Self::NoCause => f.write_str("no cause is recorded"),
            Self::VerifyIncomplete { done, total } => write!(
                f,
                "the incident was resolved with {done} of {total} items of the list verify ticked"
            ),
            Self::NoPostMortem => {
                f.write_str("no post-mortem is linked; the incident cannot be closed without one")
            }
        }
    }
}

/// Returns the warnings about an incident, in the order in which they are worth acting on. Pure,
/// and blocks nothing.
///
/// A retrospective has no clocks and no commander to miss; a drill is warned of like a live one,
/// except that it needs no post-mortem. An incident that has ended gets none.
#[must_use]
pub fn warnings(
    incident: &Incident,
    checklists: &Checklists,
    policy: &Policy,
    now: Timestamp,
) -> Vec<Warning> {
    let mut found = Vec::new();
    let is_resolved = incident.status == Status::Resolved;
    if incident.status.is_live() && incident.mode != Mode::Retrospective {
        found.extend(
            incident
                .commander()
                .is_none()
                .then_some(Warning::NoCommander),
        );
        let overdue = incident.next_update_due_at.filter(|due| *due < now);
        found.extend(overdue.map(|due_at| Warning::UpdateOverdue { due_at }));
    }
    if is_resolved {
        let verify = checklists
            .progress(incident)
            .find(|one| one.list.name.as_ref() == Checklists::VERIFY);
        let verify = verify.filter(|one| one.open() > 0 && incident.mode != Mode::Retrospective);
        found.extend(verify.map(|one| Warning::VerifyIncomplete {
            done: one.done(),
            total: one.items.len(),
        }));
    }
    let nears_its_end = is_resolved || incident.status == Status::Mitigated;
    let cause = incident.facts.cause.as_ref();
    let has_cause = cause.is_some_and(|cause| !cause.as_str().trim().is_empty());
    found.extend((nears_its_end && !has_cause).then_some(Warning::NoCause));
    let needs_post_mortem = is_resolved
        && incident.mode != Mode::Drill
        && policy.of(incident.severity).post_mortem_required
        && incident.post_mortem.is_none();
    found.extend(needs_post_mortem.then_some(Warning::NoPostMortem));
    found
}

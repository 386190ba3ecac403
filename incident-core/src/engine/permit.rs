//! Proof of a right.

use crate::actor::{Action, Caller};

/// Proof that a caller may do something: a command that brings it
/// ([`RequestContext::with_permit`](super::RequestContext::with_permit)) is not authorized for the same a second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    pub(super) caller: Caller,
    pub(super) action: Action,
}

impl Permit {
    /// Tells if it is of a caller and an action.
    pub(super) fn covers(&self, caller: &Caller, action: Action) -> bool {
        self.action == action && self.caller == *caller
    }
}

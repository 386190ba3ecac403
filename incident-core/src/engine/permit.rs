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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Role;
    use crate::engine::RequestContext;
    use crate::testing::caller;

    #[test]
    fn a_permit_is_of_one_caller_and_one_action() {
        let [anna, bob] = ["anna", "bob"].map(|name| caller(name, Role::Admin).unwrap());
        let permit = Permit {
            caller: anna.clone(),
            action: Action::Declare,
        };
        let context = RequestContext::new(anna.clone()).with_permit(permit.clone());
        assert!(context.permits(Action::Declare) && !context.permits(Action::Update));
        assert!(
            !RequestContext::new(bob)
                .with_permit(permit.clone())
                .permits(Action::Declare)
        );
        // Another role of the same person is another caller.
        let less = Caller {
            role: Role::Viewer,
            ..anna
        };
        assert!(
            !RequestContext::new(less)
                .with_permit(permit)
                .permits(Action::Declare)
        );
    }
}

//! The last error of a page, beside the name of its target.

use incident_core::paging::{Paging, TargetId};

/// Returns the target and its last error without the name of the target in front.
pub(super) fn target_and_error(paging: &Paging) -> (Option<&str>, Option<&str>) {
    let target = paging.target.as_ref().map(TargetId::name);
    let error = paging.error.as_deref().map(|error| {
        let rest = target.and_then(|target| error.strip_prefix(target));
        rest.and_then(|rest| rest.strip_prefix(": "))
            .unwrap_or(error)
    });
    (target, error)
}

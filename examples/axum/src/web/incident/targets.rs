//! The targets of a page, in words.

use incident_core::paging::{TargetId, Urgency};

use super::act_texts::ActTexts;
use crate::state::AppState;
use crate::web::frame::Frame;

/// Returns the names of targets in the order in which they are tried: `pagerduty, then opsgenie`.
#[must_use]
pub(crate) fn names(texts: &ActTexts, targets: &[TargetId]) -> String {
    let names: Vec<&str> = targets.iter().map(TargetId::name).collect();
    names.join(texts.then)
}

/// Returns `true` if a page to some targets calls nobody: it only stands in the log.
#[must_use]
pub(crate) fn is_log_only(targets: &[TargetId]) -> bool {
    targets.iter().all(|target| *target == TargetId::log())
}

/// Returns what a page to on-call does: through which targets it goes, and if it wakes somebody.
#[must_use]
pub(crate) fn on_call(state: &AppState, frame: &Frame<'_>, urgency: Urgency) -> Vec<String> {
    let texts = ActTexts::of(frame.reader.language);
    let targets = state.incidents().paging().targets();
    if targets.is_empty() {
        return vec![texts.no_pager.to_owned()];
    }
    if is_log_only(&targets) {
        return vec![texts.log_only.to_owned()];
    }
    let names = names(texts, &targets);
    let urgency = match urgency {
        Urgency::High => texts.wakes,
        Urgency::Low => texts.informs,
    };
    let through = frame.fill(texts.page_through, &[("targets", &names)]);
    vec![through, urgency.to_owned()]
}

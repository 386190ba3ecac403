//! The targets of on-call with their state.

use incident_core::Timestamp;
use incident_core::paging::{TargetFailure, TargetState};

use super::pager_texts::PagerTexts;

/// A target of on-call.
pub(super) struct TargetLine {
    /// The name.
    pub(super) name: String,
    /// The kind in words.
    pub(super) kind: &'static str,
    /// The facts that this process knows of it.
    pub(super) state: TargetState,
    /// The state in a word.
    pub(super) word: &'static str,
    /// The last failure in words.
    pub(super) failure: Option<(Timestamp, &'static str)>,
}

impl TargetLine {
    /// Creates the line of a target.
    #[must_use]
    pub(super) fn new(texts: &PagerTexts, state: TargetState) -> Self {
        let failed = |failure: TargetFailure| {
            let reason = failure.reason;
            let words = reason.map_or(texts.unknown, |reason| texts.reason(reason));
            (failure.at, words)
        };
        Self {
            name: state.target.name().to_owned(),
            kind: texts.kind_of(state.target.name()),
            word: word(texts, &state),
            failure: state.failure.map(failed),
            state,
        }
    }
}

fn word(texts: &PagerTexts, state: &TargetState) -> &'static str {
    let failed_at = state.failure.map(|failure| failure.at);
    match (state.accepted_at, failed_at) {
        _ if state.is_down => texts.is_down,
        (None, None) => texts.untried,
        (accepted, failed) if accepted < failed => texts.failed_last,
        _ => texts.works,
    }
}

#[cfg(test)]
mod tests {
    use incident_core::paging::TargetId;

    use super::*;
    use crate::web::language::Language;

    #[test]
    fn a_target_has_the_state_of_its_last_result() {
        let at = |micros| Timestamp::from_micros(micros).ok();
        let texts = PagerTexts::of(Language::English);
        for (is_down, accepted, failed, expected) in [
            (false, None, None, texts.untried),
            (false, at(1), None, texts.works),
            (false, None, at(1), texts.failed_last),
            (false, at(1), at(2), texts.failed_last),
            (false, at(2), at(1), texts.works),
            (true, at(2), at(1), texts.is_down),
        ] {
            let state = TargetState {
                target: TargetId::log(),
                is_down,
                waits_until: None,
                requests_last_minute: 0,
                accepted_at: accepted,
                failure: failed.map(|at| TargetFailure { at, reason: None }),
            };
            assert_eq!(TargetLine::new(texts, state).word, expected);
        }
    }
}

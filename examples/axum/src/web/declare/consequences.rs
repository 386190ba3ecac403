//! The consequences of a declaration, by severity: who is paged, when updates are due, what customers
//! see.

use incident_core::incident::Severity;

use super::declare_texts::DeclareTexts;
use crate::http::escape::Html;
use crate::state::AppState;
use crate::web::common_texts::severity_mark;
use crate::web::frame::Frame;
use crate::web::incident::targets::on_call;

/// The consequences of a declaration with a severity.
pub(super) struct Consequences {
    pub(super) mark: Html,
    /// The class of the blocks that are shown with this severity only.
    pub(super) class: &'static str,
    pub(super) lines: Vec<String>,
}

/// Returns what a declaration does, for each severity.
pub(super) fn consequences(state: &AppState, frame: &Frame<'_>) -> [Consequences; 4] {
    Severity::ALL.map(|severity| Consequences {
        mark: severity_mark(severity),
        class: match severity {
            Severity::Sev1 => "on-sev1",
            Severity::Sev2 => "on-sev2",
            Severity::Sev3 => "on-sev3",
            Severity::Sev4 => "on-sev4",
        },
        lines: lines(state, frame, severity),
    })
}

fn lines(state: &AppState, frame: &Frame<'_>, severity: Severity) -> Vec<String> {
    let texts = DeclareTexts::of(frame.reader.language);
    let whole = state.incidents().policy();
    let policy = whole.of(severity);
    let mut lines = match policy.page {
        true => on_call(state, frame, policy.urgency),
        false => vec![frame.fill(texts.pages_nobody, &[("severity", severity.name())])],
    };
    lines.push(match policy.update_every_minutes {
        Some(minutes) => frame.fill(texts.updates, &[("n", &minutes.to_string())]),
        None => texts.no_updates.to_owned(),
    });
    if policy.post_mortem_required {
        lines.push(texts.needs_post_mortem.to_owned());
    }
    let mut overrides = whole.overrides.iter();
    if overrides.any(|one| one.severities.contains_key(&severity)) {
        lines.push(texts.overridden.to_owned());
    }
    lines
}

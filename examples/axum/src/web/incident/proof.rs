//! The proof that a timeline is as it was written, as a card of the page of an incident.

use std::time::Duration;

use incident_core::chain::Verdict;
use incident_core::incident::Incident;

use super::incident_texts::IncidentTexts;
use crate::state::AppState;
use crate::web::frame::Frame;
use crate::web::texts::count;

/// Number of entries up to which each page verifies the whole chain.
const AT_ONCE: u64 = 1_000;
/// Maximum time for it.
const WAIT: Duration = Duration::from_secs(2);

/// The card.
#[derive(Debug)]
pub(super) struct ProofView {
    pub(super) entries: String,
    pub(super) lines: Vec<String>,
    pub(super) is_broken: bool,
    /// The server's words about a broken chain.
    pub(super) reason: Option<&'static str>,
    /// `true` if a person may verify it now.
    pub(super) is_on_request: bool,
}

impl ProofView {
    /// Verifies the chain, unless it is so long that this is done on request only.
    pub(super) async fn load(
        state: &AppState,
        frame: &Frame<'_>,
        incident: &Incident,
        is_requested: bool,
    ) -> Self {
        let texts = IncidentTexts::of(frame.reader.language);
        let mut view = Self {
            entries: count(frame.reader.language, texts.entries, incident.last_seq),
            lines: Vec::new(),
            is_broken: false,
            reason: None,
            is_on_request: incident.last_seq > AT_ONCE && !is_requested,
        };
        if view.is_on_request {
            return view;
        }
        let audit = state.incidents().audit();
        let verdict = audit.verify_timeline(incident.id);
        let verdict = match is_requested {
            true => verdict.await.ok(),
            false => match tokio::time::timeout(WAIT, verdict).await {
                Ok(verdict) => verdict.ok(),
                Err(_) => None,
            },
        };
        let seq = |text: &str, seq: u64| frame.fill(text, &[("seq", &seq.to_string())]);
        match verdict {
            None => view.lines.push(texts.chain_unknown.to_owned()),
            Some(Verdict::Valid { head, anchored }) => {
                view.lines.push(seq(texts.chain_valid, head.seq));
                view.lines.push(match anchored {
                    0 => texts.chain_unanchored.to_owned(),
                    anchored => seq(texts.chain_anchored, anchored),
                });
            }
            Some(Verdict::Broken { seq: at, reason }) => {
                view.is_broken = true;
                view.reason = Some(reason);
                view.lines.push(seq(texts.chain_broken, at));
            }
        }
        view
    }
}

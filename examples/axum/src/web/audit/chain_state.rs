//! The verdict on the chains of the audit trail, in words.

use incident_core::engine::AuditVerdict;

use super::audit_texts::AuditTexts;
use crate::web::frame::Frame;
use crate::web::texts::{fill, grouped};

/// The verdict on all chains.
pub(super) enum ChainState {
    /// All are as they were sealed.
    Valid {
        /// The numbers of chains and entries.
        numbers: String,
        /// The number of entries that were anchored.
        anchored: String,
    },
    /// One is broken.
    Broken {
        /// The first bad entry.
        place: String,
        /// The mismatch, in the words of the server.
        reason: &'static str,
    },
}

impl ChainState {
    /// Describes a verdict.
    #[must_use]
    pub(super) fn new(frame: &Frame<'_>, texts: &AuditTexts, verdict: &AuditVerdict) -> Self {
        let number = |number: u64| grouped(frame.reader.language, number);
        match verdict {
            AuditVerdict::Valid {
                chains,
                entries,
                anchored,
            } => Self::Valid {
                numbers: fill(
                    texts.valid_numbers,
                    &[
                        ("entries", &number(*entries)),
                        ("chains", &number(*chains)),
                        ("time", &frame.times.short(frame.times.now)),
                    ],
                ),
                anchored: match anchored {
                    0 => texts.not_anchored.to_owned(),
                    some => fill(texts.anchored, &[("n", &number(*some))]),
                },
            },
            AuditVerdict::Broken { chain, seq, reason } => Self::Broken {
                place: fill(
                    texts.broken_at,
                    &[("seq", &number(*seq)), ("chain", &chain.to_string())],
                ),
                reason,
            },
        }
    }
}

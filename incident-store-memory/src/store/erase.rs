//! Redaction: erasing the text of an entry in every place.

use std::sync::Arc;

use incident_core::audit::{AuditDraft, Chain};
use incident_core::commit::{Commit, SuggestionWrite};
use incident_core::idempotency::{IdempotencyRecord, StoredResponse};
use incident_core::incident::Incident;
use incident_core::port::StoreError;
use incident_core::redaction::{Redaction, TextPlace};
use incident_core::timeline;

use super::state::StoreState;

impl StoreState {
    /// Checks that a response shows an incident or a suggestion as it is stored, so that text that
    /// was redacted meanwhile does not come back.
    ///
    /// A response about an incident that the commit writes is checked with that write.
    pub(super) fn check_reply(
        &self,
        remember: &IdempotencyRecord,
        commit: &Commit,
    ) -> Result<(), StoreError> {
        let is_so = match &remember.reply {
            StoredResponse::Incident { incident, .. } => {
                let stored = self.incidents.get(&incident.id);
                let stored = stored.map(|kept| kept.incident.revision);
                !commit.writes.is_empty() || stored == Some(incident.revision)
            }
            StoredResponse::Suggestion { suggestion, .. } => {
                let mut stored = self.suggestions.iter().rev();
                let stored = stored.find(|one| one.id == suggestion.id);
                let opens = matches!(commit.suggestion, Some(SuggestionWrite::Open(_)));
                opens || stored.is_some_and(|one| one.request == suggestion.request)
            }
            StoredResponse::Accepted(_) | StoredResponse::Tested(_) | StoredResponse::Credit(_) => {
                true
            }
        };
        if is_so {
            Ok(())
        } else {
            Err(StoreError::Conflict)
        }
    }

    pub(super) fn check_redaction(
        &self,
        redaction: &Redaction,
        audit: &[AuditDraft],
    ) -> Result<(), StoreError> {
        let exists = self
            .incidents
            .get(&redaction.incident_id)
            .is_some_and(|kept| {
                let mut entries = kept.timeline.iter();
                entries.any(|entry| entry.seq == redaction.seq)
            });
        if !exists {
            return Err(StoreError::Refused("the entry to redact does not exist"));
        }
        let chain = Chain::Incident(redaction.incident_id);
        let kept = self.audit.get(&chain).into_iter().flatten();
        let mut all = audit.iter().chain(kept.rev().map(|entry| &entry.payload));
        if all.any(|entry| redaction.is_recorded_by(entry)) {
            Ok(())
        } else {
            Err(StoreError::Refused("the redaction has no audit entry"))
        }
    }

    /// Erases the text of an entry in every place that can hold it.
    pub(super) fn redact(&mut self, redaction: &Redaction) {
        let Some(kept) = self.incidents.get(&redaction.incident_id) else {
            return;
        };
        let now = Arc::clone(&kept.incident);
        for place in TextPlace::ALL {
            self.erase(place, redaction, &now);
        }
    }

    fn erase(&mut self, place: TextPlace, redaction: &Redaction, now: &Arc<Incident>) {
        match place {
            TextPlace::Entry => {
                let kept = self.incidents.get_mut(&redaction.incident_id);
                let entries = kept.into_iter().flat_map(|kept| &mut kept.timeline);
                entries
                    .filter(|entry| entry.seq == redaction.seq)
                    .for_each(timeline::redact);
            }
            // Erased by the new state of the incident, a write of the same commit.
            TextPlace::Incident => {}
            TextPlace::Outbox => self.outbox.redact_waiting(now),
            TextPlace::GivenUp => self.outbox.redact_given_up(now),
            TextPlace::Replies => {
                for remember in self.keys.replies_mut() {
                    remember.reply.redact(redaction, now);
                }
            }
            TextPlace::Suggestion => {
                let said = self.suggestions.iter_mut();
                said.filter(|one| redaction.suggestion == Some(one.id))
                    .for_each(|one| one.redact());
            }
        }
    }
}

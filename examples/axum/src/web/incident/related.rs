//! Other incidents that belong to one, as a card of its page.

use std::sync::Arc;

use futures_util::future::join_all;
use incident_core::IncidentId;
use incident_core::incident::{Ending, Incident};

use super::incident_texts::IncidentTexts;
use crate::state::AppState;
use crate::web::frame::Frame;

/// Maximum number of incidents on the card.
const SHOWN: usize = 12;

/// Another incident, and what it has to do with this one.
#[derive(Debug)]
pub(super) struct RelatedIncident {
    pub(super) relation: &'static str,
    pub(super) href: String,
    /// The number and the title; the id of an incident that cannot be loaded.
    pub(super) name: String,
}

/// Loads the incidents that belong to an incident; one that cannot be loaded is named by its id.
pub(super) async fn related(
    state: &AppState,
    frame: &Frame<'_>,
    incident: &Incident,
) -> Vec<RelatedIncident> {
    let texts = IncidentTexts::of(frame.reader.language);
    let mut ids: Vec<(&'static str, IncidentId)> = Vec::new();
    if let Some(Ending::MergedInto(into)) = incident.ending {
        ids.push((texts.merged_into, into));
    }
    ids.extend(incident.recurrence_of.map(|id| (texts.recurrence_of, id)));
    let merged = incident.status_page.merged.iter();
    ids.extend(merged.map(|id| (texts.merged_from, *id)));
    let related = incident.related.iter();
    ids.extend(related.map(|id| (texts.same_alert, *id)));
    ids.truncate(SHOWN);
    let all = ids.into_iter().map(|(relation, id)| async move {
        let found = state.incidents().get(id).await.ok();
        RelatedIncident {
            relation,
            href: frame.link(&format!("/incidents/{id}")),
            name: found.map_or_else(|| id.to_string(), |found| name(&found)),
        }
    });
    join_all(all).await
}

fn name(incident: &Arc<Incident>) -> String {
    format!("#{} {}", incident.number, incident.title)
}

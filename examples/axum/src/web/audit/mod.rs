//! `/audit`: the audit trail with filters, and the state of its chains on request.

mod audit_query;
mod audit_texts;
mod chain_state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use incident_core::IncidentId;
use incident_core::actor::ActorKind;
use incident_core::audit::{AuditEntry, AuditOutcome};
use incident_core::engine::Error;
use tokio::time::{Instant, timeout_at};

use self::audit_query::{AuditListParams, FILTERS};
use self::audit_texts::AuditTexts;
use self::chain_state::ChainState;
use super::action_texts::ActionTexts;
use super::filter::{CURSOR, FilterFields, FilterForm};
use super::frame::{Frame, Section};
use super::page::{WebPage, WebResult};
use super::reader::Reader;
use super::texts::{count, fill, grouped, number_of};
use crate::http::authorized::Authorized;
use crate::http::page::Items;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::state::AppState;

/// Maximum number of incidents whose numbers are looked up; others are linked by their ids.
const NUMBERED: usize = 50;
/// Maximum time to look them up: the page works without.
const WAIT: Duration = Duration::from_millis(500);

/// An entry of the list.
struct AuditRow {
    entry: AuditEntry,
    number: Option<u64>,
    kind: &'static str,
    words: Option<&'static str>,
    is_denied: bool,
    seal: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage<'a> {
    frame: Frame<'a>,
    texts: &'static AuditTexts,
    chains: Option<ChainState>,
    verify: String,
    form: FilterForm,
    rows: Vec<AuditRow>,
    shown: String,
    next: Option<String>,
    is_first: bool,
}

/// Handles `GET /audit`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized { context, .. }: Authorized<permission::ReadAudit>,
    fields: FilterFields,
) -> WebResult {
    let frame = Frame::of(&state, &reader, &context.caller, Section::Audit);
    let texts = AuditTexts::of(reader.language);
    let found = match audit_query::read(&fields, reader.zone) {
        Ok(params) => matching(&state, params).await,
        Err(problem) => Err(problem),
    };
    let (found, problem) = match client_problems(found)? {
        Ok(found) => (found, None),
        Err(problem) => (Items::empty(), Some(problem)),
    };
    let chains = match fields.get("verify") {
        "" => None,
        _ => {
            let verdict = state.incidents().audit().verify().await?;
            Some(ChainState::new(&frame, texts, &verdict))
        }
    };
    let Items { items, next_cursor } = found;
    let numbers = numbers(&state, &items).await;
    let number = number_of(items.len());
    let words = match &next_cursor {
        Some(_) => texts.shown_more,
        None => texts.shown,
    };
    let status = problem.as_ref().map_or(StatusCode::OK, Problem::status);
    let actions = ActionTexts::of(reader.language);
    let page = AuditPage {
        chains,
        verify: fields.with(&FILTERS, ("verify", "yes")),
        form: audit_query::form(&frame, texts, &fields, problem.as_ref()),
        shown: count(reader.language, words, number),
        next: next_cursor
            .as_deref()
            .map(|cursor| fields.with(&FILTERS, (CURSOR, cursor))),
        rows: items
            .into_iter()
            .map(|entry| row(&frame, texts, actions, &numbers, entry))
            .collect(),
        is_first: fields.get(CURSOR).is_empty(),
        frame,
        texts,
    };
    WebPage::render(status, &page)
}

async fn matching(
    state: &AppState,
    AuditListParams { filter, page }: AuditListParams,
) -> Result<Items<AuditEntry>, Problem> {
    let found = state.incidents().audit().list(&filter).await?;
    Ok(page.of(found, |last| (last.payload.at, last.chain, last.seq)))
}

/// Returns the short numbers of the incidents of entries, by which people know them; at most
/// [`NUMBERED`], and fewer if the store does not answer in half a second.
async fn numbers(state: &AppState, entries: &[AuditEntry]) -> BTreeMap<IncidentId, u64> {
    let named = entries.iter().filter_map(|one| one.payload.incident_id);
    let named: BTreeSet<IncidentId> = named.collect();
    let (mut numbers, until) = (BTreeMap::new(), Instant::now() + WAIT);
    for id in named.into_iter().take(NUMBERED) {
        match timeout_at(until, state.incidents().get(id)).await {
            Ok(Ok(incident)) => drop(numbers.insert(id, incident.number)),
            Ok(Err(Error::NotFound(_))) => {}
            Ok(Err(_)) | Err(_) => break,
        }
    }
    numbers
}

fn row(
    frame: &Frame<'_>,
    texts: &AuditTexts,
    actions: &ActionTexts,
    numbers: &BTreeMap<IncidentId, u64>,
    entry: AuditEntry,
) -> AuditRow {
    let seq = grouped(frame.reader.language, entry.seq);
    let incident = entry.payload.incident_id.as_ref();
    AuditRow {
        number: incident.and_then(|id| numbers.get(id)).copied(),
        kind: match entry.payload.actor.kind {
            ActorKind::Person => texts.person,
            ActorKind::Service => texts.service,
            ActorKind::Integration => texts.integration,
        },
        words: actions.words(&entry.payload.action),
        is_denied: entry.payload.outcome == AuditOutcome::Denied,
        seal: fill(texts.seal, &[("seq", &seq)]),
        entry,
    }
}

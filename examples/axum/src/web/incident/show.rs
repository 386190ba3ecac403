//! `GET /incidents/{id}`: an incident with its timeline, its figures and everything to do about it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use incident_core::actor::Caller;
use incident_core::incident::Incident;
use incident_core::{IncidentId, ValidationError};

use super::acts::Acts;
use super::approvals::{ApprovalView, approvals, may_request};
use super::checklist_card::{ListView, checklists};
use super::coordination_texts::CoordinationTexts;
use super::customers::{CustomerView, public_side};
use super::due_view::DueView;
use super::entry_texts::EntryTexts;
use super::figures::figures;
use super::head::HeadView;
use super::impact_view::ImpactView;
use super::incident_texts::IncidentTexts;
use super::notified_texts::NotifiedTexts;
use super::proof::ProofView;
use super::raci::RaciView;
use super::related::{RelatedIncident, related};
use super::side::{NamedLink, NamedText, facts, links, people};
use super::sla_view::SlaView;
use super::tick_form::{TickDraft, TickForm};
use super::timeline::{TimelineView, timeline};
use super::update_form::{UpdateDraft, UpdateForm, update_form};
use crate::http::authorized::Authorized;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::permission;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::state::AppState;
use crate::web::form::new_key;
use crate::web::frame::{Frame, Section};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::texts::count;

/// The query of the page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    /// Entries before this one, instead of the newest ones.
    before: Option<u64>,
    /// The entry that the form corrects.
    corrects: Option<u64>,
    /// `true` to verify a long chain.
    verify: bool,
    /// `true` if a declaration was added to this incident.
    matched: bool,
}

impl FromQuery for Shown {
    const PARAMETERS: &'static [QueryParameter] = &[
        QueryParameter::of::<u64>("before", "Entries before the one with this number."),
        QueryParameter::of::<u64>("corrects", "The entry that the form corrects."),
        QueryParameter::of::<bool>("verify", "If `true`, the whole chain is verified."),
        QueryParameter::of::<bool>("matched", "If `true`, a declaration was added to it."),
    ];
    const IS_PAGED: bool = false;

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let before = query.number("before")?;
        if before == Some(0) {
            return Err(ValidationError::new("before", "a number from 1 on").into());
        }
        Ok(Self {
            before,
            corrects: query.number("corrects")?,
            verify: query.flag("verify")?,
            matched: query.flag("matched")?,
        })
    }
}

#[derive(Template)]
#[template(path = "incident/show.html")]
struct IncidentPage<'a> {
    frame: Frame<'a>,
    texts: &'static IncidentTexts,
    entry_texts: &'static EntryTexts,
    incident: &'a Incident,
    base: String,
    head: HeadView,
    acts: Acts,
    is_matched: bool,
    acknowledge_key: String,
    is_acknowledge_main: bool,
    timeline: TimelineView,
    older: String,
    form: Option<UpdateForm>,
    due: DueView,
    impact: ImpactView,
    sla: Option<SlaView>,
    customers: Option<CustomerView>,
    work: &'static CoordinationTexts,
    notified: &'static NotifiedTexts,
    warnings: Vec<String>,
    people: Vec<NamedText>,
    raci: RaciView,
    checklists: Vec<ListView>,
    /// The form for ticks, if the person may tick.
    tick: Option<TickForm>,
    approvals: Vec<ApprovalView>,
    may_request: bool,
    facts: Vec<NamedText>,
    links: Vec<NamedLink>,
    related: Vec<RelatedIncident>,
    proof: ProofView,
    needs_post_mortem: bool,
}

/// Handles `GET /incidents/{id}`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized {
        context,
        target: id,
        ..
    }: Authorized<permission::Read, IncidentId>,
    Params(shown): Params<Shown>,
) -> WebResult {
    let draft = UpdateDraft::fresh(shown.corrects);
    page(&state, &reader, &context.caller, id, shown, draft.into()).await
}

/// The forms of the page as a person left them.
#[derive(Default)]
pub(super) struct PageDrafts {
    update: UpdateDraft,
    tick: TickDraft,
}

impl From<UpdateDraft> for PageDrafts {
    fn from(update: UpdateDraft) -> Self {
        Self {
            update,
            ..Self::default()
        }
    }
}

impl From<TickDraft> for PageDrafts {
    fn from(tick: TickDraft) -> Self {
        Self {
            tick,
            ..Self::default()
        }
    }
}

impl PageDrafts {
    /// Returns the status of the page that shows them.
    fn status(&self) -> StatusCode {
        let problem = self.update.problem.as_ref().or(self.tick.problem.as_ref());
        problem.map_or(StatusCode::OK, Problem::status)
    }
}

/// Renders the page, with its forms as a person left them.
///
/// # Errors
/// Returns 404 if there is no such incident. Fails if the store did not answer.
pub(super) async fn page(
    state: &Arc<AppState>,
    reader: &Reader,
    caller: &Caller,
    id: IncidentId,
    shown: Shown,
    drafts: PageDrafts,
) -> WebResult {
    let frame = Frame::of(state, reader, caller, Section::Incidents).with_main_button();
    let frame = frame.at(&format!("/incidents/{id}"));
    let frame = frame.following(state).await;
    let incident = state.incidents().get(id).await?;
    let acts = Acts::of(state, caller, &incident);
    let status = drafts.status();
    // What takes time runs at the same time. Boxed, so that the futures of other requests stay small.
    let (counted, sla, related, proof) = Box::pin(async {
        tokio::join!(
            figures(state, &incident),
            sla_view(state, &frame, &incident),
            related(state, &frame, &incident),
            ProofView::load(state, &frame, &incident, shown.verify),
        )
    })
    .await;
    let timeline = timeline(state, &frame, &incident, shown.before).await?;
    let customers = customers(state, &frame, &incident).await?;
    let mut form = match acts.update {
        true => Some(update_form(state, &frame, caller, &incident, drafts.update).await?),
        false => None,
    };
    // One button is the main one: that of a text that waits, then the acknowledgement.
    let is_previewed = form.as_ref().is_some_and(|form| form.preview.is_some());
    let is_acknowledge_main = acts.acknowledge && !is_previewed;
    if let Some(form) = &mut form {
        form.is_main = !is_acknowledge_main;
    }
    let texts = IncidentTexts::of(reader.language);
    let work = CoordinationTexts::of(reader.language);
    let policy = incident.policy(state.incidents().policy());
    let page = IncidentPage {
        texts,
        entry_texts: EntryTexts::of(reader.language),
        base: frame.link(&format!("/incidents/{id}")),
        head: HeadView::new(state, &frame, &incident),
        acts,
        is_matched: shown.matched,
        acknowledge_key: new_key(),
        is_acknowledge_main,
        older: count(reader.language, texts.older, timeline.older),
        timeline,
        form,
        due: DueView::new(state, &frame, &incident, acts),
        impact: ImpactView::new(&frame, &counted),
        sla,
        customers,
        work,
        notified: NotifiedTexts::of(reader.language),
        warnings: state
            .incidents()
            .warnings(&incident, frame.times.now)
            .iter()
            .filter_map(|one| work.warning(&frame, one))
            .collect(),
        people: people(&frame, &incident),
        raci: RaciView::of(reader.language),
        checklists: checklists(state, &frame, &incident, &drafts.tick),
        tick: acts.tick.then(|| TickForm::new(&frame, drafts.tick)),
        approvals: approvals(state, &frame, caller, &incident),
        may_request: may_request(state, caller, &incident),
        facts: facts(&frame, &incident),
        links: links(state, &frame, &incident),
        related,
        proof,
        needs_post_mortem: policy.post_mortem_required()
            && incident.post_mortem.is_none()
            && !incident.status.is_final(),
        incident: &incident,
        frame,
    };
    WebPage::render(status, &page)
}

/// Loads the card of the SLA, if there is SLA.
async fn sla_view(state: &AppState, frame: &Frame<'_>, incident: &Incident) -> Option<SlaView> {
    if !state.incidents().has_sla() {
        return None;
    }
    Some(SlaView::load(state, frame, incident).await)
}

/// Loads the card of what customers see, if there is a status page.
async fn customers(
    state: &AppState,
    frame: &Frame<'_>,
    incident: &Incident,
) -> Result<Option<CustomerView>, Problem> {
    if !frame.has_status_page {
        return Ok(None);
    }
    let public = public_side(state, incident).await?;
    Ok(Some(CustomerView::new(frame, incident, public.as_ref())))
}

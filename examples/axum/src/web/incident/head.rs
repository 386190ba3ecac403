//! The head of the page of an incident: what it is, how it stands, and what is wrong with its page.

use incident_core::incident::{Affected, Ending, Incident, Mode};
use incident_core::paging::{Paging, PagingState, TargetId};

use super::incident_texts::IncidentTexts;
use super::words::WordTexts;
use crate::http::escape::Html;
use crate::state::AppState;
use crate::web::countdown::Countdown;
use crate::web::frame::Frame;
use crate::web::texts::{count, number_of};

/// Number of tenants and services that the head names.
const NAMED: usize = 12;
/// Number of characters from which a title is long.
const LONG_TITLE: usize = 120;

/// The head.
pub(super) struct HeadView {
    /// Elapsed while it goes on, else its length.
    pub(super) elapsed: Option<Html>,
    pub(super) lasted: Option<String>,
    pub(super) due: Option<Countdown>,
    pub(super) tenants: String,
    pub(super) services: String,
    pub(super) page: String,
    pub(super) page_at: Option<Html>,
    pub(super) page_took: Option<String>,
    /// The last failure of the page, in the server's words.
    pub(super) page_error: Option<String>,
    /// Set if the title has the size of a smaller heading.
    pub(super) is_long: bool,
    /// The problems that need a person now.
    pub(super) alarms: Vec<&'static str>,
    pub(super) notes: Vec<String>,
    /// Address of the incident that goes on for this one.
    pub(super) goes_on: Option<String>,
}

impl HeadView {
    /// Creates the head of an incident.
    pub(super) fn new(state: &AppState, frame: &Frame<'_>, incident: &Incident) -> Self {
        let texts = IncidentTexts::of(frame.reader.language);
        let times = frame.times;
        let end = incident.over_at().or(incident.impact_ended_at);
        let is_live = incident.status.is_live();
        let paging = &incident.paging;
        let begun = paging.begun_at.zip(paging.accepted_at);
        let failed = matches!(paging.state, PagingState::Failing | PagingState::GivenUp);
        Self {
            is_long: incident.title.as_str().chars().count() > LONG_TITLE,
            elapsed: is_live.then(|| times.elapsed(&incident.started_at)),
            lasted: end.filter(|_| !is_live).map(|end| {
                let time = times.between(&incident.started_at, &end);
                frame.fill(texts.lasted, &[("time", &time)])
            }),
            due: incident
                .clocks
                .deadline
                .map(|deadline| Countdown::of_deadline(frame, deadline)),
            tenants: tenants(frame, texts, &incident.affected_tenants),
            services: services(frame, incident),
            page: page(frame, texts, paging),
            page_at: paging.accepted_at.map(|at| times.time(&at)),
            page_took: begun.map(|(from, to)| took(frame, texts, to.since(from).as_secs())),
            page_error: paging.error.clone().filter(|_| failed),
            alarms: alarms(texts, incident),
            notes: notes(state, frame, texts, incident),
            goes_on: match incident.ending {
                Some(Ending::MergedInto(into)) => Some(frame.link(&format!("/incidents/{into}"))),
                Some(Ending::Cancelled(_)) | None => None,
            },
        }
    }
}

fn tenants(frame: &Frame<'_>, texts: &IncidentTexts, affected: &Affected) -> String {
    let Affected::These(rows) = affected else {
        return frame.common.all_tenants.to_owned();
    };
    let mut names: Vec<&str> = rows.iter().map(|row| row.tenant_id.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return texts.no_tenants.to_owned();
    }
    frame.named(&names, NAMED, number_of(names.len()))
}

fn services(frame: &Frame<'_>, incident: &Incident) -> String {
    let services = incident.affected_services.iter();
    let names: Vec<&str> = services.map(|one| one.as_str()).collect();
    frame.named(&names, NAMED, number_of(names.len()))
}

fn page(frame: &Frame<'_>, texts: &IncidentTexts, paging: &Paging) -> String {
    let state = frame.paging(&paging.state);
    let target = paging.target.as_ref().map(TargetId::name);
    let text = match paging.state {
        PagingState::Accepted => texts.page_by,
        PagingState::Failing | PagingState::GivenUp => texts.page_tried,
        PagingState::None | PagingState::Pending | PagingState::Superseded => {
            return state.to_owned();
        }
    };
    match target {
        Some(target) => frame.fill(text, &[("state", state), ("target", target)]),
        None => state.to_owned(),
    }
}

fn took(frame: &Frame<'_>, texts: &IncidentTexts, seconds: u64) -> String {
    let time = match seconds {
        seconds if seconds < 120 => frame.fill(texts.seconds, &[("n", &seconds.to_string())]),
        seconds => frame
            .times
            .duration(std::time::Duration::from_secs(seconds)),
    };
    frame.fill(texts.page_took, &[("time", &time)])
}

fn alarms(texts: &IncidentTexts, incident: &Incident) -> Vec<&'static str> {
    let paging = &incident.paging;
    if !incident.status.is_live() {
        return Vec::new();
    }
    let is_open = !incident.is_acknowledged();
    let all = [
        (is_open && paging.is_unaccepted(), texts.page_overdue),
        (
            is_open && paging.unconfirmed_at.is_some(),
            texts.page_unconfirmed,
        ),
        (
            is_open && paging.closed_there_at.is_some(),
            texts.page_closed_there,
        ),
    ];
    let all = all.into_iter().filter(|(is_true, _)| *is_true);
    all.map(|(_, text)| text).collect()
}

fn notes(
    state: &AppState,
    frame: &Frame<'_>,
    texts: &IncidentTexts,
    incident: &Incident,
) -> Vec<String> {
    let runs_all = state.incidents().has_sla() && frame.has_status_page;
    let words = WordTexts::of(frame.reader.language);
    let mut notes = Vec::new();
    match incident.mode {
        Mode::Drill if !runs_all => notes.push(texts.drill_alone.to_owned()),
        Mode::Drill => notes.push(texts.drill_note.to_owned()),
        Mode::Retrospective => notes.push(texts.afterwards_note.to_owned()),
        Mode::Live => {}
    }
    if incident.paging.waits_behind.is_some() {
        notes.push(texts.page_grouped.to_owned());
    }
    match incident.ending {
        Some(Ending::Cancelled(reason)) => {
            let reason = words.cancel_reason(reason);
            notes.push(frame.fill(texts.cancelled_note, &[("reason", reason)]));
        }
        Some(Ending::MergedInto(_)) => notes.push(texts.merged_note.to_owned()),
        None => {}
    }
    if incident.repeats.count > 0 {
        notes.push(count(
            frame.reader.language,
            texts.repeats,
            incident.repeats.count,
        ));
    }
    notes
}

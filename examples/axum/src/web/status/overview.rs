//! The page of all incidents: what is wrong now, and the last fourteen days.

use askama::Template;
use askama::filters::Safe;
use incident_core::Timestamp;
use incident_core::status_page::{Indicator, PublicDay, PublicHistory};

use super::edition::Edition;
use super::incident_view::{IncidentView, Views};
use super::site::Site;
use super::status_texts::{StatusTexts, class, shape};
use crate::http::escape::Html;
use crate::web::common_texts::CommonTexts;
use crate::web::texts::{count, number_of};

#[derive(Template)]
#[template(path = "status/overview.html")]
struct StatusOverview<'a> {
    site: &'a Site,
    edition: Edition,
    common: &'static CommonTexts,
    texts: &'static StatusTexts,
    /// The way from the page to where the routes are mounted.
    root: &'static str,
    overall: &'static str,
    class: &'static str,
    shape: Html,
    live: Vec<IncidentView>,
    /// The sentence about live incidents besides the worst one.
    others: Option<String>,
    days: Vec<DayView>,
    omitted: Option<String>,
    changed: Html,
}

/// A day of the history.
struct DayView {
    date: Html,
    incidents: Vec<IncidentView>,
    /// The sentence about incidents of earlier days.
    went_on: Option<String>,
}

/// Renders the page of all incidents.
///
/// # Errors
/// Fails if the template does.
pub(super) fn render(
    site: &Site,
    edition: Edition,
    history: &PublicHistory,
    changed_at: Timestamp,
    now: Timestamp,
) -> askama::Result<String> {
    let views = Views::new(edition, now);
    let (texts, language) = (views.texts, edition.language);
    let live: Vec<IncidentView> = history
        .live()
        .map(|one| views.incident(one, true))
        .collect();
    let others = number_of(live.len().saturating_sub(1));
    let omitted = history.incidents_omitted;
    let indicator: Indicator = history.status.indicator;
    let days = history.days(now);
    StatusOverview {
        site,
        edition,
        common: CommonTexts::of(language),
        texts,
        root: "",
        overall: texts.overall(indicator),
        class: class(indicator),
        shape: Safe(shape(indicator)),
        others: (others > 0).then(|| count(language, texts.and_others, others)),
        live,
        days: days.iter().map(|day| day_view(&views, day)).collect(),
        omitted: (omitted > 0).then(|| count(language, texts.omitted, omitted)),
        changed: views.times.exact(&changed_at),
    }
    .render()
}

fn day_view(views: &Views, day: &PublicDay<'_>) -> DayView {
    let incidents = day.incidents.iter().map(|one| views.incident(one, true));
    let continued = number_of(day.continued);
    let sentence = || count(views.edition.language, views.texts.went_on, continued);
    DayView {
        date: views.times.day(&day.start),
        incidents: incidents.collect(),
        went_on: (continued > 0).then(sentence),
    }
}

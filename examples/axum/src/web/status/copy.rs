//! A copy of the public data, with its pages.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use askama::Template;
use incident_core::status_page::{HistoryIncident, PublicHistory};
use incident_core::{PublicId, Timestamp};

use super::edition::{EDITIONS, Edition};
use super::incident_view::{IncidentView, Views};
use super::overview;
use super::ready_page::ReadyPage;
use super::site::Site;
use super::status_texts::StatusTexts;
use crate::http::escape::Html;
use crate::web::common_texts::CommonTexts;

/// The pages of all editions, each rendered when it is first asked for.
type ReadyPages = [OnceLock<Option<Arc<ReadyPage>>>; EDITIONS];

/// The public data of the last days, with the page of all incidents and a page of each.
#[derive(Debug)]
pub(crate) struct StatusCopy {
    site: Arc<Site>,
    history: PublicHistory,
    /// Time of the last change of the content.
    changed_at: Timestamp,
    /// Time at which it was made. Its day is the last one of the history.
    made_at: Timestamp,
    pages: ReadyPages,
    incidents: BTreeMap<PublicId, IncidentCopy>,
}

/// An incident with its page.
#[derive(Debug)]
pub(super) struct IncidentCopy {
    site: Arc<Site>,
    incident: HistoryIncident,
    made_at: Timestamp,
    pages: ReadyPages,
}

#[derive(Template)]
#[template(path = "status/incident.html")]
struct PublicIncidentPage<'a> {
    site: &'a Site,
    edition: Edition,
    common: &'static CommonTexts,
    texts: &'static StatusTexts,
    root: &'static str,
    one: IncidentView,
    changed: Html,
}

impl StatusCopy {
    /// Creates a copy of the data. Content that has not changed keeps its time and its pages.
    pub(crate) fn of(
        site: Arc<Site>,
        history: PublicHistory,
        kept: Option<&Arc<Self>>,
        now: Timestamp,
    ) -> Arc<Self> {
        let same = |kept: &&Arc<Self>| {
            kept.history == history && kept.site == site && day(kept.made_at) == day(now)
        };
        if let Some(same) = kept.filter(same) {
            return Arc::clone(same);
        }
        let newest = history.incidents.iter().map(|one| one.incident.updated_at);
        let changed_at = last_change(newest.max(), kept.map(|kept| kept.changed_at), now);
        let incidents = history.incidents.iter().map(|one| {
            let copy = IncidentCopy::of(Arc::clone(&site), one.clone(), now);
            (one.incident.id, copy)
        });
        Arc::new(Self {
            incidents: incidents.collect(),
            site,
            history,
            changed_at,
            made_at: now,
            pages: ReadyPages::default(),
        })
    }

    /// Returns the page of all incidents; nothing if it could not be rendered.
    pub(super) fn page(&self, edition: Edition) -> Option<Arc<ReadyPage>> {
        ready(&self.pages, edition, || {
            let (changed, made) = (self.changed_at, self.made_at);
            overview::render(&self.site, edition, &self.history, changed, made)
        })
    }

    /// Returns an incident of the last days.
    pub(super) fn incident(&self, id: PublicId) -> Option<&IncidentCopy> {
        self.incidents.get(&id)
    }
}

impl IncidentCopy {
    /// Creates a copy of an incident.
    pub(super) fn of(site: Arc<Site>, incident: HistoryIncident, now: Timestamp) -> Self {
        Self {
            site,
            incident,
            made_at: now,
            pages: ReadyPages::default(),
        }
    }

    /// Returns its page; nothing if it could not be rendered.
    pub(super) fn page(&self, edition: Edition) -> Option<Arc<ReadyPage>> {
        ready(&self.pages, edition, || {
            let views = Views::new(edition, self.made_at);
            let page = PublicIncidentPage {
                site: &self.site,
                edition,
                common: CommonTexts::of(edition.language),
                texts: views.texts,
                root: "../../",
                one: views.incident(&self.incident, false),
                changed: views.times.exact(&self.incident.incident.updated_at),
            };
            page.render()
        })
    }
}

/// Returns the page of an edition, rendered if it is the first time.
fn ready(
    pages: &ReadyPages,
    edition: Edition,
    render: impl FnOnce() -> askama::Result<String>,
) -> Option<Arc<ReadyPage>> {
    let ready = pages.get(edition.index())?.get_or_init(|| match render() {
        Ok(html) => Some(Arc::new(ReadyPage::new(&html))),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            None
        }
    });
    ready.clone()
}

/// Returns the time of the last change of new content: the newest time it shows, if that explains
/// the change. Removed or withdrawn content leaves no time; then it is `now`.
pub(crate) fn last_change(
    newest: Option<Timestamp>,
    kept: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    newest
        .filter(|newest| kept.is_none_or(|kept| kept < *newest))
        .unwrap_or(now)
}

/// Returns the day of a time in UTC.
fn day(time: Timestamp) -> chrono::NaiveDate {
    time.to_chrono().date_naive()
}

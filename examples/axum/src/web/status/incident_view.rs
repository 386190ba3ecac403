//! An incident as the templates of the status page show it.

use incident_core::Timestamp;
use incident_core::status_page::{HistoryIncident, PublicUpdate};

use super::edition::Edition;
use super::status_texts::StatusTexts;
use crate::http::escape::Html;
use crate::web::texts::{count, fill};
use crate::web::times::Times;

/// Length from which an update is folded on the page of all incidents, in characters.
const FOLD_CHARS: usize = 300;
/// Length of what is left of a folded update, in characters.
const FOLDED_CHARS: usize = 280;

/// An update.
pub(in crate::web) struct UpdateView {
    pub(in crate::web) at: Html,
    pub(in crate::web) status: &'static str,
    pub(in crate::web) text: String,
    /// `true` if the rest of the text is on the page of the incident.
    pub(in crate::web) is_folded: bool,
    /// `true` if a person wrote the text, in a language that is not known.
    pub(in crate::web) is_written: bool,
}

/// An incident.
pub(in crate::web) struct IncidentView {
    /// The address of its page, relative to that of all incidents.
    pub(in crate::web) href: String,
    pub(in crate::web) title: String,
    pub(in crate::web) mark: Html,
    pub(in crate::web) class: &'static str,
    pub(in crate::web) status: &'static str,
    pub(in crate::web) services: Vec<String>,
    pub(in crate::web) started: Html,
    pub(in crate::web) ended: Option<Html>,
    pub(in crate::web) eta: Option<Html>,
    pub(in crate::web) updates: Vec<UpdateView>,
    /// The sentence about older updates that are left out.
    pub(in crate::web) older: Option<String>,
}

/// The language and the times of a view.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Views {
    pub(in crate::web) edition: Edition,
    pub(in crate::web) texts: &'static StatusTexts,
    pub(in crate::web) times: Times,
}

impl Views {
    /// Creates the views of an edition of a copy that was made at `now`.
    pub(in crate::web) const fn new(edition: Edition, now: Timestamp) -> Self {
        Self {
            edition,
            texts: StatusTexts::of(edition.language),
            times: Times {
                zone: incident_core::Zone::UTC,
                language: edition.language,
                now,
            },
        }
    }

    /// Returns the view of an incident. Long updates are folded if `is_folded`.
    pub(in crate::web) fn incident(&self, one: &HistoryIncident, is_folded: bool) -> IncidentView {
        let (incident, texts, times) = (&one.incident, self.texts, self.times);
        let services = incident.services.iter().map(ToString::to_string);
        let updates = incident.updates.iter();
        let older = incident.updates_omitted;
        IncidentView {
            href: format!("status/incidents/{}{}", incident.id, self.edition.query()),
            title: self.title(one),
            mark: texts.mark(incident.impact),
            class: super::status_texts::class(incident.impact),
            status: texts.name(incident.status),
            services: services.collect(),
            started: times.full(&incident.started_at),
            ended: one.ended_at.map(|end| times.full(&end)),
            eta: incident.eta.map(|eta| times.full(&eta)),
            updates: updates.map(|line| self.update(line, is_folded)).collect(),
            older: (older > 0).then(|| count(self.edition.language, texts.older, older)),
        }
    }

    /// Returns the title; the neutral one in the language of the edition.
    fn title(&self, one: &HistoryIncident) -> String {
        let incident = &one.incident;
        if !incident.has_standard_title {
            return incident.title.to_string();
        }
        let names: Vec<&str> = incident.services.iter().map(|name| name.as_str()).collect();
        match names.as_slice() {
            [] => self.texts.disruption.to_owned(),
            names => {
                let names = names.join(", ");
                fill(self.texts.disruption_of, &[("services", &names)])
            }
        }
    }

    fn update(&self, line: &PublicUpdate, is_folded: bool) -> UpdateView {
        let text = match line.standard {
            Some(standard) => self.texts.standard(standard),
            None => line.body.as_str(),
        };
        let folded = if is_folded { fold(text) } else { None };
        UpdateView {
            at: self.times.full(&line.at),
            status: self.texts.name(line.status),
            is_folded: folded.is_some(),
            is_written: line.standard.is_none(),
            text: folded.unwrap_or_else(|| text.to_owned()),
        }
    }
}

/// Returns the beginning of a text that is too long, with an ellipsis; cut between words if there
/// are any.
fn fold(text: &str) -> Option<String> {
    text.char_indices().nth(FOLD_CHARS)?;
    let (end, _) = text.char_indices().nth(FOLDED_CHARS)?;
    let start = text.get(..end)?;
    let whole_words = match start.rfind(char::is_whitespace) {
        // A text without spaces, or with few of them, is cut between characters.
        Some(space) if space * 2 > end => start.get(..space)?,
        Some(_) | None => start,
    };
    Some(format!("{} …", whole_words.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_folded_between_words() {
        assert_eq!(fold(&"é".repeat(300)), None);
        let folded = fold(&"é".repeat(301)).unwrap();
        assert_eq!(folded, format!("{} …", "é".repeat(280)));
        let words = "word ".repeat(80);
        let folded = fold(&words).unwrap();
        assert!(folded.ends_with("word …"), "{folded}");
        assert!(folded.chars().count() <= FOLDED_CHARS + 2);
        // One space at the beginning is no place to cut at.
        let folded = fold(&format!("a {}", "b".repeat(400))).unwrap();
        assert_eq!(folded.chars().count(), FOLDED_CHARS + 2);
    }
}

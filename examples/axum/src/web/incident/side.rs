//! The small cards of the page of an incident: people, facts, links.

use incident_core::incident::{Facts, Incident};

use super::due_view::is_fired;
use super::incident_texts::IncidentTexts;
use super::words::{WordTexts, value};
use crate::http::escape::Html;
use crate::state::AppState;
use crate::web::frame::Frame;

/// Facts that have a line each, in the order of the card; labels come after them.
const FACTS: [&str; 17] = [
    "symptom",
    "impact_text",
    "scope",
    "cause",
    "resolution",
    "next_steps",
    "data_loss",
    "data_leak",
    "customer_event_day",
    "users_hit_percent",
    "revenue_per_hour",
    "impact",
    "urgency",
    "failure_class",
    "channel",
    "vendor_reference",
    "post_mortem_at",
];

/// A line of a card: a name, and a text that people or the host wrote.
pub(super) struct NamedText {
    pub(super) name: String,
    pub(super) text: String,
    /// A time beside the text.
    pub(super) at: Option<Html>,
}

/// A link of a card.
#[derive(Debug)]
pub(super) struct NamedLink {
    pub(super) title: String,
    pub(super) url: String,
}

/// Returns the people at work: those with a role now, the responder, and who acknowledged it.
pub(super) fn people(frame: &Frame<'_>, incident: &Incident) -> Vec<NamedText> {
    let language = frame.reader.language;
    let (texts, words) = (IncidentTexts::of(language), WordTexts::of(language));
    let line = |name: &str, text: &str, at: Option<Html>| NamedText {
        name: name.to_owned(),
        text: text.to_owned(),
        at,
    };
    let current = incident
        .roles
        .iter()
        .filter(|one| one.renounced_at.is_none());
    let mut lines: Vec<NamedText> = current
        .map(|one| {
            let since = frame.times.time(&one.assumed_at);
            line(
                words.response_role(one.role),
                one.person.as_str(),
                Some(since),
            )
        })
        .collect();
    if let Some(responder) = &incident.responder {
        lines.push(line(texts.responder, responder.as_str(), None));
    }
    if let Some(by) = &incident.acknowledged_by {
        let at = incident.acknowledged_at.map(|at| frame.times.time(&at));
        lines.push(line(texts.acknowledged_by, by.as_str(), at));
    }
    // What a rule did stands with what is due.
    let by_people = incident
        .escalations
        .iter()
        .filter(|one| !is_fired(incident, one));
    for escalation in by_people {
        let state = frame.paging(&escalation.paging.state);
        let by = format!("{}, {state}", escalation.requested_by);
        let at = frame.times.time(&escalation.requested_at);
        lines.push(line(escalation.rule.as_str(), &by, Some(at)));
    }
    lines
}

/// Returns the facts that are known, each with its name.
pub(super) fn facts(frame: &Frame<'_>, incident: &Incident) -> Vec<NamedText> {
    let words = WordTexts::of(frame.reader.language);
    let Facts { labels, .. } = &incident.facts;
    let all = serde_json::to_value(&incident.facts).unwrap_or_default();
    let known = FACTS.iter().filter_map(|name| {
        let fact = all.get(name).filter(|fact| !fact.is_null())?;
        let since = match *name {
            "data_loss" => incident.data_loss_confirmed_at,
            "data_leak" => incident.data_leak_suspected_at,
            _ => None,
        };
        let text = value(frame, name, fact);
        Some(NamedText {
            name: words.field(name).to_owned(),
            text: match since {
                Some(_) => format!("{text}, {}", words.since),
                None => text,
            },
            at: since.map(|at| frame.times.time(&at)),
        })
    });
    let notified = [
        (
            words.users_notified,
            incident.affected_users_notified_at,
            &incident.affected_users_notified_by,
        ),
        (
            words.authority_notified,
            incident.authority_notified_at,
            &incident.authority_notified_by,
        ),
    ];
    let notified = notified.into_iter().filter_map(|(name, at, by)| {
        at.map(|at| NamedText {
            name: name.to_owned(),
            text: by.as_ref().map(ToString::to_string).unwrap_or_default(),
            at: Some(frame.times.time(&at)),
        })
    });
    let priority = incident.priority().map(|priority| {
        let name = priority.name();
        NamedText {
            name: words.priority.to_owned(),
            text: match incident.priority_override {
                Some(_) => frame.fill(words.priority_set, &[("priority", name)]),
                None => name.to_owned(),
            },
            at: None,
        }
    });
    let labels = labels.iter().map(|(name, text)| NamedText {
        name: name.to_string(),
        text: text.to_string(),
        at: None,
    });
    priority
        .into_iter()
        .chain(known)
        .chain(notified)
        .chain(labels)
        .collect()
}

/// Returns the configured links of an incident, then its call, its ticket and its post-mortem.
pub(super) fn links(state: &AppState, frame: &Frame<'_>, incident: &Incident) -> Vec<NamedLink> {
    let texts = IncidentTexts::of(frame.reader.language);
    let services = &incident.affected_services;
    let configured = state
        .links()
        .configured()
        .map(|(title, template)| NamedLink {
            title: title.to_owned(),
            url: template.fill(incident.id, incident.started_at, services),
        });
    let post_mortem = incident.post_mortem.as_ref().map(|one| &one.url);
    let own = [
        (texts.bridge, incident.facts.bridge_url.as_ref()),
        (texts.ticket, incident.tracker_url.as_ref()),
        (texts.post_mortem_link, post_mortem),
    ];
    let own = own.into_iter().filter_map(|(title, url)| {
        Some(NamedLink {
            title: title.to_owned(),
            url: url?.to_string(),
        })
    });
    configured.chain(own).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fact_of_an_incident_has_a_line() {
        let all = serde_json::to_value(Facts::default()).unwrap();
        let all = all.as_object().unwrap().keys().map(String::as_str);
        // The address of the call is a link.
        let shown = FACTS.into_iter().chain(["labels", "bridge_url"]);
        assert_eq!(all.collect::<BTreeSet<_>>(), shown.collect());
    }
}

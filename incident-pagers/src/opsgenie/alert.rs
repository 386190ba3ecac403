//! Request bodies of the Alerts API v2.

use std::collections::{BTreeMap, BTreeSet};

use incident_core::incident::Mode;
use incident_core::paging::PageEvent;
use serde::Serialize;
use serde_json::Value;

use super::{OpsGeniePriority, Responder};
use crate::content;
use crate::content::template::{LEFT_OUT, PageTemplate, filled};
use crate::content::truncate;

/// Maximum length of a message, in characters. This and the following limits are the vendor's.
const MESSAGE: usize = 130;
const ALIAS: usize = 512;
const DESCRIPTION: usize = 15_000;
const ENTITY: usize = 512;
const SOURCE: usize = 100;
const USER: usize = 100;
pub(super) const NOTE: usize = 25_000;
const TAG: usize = 50;
/// Maximum number of tags.
const TAGS: usize = 20;
/// Maximum length of all details together, names and values, in characters.
const DETAILS: usize = 8_000;
/// Maximum length of the services among the details, in characters. [`MARK`] is reserved for the
/// detail that says how many others were left out.
const SERVICES: usize = 1_000;
const MARK: usize = 100;
/// Maximum length of the links in the description, in characters; the incident's texts get the
/// rest.
const LINKS: usize = 6_000;

/// Returns the alias that names an alert in every call: its key, shortened if it is too long.
pub(super) fn alias(dedup_key: &str) -> String {
    truncate::key(dedup_key, ALIAS)
}

/// The body of a create.
#[derive(Serialize)]
pub(super) struct CreateAlert<'a> {
    message: String,
    alias: String,
    description: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    responders: &'a [Responder],
    tags: Vec<String>,
    details: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<String>,
    priority: OpsGeniePriority,
    #[serde(flatten)]
    who: ResponderName,
}

/// The sender of a request, part of most bodies.
#[derive(Serialize)]
struct ResponderName {
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

/// The body of an acknowledge, a close and a note.
#[derive(Serialize)]
pub(super) struct Act {
    note: String,
    #[serde(flatten)]
    who: ResponderName,
}

/// The body of a change of priority.
#[derive(Serialize)]
pub(super) struct SetPriority {
    pub(super) priority: OpsGeniePriority,
}

impl<'a> CreateAlert<'a> {
    pub(super) fn of(
        page: &PageEvent,
        priority: OpsGeniePriority,
        responders: &'a [Responder],
        template: &PageTemplate,
    ) -> Self {
        Self {
            message: content::headline(page, MESSAGE),
            alias: alias(&page.dedup_key),
            description: description(page, template),
            responders,
            tags: tags(page),
            details: details(page, template),
            entity: content::services(page, ENTITY),
            priority,
            who: ResponderName::of(&template.source_of(page), template),
        }
    }
}

/// The minimal body of a create.
///
/// It has no responders: an unknown one may be the reason why the full body was refused, and the
/// integration has its own.
#[derive(Serialize)]
pub(super) struct Bare {
    message: String,
    alias: String,
    priority: OpsGeniePriority,
}

impl Bare {
    pub(super) fn of(page: &PageEvent, priority: OpsGeniePriority) -> Self {
        Self {
            message: content::bare_headline(page),
            alias: alias(&page.dedup_key),
            priority,
        }
    }
}

impl Act {
    /// Creates a body whose note says what happened to the incident.
    pub(super) fn of(page: &PageEvent, what: &str, template: &PageTemplate) -> Self {
        let note = format!("Incident #{} {what} at {}", page.number, page.occurred_at);
        Self {
            note,
            who: ResponderName::of(&template.source_of(page), template),
        }
    }

    /// Creates a body with a note of the host's.
    pub(super) fn saying(note: &str, template: &PageTemplate) -> Self {
        let source = template.source.as_deref().unwrap_or("incident");
        Self {
            note: truncate::multi_line(note, NOTE),
            who: ResponderName::of(source, template),
        }
    }
}

impl ResponderName {
    fn of(source: &str, template: &PageTemplate) -> Self {
        let user = template.client.as_deref();
        Self {
            source: truncate::single_line(source, SOURCE),
            user: user.map(|user| truncate::single_line(user, USER)),
        }
    }
}

/// Returns the summary, the facts and the links: OpsGenie has no field for links.
fn description(page: &PageEvent, template: &PageTemplate) -> String {
    let mut lines = facts(page);
    let client = template.client.as_deref().unwrap_or("Incident");
    let console = template.client_url_of(page);
    let console = console.map(|url| format!("{client}: {url}"));
    let links = template.links.iter();
    let links = links.map(|(text, link)| format!("{text}: {}", filled(link, page)));
    let links = console.into_iter().chain(links);
    let cost = |line: &String| line.chars().count() + 1;
    lines.extend(truncate::take_within(LINKS, links, cost).0);
    let facts = lines.join("\n");
    let room = DESCRIPTION.saturating_sub(facts.chars().count() + 2);
    let summary = truncate::multi_line(page.summary.as_str(), room);
    if summary.is_empty() {
        facts
    } else {
        format!("{summary}\n\n{facts}")
    }
}

fn facts(page: &PageEvent) -> Vec<String> {
    let urgency = content::urgency(page);
    let mut lines = vec![format!(
        "Incident #{}, {}, {urgency} urgency, page {}",
        page.number, page.severity, page.epoch
    )];
    lines.extend(content::services(page, SERVICES).map(|names| format!("Services: {names}")));
    lines.push(match page.tenants {
        Some(tenants) => format!("Affected tenants: {tenants}"),
        None => "Affected tenants: all".to_owned(),
    });
    lines.push(format!("Environment: {}", page.environment));
    lines.push(format!("Started: {}", page.started_at));
    lines
}

fn tags(page: &PageEvent) -> Vec<String> {
    let drill = matches!(page.mode, Mode::Drill).then_some("drill");
    let first = [page.severity.name(), page.environment.as_str()];
    let services = page.services.iter().map(AsRef::as_ref);
    let all = first.into_iter().chain(drill).chain(services);
    let mut seen = BTreeSet::new();
    all.map(|tag| truncate::single_line(tag, TAG))
        .filter(|tag| !truncate::is_blank(tag) && seen.insert(tag.clone()))
        .take(TAGS)
        .collect()
}

/// Returns the details as strings: OpsGenie answers 422 to any other value.
fn details(page: &PageEvent, template: &PageTemplate) -> BTreeMap<String, String> {
    let mut details: BTreeMap<String, String> = content::key_details(page)
        .into_iter()
        .map(|(name, value)| (name, plain(&value)))
        .collect();
    if let Some(services) = content::services(page, SERVICES) {
        details.insert("services".to_owned(), services);
    }
    let cost = |(name, value): &(&String, &String)| name.chars().count() + value.chars().count();
    let used: usize = details.iter().map(|detail| cost(&detail)).sum();
    let room = DETAILS.saturating_sub(used + MARK);
    let (kept, left_out) = truncate::take_within(room, &template.details, cost);
    details.extend(
        kept.into_iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    if left_out > 0 {
        let mark = format!("{left_out} details: too long for OpsGenie");
        details.insert(LEFT_OUT.to_owned(), mark);
    }
    details
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use incident_core::paging::PageAction;
    use incident_core::testing::a_page;
    use incident_core::{LinkTemplate, Text, Title};

    use super::*;

    fn of(page: &PageEvent, template: &PageTemplate) -> Value {
        let responders = [];
        serde_json::to_value(CreateAlert::of(
            page,
            OpsGeniePriority::P1,
            &responders,
            template,
        ))
        .unwrap()
    }

    fn chars(value: &Value) -> usize {
        value.as_str().unwrap().chars().count()
    }

    #[test]
    fn the_worst_page_of_all_fits_and_the_key_fields_survive() {
        let mut page = a_page(PageAction::Trigger);
        page.title = Title::new(&"\u{1f469}".repeat(500)).unwrap();
        page.summary = Text::new(&"x".repeat(16 * 1024)).unwrap();
        page.services = (0..2_000)
            .map(|n| format!("{n}-{}", "s".repeat(150)).parse().unwrap())
            .collect();
        page.environment = "e".repeat(200).parse().unwrap();
        page.dedup_key = "k".repeat(10_000);
        let link = LinkTemplate::new(&format!("https://x.example/{}", "l".repeat(1_500))).unwrap();
        let template = (0..20).fold(PageTemplate::default(), |all, n| {
            all.link("map", link.clone())
                .unwrap()
                .detail(&format!("detail-{n}"), &"é".repeat(1_000))
                .unwrap()
        });
        let body = of(&page, &template);
        assert_eq!(chars(&body["message"]), MESSAGE);
        assert_eq!(chars(&body["alias"]), ALIAS);
        assert_eq!(chars(&body["entity"]), ENTITY);
        assert_eq!(chars(&body["description"]), DESCRIPTION);
        assert!(
            body["description"]
                .as_str()
                .unwrap()
                .contains("\n\nIncident #1, SEV2, ")
        );
        let tags = body["tags"].as_array().unwrap();
        assert!(tags.len() == TAGS && tags.iter().all(|tag| chars(tag) <= TAG));
        let details = body["details"].as_object().unwrap();
        let total: usize = details
            .iter()
            .map(|(k, v)| k.chars().count() + chars(v))
            .sum();
        assert!((DETAILS - 1_200..=DETAILS).contains(&total), "{total}");
        for (name, value) in content::key_details(&page) {
            assert_eq!(details[&name], plain(&value));
        }
        assert!(
            details[LEFT_OUT]
                .as_str()
                .unwrap()
                .ends_with("too long for OpsGenie")
        );
    }

    #[test]
    fn a_note_is_cut_and_has_no_control_characters() {
        let note = format!("a\u{1b}b{}", "n".repeat(30_000));
        let body = serde_json::to_value(Act::saying(&note, &PageTemplate::default())).unwrap();
        assert_eq!(chars(&body["note"]), NOTE);
        assert!(body["note"].as_str().unwrap().starts_with("abn"));
    }
}

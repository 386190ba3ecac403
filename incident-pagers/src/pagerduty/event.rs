//! Request bodies of the Events API v2.

use incident_core::paging::{PageAction, PageEvent};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::PagerDutySeverity;
use crate::content;
use crate::content::template::{LEFT_OUT, PageTemplate, filled};
use crate::content::truncate;

/// Maximum length of a summary, in characters; PagerDuty answers 400 to a longer one.
const SUMMARY: usize = 1024;
/// Maximum length of a `dedup_key`, in characters.
const DEDUP_KEY: usize = 255;
/// Maximum length of a component, in characters. The vendor states none; this one fits its lists.
const COMPONENT: usize = 255;
/// Maximum size of a body, in bytes. The vendor says 512 KB; Alertmanager and Grafana read that as
/// 512,000.
const BODY_BYTES: usize = 512_000;
/// Maximum length of the incident's summary among the details, in characters.
const DETAIL: usize = 16 * 1024;
/// Maximum number of services among the details.
const SERVICES: usize = 100;
/// Maximum length of a link, in bytes. A longer one is left out: half a link leads nowhere.
const LINK: usize = 2048;
/// Bytes reserved for the detail that says how many others were left out.
const MARK: usize = 100;

/// An event. The fields after the key are set for a trigger only.
#[derive(Default, Serialize)]
struct EventBody<'a> {
    routing_key: &'a str,
    event_action: &'static str,
    dedup_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<EventPayload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<EventLink<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image<'a>>,
}

#[derive(Serialize)]
struct EventPayload {
    summary: String,
    source: String,
    severity: PagerDutySeverity,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<String>,
    group: String,
    class: &'static str,
    custom_details: Map<String, Value>,
}

#[derive(Serialize)]
struct EventLink<'a> {
    href: String,
    text: &'a str,
}

#[derive(Serialize)]
struct Image<'a> {
    src: String,
    alt: &'a str,
}

/// Builds the body for a page. The same page always gives the same bytes.
///
/// Acknowledge and resolve carry only the routing key, the action and the `dedup_key`.
///
/// # Errors
/// Fails for [`PageAction::Reprioritise`], which PagerDuty has no event for.
pub(super) fn body(
    routing_key: &str,
    page: &PageEvent,
    severity: PagerDutySeverity,
    template: &PageTemplate,
) -> serde_json::Result<Vec<u8>> {
    let event_action = match page.action {
        PageAction::Trigger => "trigger",
        PageAction::Acknowledge => "acknowledge",
        PageAction::Resolve => "resolve",
        // A trigger might change the severity of an open alert, but would wake people if it is
        // closed.
        PageAction::Reprioritise => {
            return Err(serde::ser::Error::custom(
                "PagerDuty has no event for this action",
            ));
        }
    };
    let mut event = EventBody {
        routing_key,
        event_action,
        dedup_key: truncate::key(&page.dedup_key, DEDUP_KEY),
        ..EventBody::default()
    };
    if page.action == PageAction::Trigger {
        event.describe(page, severity, template);
    }
    // All other fields are bounded far below the limit.
    let used = serde_json::to_vec(&event)?.len() + MARK;
    if let Some(payload) = &mut event.payload {
        let room = BODY_BYTES.saturating_sub(used);
        add_own_details(&mut payload.custom_details, template, room);
    }
    serde_json::to_vec(&event)
}

/// Builds the minimal body of a trigger.
pub(super) fn bare(
    routing_key: &str,
    page: &PageEvent,
    severity: PagerDutySeverity,
) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": truncate::key(&page.dedup_key, DEDUP_KEY),
        "payload": {
            "summary": content::bare_headline(page),
            "source": "incident",
            "severity": severity,
        },
    }))
}

impl<'a> EventBody<'a> {
    /// Adds the fields of a trigger.
    fn describe(
        &mut self,
        page: &PageEvent,
        severity: PagerDutySeverity,
        template: &'a PageTemplate,
    ) {
        self.payload = Some(EventPayload {
            summary: content::headline(page, SUMMARY),
            source: template.source_of(page),
            severity,
            timestamp: page.occurred_at.to_string(),
            component: content::services(page, COMPONENT),
            group: page.environment.to_string(),
            class: content::class(page),
            custom_details: details(page),
        });
        self.client = template.client.as_deref();
        let client_url = template.client_url_of(page);
        self.client_url = client_url.filter(|url| url.len() <= LINK);
        let links = template.links.iter().map(|(text, link)| EventLink {
            href: filled(link, page),
            text,
        });
        self.links = links.filter(|link| link.href.len() <= LINK).collect();
        let images = template.images.iter().map(|(alt, link)| Image {
            src: filled(link, page),
            alt,
        });
        self.images = images.filter(|image| image.src.len() <= LINK).collect();
    }
}

fn details(page: &PageEvent) -> Map<String, Value> {
    let mut details = content::key_details(page);
    let services: Vec<&str> = page.services.iter().map(AsRef::as_ref).collect();
    let shown = services.get(..SERVICES).unwrap_or(&services);
    details.insert("services".to_owned(), shown.into());
    let summary = truncate::multi_line(page.summary.as_str(), DETAIL);
    if !summary.is_empty() {
        details.insert("summary".to_owned(), summary.into());
    }
    details
}

/// Adds the host's details, as far as they fit into `room` bytes.
fn add_own_details(details: &mut Map<String, Value>, template: &PageTemplate, room: usize) {
    // Two strings with a colon and a comma. A character takes up to six bytes in JSON, so the
    // exact length is that of the serialized text.
    let cost = |(name, value): &(&String, &String)| json_bytes(name) + json_bytes(value) + 2;
    let (kept, left_out) = truncate::take_within(room, &template.details, cost);
    for (name, value) in kept {
        details.insert(name.clone(), value.as_str().into());
    }
    if left_out > 0 {
        let mark = format!("{left_out} details: too long for PagerDuty");
        details.insert(LEFT_OUT.to_owned(), mark.into());
    }
}

fn json_bytes(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX / 4, |json| json.len())
}

#[cfg(test)]
mod tests {
    use incident_core::testing::a_page;
    use incident_core::{Text, Title};

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn of(page: &PageEvent, template: &PageTemplate) -> (Value, usize) {
        let bytes = body(KEY, page, PagerDutySeverity::Critical, template).unwrap();
        (serde_json::from_slice(&bytes).unwrap(), bytes.len())
    }

    #[test]
    fn a_body_that_is_too_long_loses_the_hosts_details_first() {
        let template = (0..60).fold(PageTemplate::default(), |template, n| {
            // Each takes six bytes per character in JSON.
            let long = "\u{1}".repeat(10_000);
            template.detail(&format!("detail-{n:02}"), &long).unwrap()
        });
        let template = template.detail("zz-small", "kept").unwrap();
        let page = a_page(PageAction::Trigger);
        let (body, bytes) = of(&page, &template);
        assert!((440_000..=BODY_BYTES).contains(&bytes), "{bytes}");
        let details = &body["payload"]["custom_details"];
        for (name, value) in content::key_details(&page) {
            assert_eq!(details[&name], value);
        }
        assert_eq!(details["zz-small"], "kept");
        assert_eq!(details[LEFT_OUT], "52 details: too long for PagerDuty");
    }

    #[test]
    fn the_worst_page_of_all_fits() {
        let mut page = a_page(PageAction::Trigger);
        page.title = Title::new(&"\u{1f469}".repeat(500)).unwrap();
        page.summary = Text::new(&"\u{7f}".repeat(16 * 1024)).unwrap();
        let long = "\"".repeat(200);
        page.services = (0..2_000)
            .map(|n| format!("{n:04}{}", &long[4..]).parse().unwrap())
            .collect();
        page.environment = long.parse().unwrap();
        page.dedup_key = "k".repeat(10_000);
        let link = incident_core::LinkTemplate::new("https://x.example/?s={services}").unwrap();
        let template = (0..20).fold(
            PageTemplate::default().client_url(link.clone()),
            |all, _| {
                all.link("map", link.clone())
                    .unwrap()
                    .image("graph", link.clone())
                    .unwrap()
            },
        );
        let (body, bytes) = of(&page, &template.detail("mine", "kept").unwrap());
        assert!(bytes <= BODY_BYTES, "{bytes}");
        assert_eq!(body["payload"]["custom_details"]["mine"], "kept");
        assert_eq!(body["dedup_key"].as_str().unwrap().chars().count(), 255);
        assert!(body.get("links").is_none() && body.get("client_url").is_none());
    }
}

//! Every byte sent to a vendor: snapshots, the vendors' own schemas and limits, and texts that are
//! hard to cut.

use std::path::PathBuf;

use incident_core::incident::{Mode, Severity};
use incident_core::paging::{PageAction, PageEvent, Urgency};
use incident_core::port::Pager;
use incident_core::testing::a_page;
use incident_core::{LinkTemplate, Text, Title};
use incident_pagers::testing::MockVendor;
use incident_pagers::{ApiKey, OpsGenie, OpsGeniePriority, PageTemplate, Responder, ResponderKind};
use serde_json::{Value, json};

use crate::vendors::{API_KEY, WITHIN, opsgenie_with, pagerduty_with};

const ACTIONS: [PageAction; 3] = [
    PageAction::Trigger,
    PageAction::Acknowledge,
    PageAction::Resolve,
];

fn template() -> PageTemplate {
    let link = |url| LinkTemplate::new(url).unwrap();
    PageTemplate::default()
        .source("petanque.life")
        .unwrap()
        .client("Petanque Life console")
        .unwrap()
        .client_url(link("https://console.example/incidents/{id}"))
        .link(
            "System map",
            link("https://dashboard.example/map?from={from}&on={services}"),
        )
        .unwrap()
        .image("Errors per minute", link("https://graphs.example/{id}.png"))
        .unwrap()
        .detail("region", "eu-west")
        .unwrap()
}

/// Returns the request that each vendor got for a page: method, path and body.
async fn sent(page: &PageEvent, template: &PageTemplate) -> [Value; 2] {
    let (first, second) = (
        MockVendor::pagerduty().await.unwrap(),
        MockVendor::opsgenie().await.unwrap(),
    );
    let pagers: [&dyn Pager; 2] = [
        &pagerduty_with(&first, template.clone()),
        &opsgenie_with(&second, template.clone()),
    ];
    for pager in pagers {
        pager.send(page, WITHIN).await;
    }
    [&first, &second].map(|vendor| {
        let seen = vendor.requests().remove(0);
        assert_eq!(
            seen.status,
            Some(202),
            "{}",
            String::from_utf8_lossy(&seen.body)
        );
        assert_eq!(seen.header("content-type"), Some("application/json"));
        json!({"call": format!("{} {}", seen.method, seen.target), "body": seen.json()})
    })
}

#[tokio::test]
async fn every_body_is_as_it_was() {
    for action in ACTIONS {
        let [pagerduty, opsgenie] = sent(&a_page(action), &template()).await;
        insta::assert_json_snapshot!(format!("pagerduty_{}", action.noun()), pagerduty);
        insta::assert_json_snapshot!(format!("opsgenie_{}", action.noun()), opsgenie);
    }
    let vendor = MockVendor::opsgenie().await.unwrap();
    let pager = opsgenie_with(&vendor, template());
    let key = a_page(PageAction::Trigger).dedup_key;
    pager.note(&key, "rolled back", WITHIN).await;
    pager.set_priority(&key, OpsGeniePriority::P1, WITHIN).await;
    for (name, seen) in ["note", "priority"].into_iter().zip(vendor.requests()) {
        let call = format!("{} {}", seen.method, seen.target);
        let told = json!({"call": call, "body": seen.json()});
        insta::assert_json_snapshot!(format!("opsgenie_{name}"), told);
    }
    assert!(
        vendor
            .requests()
            .iter()
            .all(|seen| { seen.header("authorization") == Some(&format!("GenieKey {API_KEY}")) })
    );
}

/// A retry sends the same bytes.
#[tokio::test]
async fn every_attempt_sends_the_same_bytes() {
    let vendor = MockVendor::pagerduty().await.unwrap();
    let pager = pagerduty_with(&vendor, template());
    for _ in 0..3 {
        pager.send(&a_page(PageAction::Trigger), WITHIN).await;
    }
    let bodies: Vec<_> = vendor
        .requests()
        .into_iter()
        .map(|seen| seen.body)
        .collect();
    assert!(bodies.windows(2).all(|two| two[0] == two[1]));
}

/// Returns pages of every kind: plain, longest, odd, empty.
fn pages() -> Vec<PageEvent> {
    let plain = a_page(PageAction::Trigger);
    let titled = |title: &str| PageEvent {
        // A store may hold a title without a visible character, which new ones are refused for.
        title: Title::stored(title).unwrap(),
        summary: Text::new(&title.repeat(16 * 1024 / title.len())).unwrap(),
        ..plain.clone()
    };
    let mut pages = vec![
        plain.clone(),
        titled(&"e\u{301}".repeat(250)),
        titled(&"👩‍👩‍👧‍👦".repeat(70)),
        titled(&"🇫🇷".repeat(250)),
        titled(&"השירות אינו זמין ".repeat(25)),
        titled(&"مرحبا ".repeat(80)),
        titled("\u{200b}"),
        titled("\u{7}\u{1b}[31m"),
        titled("line\r\none\u{85}two"),
        titled("\"quotes\" and \\ and \u{2028}"),
        PageEvent {
            mode: Mode::Drill,
            services: Vec::new(),
            tenants: None,
            summary: Text::new("").unwrap(),
            ..plain.clone()
        },
        PageEvent {
            services: (0..1_000)
                .map(|n| format!("service {n} \"é\"").parse().unwrap())
                .collect(),
            ..plain.clone()
        },
    ];
    for severity in [Severity::Sev1, Severity::Sev3, Severity::Sev4] {
        pages.push(PageEvent {
            severity,
            urgency: Urgency::Low,
            ..plain.clone()
        });
    }
    let others = pages.clone().into_iter().flat_map(|page| {
        [PageAction::Acknowledge, PageAction::Resolve].map(|action| PageEvent {
            action,
            ..page.clone()
        })
    });
    let others: Vec<_> = others.collect();
    pages.extend(others);
    pages
}

#[tokio::test]
async fn texts_are_cut_between_characters_and_never_empty() {
    for page in pages()
        .iter()
        .filter(|page| page.action == PageAction::Trigger)
    {
        let [pagerduty, opsgenie] = sent(page, &template()).await;
        for (text, most) in [
            (&pagerduty["body"]["payload"]["summary"], 1024),
            (&opsgenie["body"]["message"], 130),
        ] {
            let text = text.as_str().unwrap();
            assert!(text.chars().count() <= most && !text.chars().any(char::is_control));
            let words = text.rsplit("] ").next().unwrap();
            assert!(
                words.chars().any(char::is_alphanumeric) || words.len() > 10,
                "{text:?}"
            );
            assert!(
                !text.ends_with('\u{200d}') && !text.contains("\u{200d}…"),
                "{text}"
            );
        }
        for name in ["incident_id", "number", "severity", "started_at"] {
            assert!(!pagerduty["body"]["payload"]["custom_details"][name].is_null());
            assert!(opsgenie["body"]["details"][name].is_string());
        }
    }
    let [_, opsgenie] = sent(&pages()[2], &template()).await;
    // 7 code points of severity, 17 families of 7 code points, and the mark: no family is split.
    let expected = format!("[SEV2] {}…", "👩‍👩‍👧‍👦".repeat(17));
    assert_eq!(opsgenie["body"]["message"], expected);
    let [pagerduty, _] = sent(&pages()[6], &template()).await;
    assert_eq!(
        pagerduty["body"]["payload"]["summary"],
        "[SEV2] Incident #1 (no title)"
    );
}

/// Reads a file of vendor schemas. Prints that the test is skipped and returns `None` if it is not
/// on this machine.
pub(crate) fn schema(name: &str) -> Option<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/schemas/paging");
    match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            eprintln!("skipped: the vendors' schemas (`{name}`) are not on this machine");
            None
        }
    }
}

/// Builds a validator for the schema at a place of a file, which refuses members that it does not
/// name.
fn strict(mut file: Value, place: &str) -> jsonschema::Validator {
    let root = file.as_object_mut().unwrap();
    root.insert("$ref".to_owned(), place.into());
    root.insert("unevaluatedProperties".to_owned(), false.into());
    jsonschema::draft202012::new(&file).unwrap()
}

fn must_fit(validator: &jsonschema::Validator, body: &Value) {
    let errors: Vec<String> = validator.iter_errors(body).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}: {body}");
}

#[tokio::test]
async fn every_body_validates_against_the_vendors_schemas() {
    let (Some(events), Some(alerts)) = (
        schema("pagerduty-events-v2.openapi.json"),
        schema("opsgenie-alerts.subset.swagger.json"),
    ) else {
        return;
    };
    let event = strict(
        events.clone(),
        "#/paths/~1enqueue/post/requestBody/content/application~1json/schema",
    );
    let payload = strict(events, "#/components/schemas/Payload");
    let of = |name: &str| strict(alerts.clone(), &format!("#/definitions/{name}"));
    let by_action = [
        of("CreateAlertPayload"),
        of("AcknowledgeAlertPayload"),
        of("CloseAlertPayload"),
    ];
    // Bodies that must not validate, to show that the schemas reject something.
    assert!(!event.is_valid(&json!({"routing_key": "x"})));
    assert!(!payload.is_valid(&json!({"summary": "s", "source": "s", "severity": "SEV1"})));
    assert!(!by_action[0].is_valid(&json!({"message": "m", "details": {"n": 1}})));
    assert!(!by_action[1].is_valid(&json!({"nonsense": 1})));
    for page in pages() {
        let [pagerduty, opsgenie] = sent(&page, &template()).await;
        must_fit(&event, &pagerduty["body"]);
        if page.action == PageAction::Trigger {
            must_fit(&payload, &pagerduty["body"]["payload"]);
        }
        let place = ACTIONS
            .iter()
            .position(|action| *action == page.action)
            .unwrap();
        must_fit(&by_action[place], &opsgenie["body"]);
    }
    let vendor = MockVendor::opsgenie().await.unwrap();
    let pager = OpsGenie::builder(ApiKey::new(API_KEY).unwrap())
        .base_url(vendor.base_url())
        .responder(Responder::by_id(ResponderKind::Team, "4513b7ea").unwrap())
        .build()
        .unwrap();
    let page = a_page(PageAction::Trigger);
    pager.send(&page, WITHIN).await;
    pager.note(&page.dedup_key, "n", WITHIN).await;
    pager
        .set_priority(&page.dedup_key, OpsGeniePriority::P5, WITHIN)
        .await;
    let names = [
        "CreateAlertPayload",
        "AddNoteToAlertPayload",
        "UpdateAlertPriorityPayload",
    ];
    for (name, seen) in names.into_iter().zip(vendor.requests()) {
        must_fit(&of(name), &seen.json().unwrap());
    }
}

/// Returns the length of a member in characters, or 0 if it is absent.
fn length(body: &Value, pointer: &str) -> u64 {
    let text = body.pointer(pointer).and_then(Value::as_str);
    text.map_or(0, |text| text.chars().count() as u64)
}

#[tokio::test]
async fn every_body_keeps_to_the_vendors_limits() {
    let Some(limits) = schema("limits.json") else {
        return;
    };
    let most = |pointer: &str| limits.pointer(pointer).unwrap().as_u64().unwrap();
    for page in pages() {
        let [pagerduty, opsgenie] = sent(&page, &template()).await;
        let (event, alert) = (&pagerduty["body"], &opsgenie["body"]);
        assert!(length(event, "/dedup_key") <= most("/pagerduty/dedup_key"));
        assert!(length(event, "/payload/summary") <= most("/pagerduty/payload.summary"));
        assert_eq!(
            length(event, "/routing_key"),
            most("/pagerduty/routing_key/exact")
        );
        assert!(event.to_string().len() as u64 <= most("/pagerduty/body_bytes/use"));
        let allowed = |list: &str, value: &Value| {
            let list = limits.pointer(list).unwrap().as_array().unwrap();
            value.is_null() || list.contains(value)
        };
        assert!(allowed(
            "/pagerduty/severity",
            &event["payload"]["severity"]
        ));
        assert!(allowed("/pagerduty/event_action", &event["event_action"]));
        assert!(allowed("/opsgenie/priority", &alert["priority"]));
        for field in [
            "message",
            "alias",
            "description",
            "entity",
            "source",
            "user",
            "note",
        ] {
            let pointer = format!("/{field}");
            assert!(
                length(alert, &pointer) <= most(&format!("/opsgenie{pointer}")),
                "{field}"
            );
        }
        let tags = alert["tags"].as_array().cloned().unwrap_or_default();
        assert!(tags.len() as u64 <= most("/opsgenie/tags/items"));
        assert!(
            tags.iter()
                .all(|tag| length(tag, "") <= most("/opsgenie/tags/each"))
        );
        let details = alert["details"].as_object().cloned().unwrap_or_default();
        let total: u64 = details
            .iter()
            .map(|(k, v)| k.chars().count() as u64 + length(v, ""))
            .sum();
        assert!(total <= most("/opsgenie/details_total"));
    }
}

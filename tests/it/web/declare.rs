//! The page on which people declare an incident.

use serde_json::json;

use super::incident::{between, hidden, key_of, led_to, must_be_refused};
use super::{must_not_be_english, page, page_in, submit, submit_in};
use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER};
use crate::over_http::troubled::{AWAY, NONE};

const FORM: &str = "/incidents/new";

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_declared_once() {
    let server = Server::start().await;
    let key = key_of(&server, RESPONDER, FORM).await;
    let fields = [
        ("key", key.as_str()),
        ("title", "Payments <fail> for all"),
        ("severity", "SEV1"),
        ("affected_services", "payments"),
        ("affected_services", "api, web"),
        ("affected_services", ""),
        ("affected_tenants", "club-fr"),
        ("summary", "since the deploy"),
        ("mode", "live"),
        ("source", "customer"),
        ("page", ""),
    ];
    let done = submit(&server, RESPONDER, FORM, &fields).await;
    let web = led_to(&done).to_owned();
    assert_eq!(
        led_to(&submit(&server, RESPONDER, FORM, &fields).await),
        web
    );
    let listed = server.get(VIEWER, "/sys/incidents").await.is(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let incident = server.get(VIEWER, &format!("/sys{web}")).await.is(200);
    for (field, expected) in [
        ("title", json!("Payments <fail> for all")),
        ("severity", json!("SEV1")),
        ("affected_services", json!(["api", "payments", "web"])),
        ("affected_tenants_total", json!(1)),
        ("summary", json!("since the deploy")),
        ("source", json!("customer")),
        ("responder", json!("anna")),
        ("started_at_assumed", json!(true)),
        ("public", json!(false)),
    ] {
        assert_eq!(incident[field], expected, "{field}");
    }
    server.paged(&format!("/sys{web}"), "accepted").await;
    assert_eq!(server.pager.wakes(), 1);
    let shown = page(&server, VIEWER, &web).await;
    assert!(shown.text.contains("(assumed)"), "{}", shown.text);
    // The same key for another incident declares nothing.
    let other = [
        ("key", key.as_str()),
        ("title", "Other"),
        ("severity", "SEV3"),
    ];
    let refused = submit(&server, RESPONDER, FORM, &other).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("This form was sent already"));
    assert!(refused.text.contains("value=\"Other\""));
    assert_ne!(hidden(&refused, "key"), key);
    // Names that were used are suggested.
    let shown = page(&server, RESPONDER, FORM).await;
    assert!(between(&shown, "id=\"affected_services-known\"", "</datalist>").contains("payments"));
    assert!(between(&shown, "id=\"affected_tenants-known\"", "</datalist>").contains("club-fr"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_stand_beside_their_fields_and_the_text_stays() {
    let server = Server::start().await;
    for (field, wrong) in [
        ("title", ""),
        ("title", "a\0b"),
        ("severity", ""),
        ("severity", "SEV5"),
        ("affected_services", "\u{200b}"),
        ("affected_tenants", "\u{200b}"),
        ("started_at", "2026-12-24T00:00"),
        ("started_at", "at noon"),
        ("eta", "2026-11-01T00:00"),
        ("tracker_url", "http://plain.example"),
        ("resolved_at", "2026-11-20T22:00"),
        ("mode", "dream"),
        ("alert_key", "\u{200b}"),
    ] {
        let usual = [
            ("title", "API down"),
            ("severity", "SEV3"),
            ("summary", "5xx \"here\""),
        ];
        let usual = usual.into_iter().filter(|(name, _)| *name != field);
        let fields: Vec<_> = usual.chain([(field, wrong)]).collect();
        let refused = submit(&server, COMMANDER, FORM, &fields).await;
        must_be_refused(&refused, 422, field, "5xx &quot;here&quot;");
        // Focus goes to the summary, not to the first field.
        assert!(!refused.text.contains(" autofocus"));
    }
    let listed = server.get(VIEWER, "/sys/incidents").await.is(200);
    assert!(listed["items"].as_array().unwrap().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_button_does_is_said_for_each_severity() {
    let policy = "[severities.sev4]\npage = false\n";
    let server = Server::start_under(policy).await;
    let shown = page(&server, RESPONDER, FORM).await;
    let of = |class: &str| between(&shown, &format!("class=\"on {class}\""), "</div>");
    assert!(
        of("on-sev1").contains("Pages on-call through recorder."),
        "{}",
        of("on-sev1")
    );
    assert!(of("on-sev1").contains("High urgency: this wakes somebody."));
    assert!(of("on-sev1").contains("every 15 min"));
    assert!(of("on-sev3").contains("Low urgency"), "{}", of("on-sev3"));
    assert!(of("on-sev4").contains("SEV4 pages nobody."));
    assert!(shown.text.contains("Customers see nothing yet"));
    // A service with a public name is known before any incident is.
    assert!(between(&shown, "id=\"affected_services-known\"", "</datalist>").contains("api"));
    assert_eq!(shown.text.matches("name=\"severity\"").count(), 4);
    assert!(between(&shown, "<input id=\"title\"", ">").contains("autofocus"));
    for (language, title) in [("fr", "Déclarer un incident"), ("de", "Vorfall melden")] {
        let shown = page_in(&server, RESPONDER, FORM, language).await;
        must_not_be_english(&shown);
        assert!(shown.text.contains(title));
        for word in [
            "What is wrong",
            "Rarely needed",
            "Pages on-call",
            ">Title<",
            "Critical:",
        ] {
            assert!(!shown.text.contains(word), "{language} {word}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suggestion_fills_the_form_in() {
    let server = Server::start().await;
    let suggestion = json!({"service": "api", "tenant": "club-fr", "signal": "error_rate",
        "observed_at": "2026-11-20T22:55:00Z", "evidence": "12 % of requests"});
    let made = server
        .post(COMMANDER, "/sys/incidents/suggestions", &suggestion)
        .await
        .is(201);
    let id = made["id"].as_str().unwrap();
    let address = format!("{FORM}?suggestion={id}");
    let shown = page(&server, RESPONDER, &address).await;
    for part in [
        "Filled in from the suggestion error_rate of api × club-fr.",
        "value=\"api x club-fr: error_rate\"",
        "value=\"SEV3\" checked",
        "value=\"2026-11-20T22:55\"",
        "12 % of requests",
    ] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    let fields = [
        ("title", "API errors"),
        ("severity", "SEV3"),
        ("affected_services", "api"),
        ("affected_tenants", "club-fr"),
        ("suggestion_id", id),
        ("source", "suggestion"),
        ("started_at", "2026-11-20T22:55"),
    ];
    let web = led_to(&submit(&server, RESPONDER, FORM, &fields).await).to_owned();
    let incident = server.get(VIEWER, &format!("/sys{web}")).await.is(200);
    assert_eq!(incident["suggestion_id"], id);
    assert_eq!(incident["started_at"], "2026-11-20T22:55:00Z");
    // Opened again, it leads to the incident that is live.
    let shown = page(&server, RESPONDER, &address).await;
    assert!(
        shown
            .text
            .contains("was used or dismissed already, or has expired"),
        "{}",
        shown.text
    );
    assert!(
        shown
            .text
            .contains(&format!("<a class=\"button\" href=\"{web}\">Open it</a>"))
    );
    let refused = submit(&server, RESPONDER, FORM, &fields).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    for unknown in ["nonsense", "0190a000-0000-7000-8000-000000000000"] {
        let missing = page(&server, RESPONDER, &format!("{FORM}?suggestion={unknown}")).await;
        assert_eq!(missing.status, 404, "{unknown}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_declaration_for_an_alert_leads_to_the_first_and_says_so() {
    let server = Server::start().await;
    let fields = [
        ("title", "Disk full"),
        ("severity", "SEV2"),
        ("alert_key", "disk-1"),
        ("all_tenants", "yes"),
    ];
    let web = led_to(&submit(&server, RESPONDER, FORM, &fields).await).to_owned();
    let incident = server.get(VIEWER, &format!("/sys{web}")).await.is(200);
    assert_eq!(incident["affected_tenants"], "all");
    let second = submit(&server, COMMANDER, FORM, &fields).await;
    assert_eq!(led_to(&second), format!("{web}?matched=true"));
    let shown = page(&server, COMMANDER, &format!("{web}?matched=true")).await;
    assert!(
        shown.text.contains("your declaration was added to it"),
        "{}",
        shown.text
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_without_the_right_see_no_button_and_no_form() {
    let server = Server::start().await;
    assert!(!page(&server, VIEWER, "/").await.text.contains(FORM));
    let fields = [("title", "x"), ("severity", "SEV1")];
    for refused in [
        page(&server, VIEWER, FORM).await,
        submit(&server, VIEWER, FORM, &fields).await,
    ] {
        assert_eq!(refused.status, 403);
        assert!(refused.text.contains("Your role does not allow this"));
    }
    // A responder declares no SEV1 that pages nobody: the form says so, and keeps the text.
    let unpaged = [
        fields[0],
        fields[1],
        ("page", "false"),
        ("summary", "quiet"),
    ];
    let refused = submit(&server, RESPONDER, FORM, &unpaged).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("declare_unpaged") && refused.text.contains("quiet"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_outlives_a_store_that_is_away() {
    let (server, store) = Server::troubled().await;
    let fields = [
        ("key", "d1"),
        ("title", "API down"),
        ("severity", "SEV3"),
        ("alert_key", "a1"),
    ];
    store.is_in(AWAY);
    let kept = submit(&server, RESPONDER, FORM, &fields).await;
    assert_eq!(kept.status, 503, "{}", kept.text);
    assert!(kept.text.contains("Your text is safe"), "{}", kept.text);
    assert_eq!(hidden(&kept, "title"), "API down");
    store.is_in(NONE);
    led_to(&submit(&server, RESPONDER, FORM, &fields).await);
    server.stop().await;
}

/// All required fields that are empty are named at once, in the language of the reader; other errors
/// do not repeat the name of their field.
#[tokio::test(flavor = "multi_thread")]
async fn missing_fields_are_named_together() {
    let server = Server::start().await;
    let sent = [("summary", "kept"), ("started_at", "tomorrow")];
    let english = submit(&server, RESPONDER, FORM, &sent).await;
    assert_eq!(english.status, 422);
    for (name, words) in [
        ("title", "Fill this in"),
        ("severity", "Choose one"),
        ("started_at", "14:05: “tomorrow”"),
    ] {
        let error = english.text.split(&format!("id=\"{name}-error\"")).nth(1);
        let error = error.unwrap_or_else(|| panic!("{name}: {}", english.text));
        assert!(
            error.split("</span>").next().unwrap().ends_with(words),
            "{error}"
        );
        let item = format!("href=\"#{name}\"");
        assert!(english.text.contains(&item), "{}", english.text);
    }
    assert!(english.text.contains("kept"));
    for (language, text, choice) in [
        ("fr", "À remplir", "Choisissez une option"),
        ("de", "Bitte ausfüllen", "Bitte auswählen"),
    ] {
        let other = submit_in(&server, RESPONDER, FORM, &[], language).await;
        for (name, words) in [("title", text), ("severity", choice)] {
            let error = format!("id=\"{name}-error\">{words}</span>");
            assert!(other.text.contains(&error), "{error}: {}", other.text);
        }
    }
    // A time is shown as its control has it, and what is none stands in the error.
    assert!(english.text.contains("“tomorrow”"), "{}", english.text);
    let blank = [("started_at", "2026-11-20 22:55")];
    let blank = submit(&server, RESPONDER, FORM, &blank).await;
    let shown = "value=\"2026-11-20T22:55\"";
    assert!(blank.text.contains(shown), "{}", blank.text);
    let sent = [("title", "x"), ("severity", "SEV9")];
    let other = submit(&server, RESPONDER, FORM, &sent).await;
    assert!(
        other.text.contains(">expected one of SEV1"),
        "{}",
        other.text
    );
    assert!(!other.text.contains("severity: expected"));
    server.stop().await;
}

//! The content of the page, by reader and by language.

use std::time::Duration;

use incident_core::paging::{DeliveryResult, NotSent, NotSentReason};
use reqwest::Method;
use serde_json::json;

use super::super::{browse, must_not_be_english, page, page_in, submit};
use super::{HARMLESS, HOSTILE, any, between, declared};
use crate::over_http::harness::{ADMIN, COMMANDER, RESPONDER, Server, VIEWER};

/// Words of the page in English.
const ENGLISH: [&str; 14] = [
    ">Timeline<",
    ">Proof<",
    "users hit",
    "Customers see",
    ">Acknowledge<",
    "Write an update",
    "declared SEV2",
    ">Severity:<",
    "next update",
    "Chain verified",
    "min of outage",
    "No credit",
    "published to",
    ">acknowledged<",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_an_incident_from_all_sides_and_in_three_languages() {
    let server = Server::start().await;
    let (path, web) = any(&server).await;
    server
        .post(COMMANDER, &format!("{path}/acknowledge"), &json!({}))
        .await
        .is(200);
    server.clock.advance(Duration::from_secs(38 * 60));
    let events = json!([
        {"tenant_id": "tenant-fr", "user_id": "u1", "service": "api", "status": 503, "occurred_at": "2026-11-20T23:05:00Z"},
        {"tenant_id": "tenant-fr", "user_id": "u2", "service": "api", "status": 503, "occurred_at": "2026-11-20T23:06:00Z"},
        {"tenant_id": "tenant-de", "user_id": "u3", "service": "api", "status": 503, "occurred_at": "2026-11-20T23:06:00Z"},
    ]);
    server
        .post(COMMANDER, "/sys/usage-events", &events)
        .await
        .is(202);
    let public =
        json!({"public": true, "title": "Some requests fail", "message": "We look into it."});
    server
        .post(COMMANDER, &format!("{path}/public"), &public)
        .await
        .is(200);
    let raised = json!({"severity": "SEV1", "cause": "a leak"});
    server.patch(COMMANDER, &path, &raised).await.is(200);
    let shown = page(&server, COMMANDER, &web).await;
    assert_eq!(shown.status, 200);
    for part in [
        "<title>SEV1 #1 API down · Incidents</title>",
        "2 users hit",
        "the usual number is not known",
        "38 min of outage",
        "Target of 99.9% still met, 5.2\u{a0}min left",
        "7\u{a0}min left before 10%",
        "Some requests fail",
        "We look into it.",
        "role=\"log\"",
        "<bdi>SEV2</bdi> → <bdi>SEV1</bdi>",
        "Chain verified up to entry",
        "Acknowledged by",
        "A post-mortem is needed",
    ] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    // Both pictures have a title and a table.
    for chart in ["first-hits-title", "outage-title"] {
        assert!(
            shown
                .text
                .contains(&format!("role=\"img\" aria-labelledby=\"{chart}\""))
        );
    }
    for language in ["fr", "de"] {
        let shown = page_in(&server, COMMANDER, &web, language).await;
        must_not_be_english(&shown);
        for word in ENGLISH {
            assert!(
                !shown.text.contains(word),
                "{language} {word}: {}",
                shown.text
            );
        }
    }
    let french = page_in(&server, COMMANDER, &web, "fr").await;
    assert!(french.text.contains("Objectif de 99,9"), "{}", french.text);
    assert!(
        french
            .text
            .contains("Gravité:</span> <bdi>SEV2</bdi> → <bdi>SEV1</bdi>")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_may_not_do_is_not_offered() {
    let server = Server::start().await;
    let (_, web) = any(&server).await;
    let all = [
        "/acknowledge\"",
        "/publish\"",
        "/edit\"",
        "/page\"",
        "/post-mortem\"",
        "id=\"update\"",
    ];
    let shown = page(&server, VIEWER, &web).await;
    for act in &all[1..] {
        assert!(!shown.text.contains(act), "{act}");
    }
    assert!(!shown.text.contains("acknowledge-button"));
    let shown = page(&server, RESPONDER, &web).await;
    for act in all {
        assert!(shown.text.contains(act), "{act}: {}", shown.text);
    }
    // A responder closes, cancels and merges nothing, and lowers no severity.
    let statuses = |text: &str| text.matches("<option value=\"cancelled\"").count();
    assert_eq!(statuses(&shown.text), 0);
    assert!(!between(&shown, "id=\"severity\"", "</select>").contains("SEV3"));
    let shown = page(&server, COMMANDER, &web).await;
    assert_eq!(statuses(&shown.text), 1);
    assert!(between(&shown, "id=\"severity\"", "</select>").contains("SEV3"));
    // Who sends the forms all the same gets the page of a missing right.
    for form in [
        "acknowledge",
        "updates",
        "edit",
        "page",
        "publish",
        "post-mortem",
    ] {
        let fields = [
            ("message", "x"),
            ("reason", "x"),
            ("url", "https://x.example"),
        ];
        let refused = submit(&server, VIEWER, &format!("{web}/{form}"), &fields).await;
        assert_eq!(refused.status, 403, "{form}");
        assert!(refused.text.contains("Your role does not allow this"));
    }
    for form in ["edit", "page", "publish", "post-mortem"] {
        assert_eq!(
            page(&server, VIEWER, &format!("{web}/{form}")).await.status,
            403,
            "{form}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_people_are_only_texts() {
    let server = Server::start().await;
    let more = json!({"title": HOSTILE, "summary": HOSTILE, "affected_services": [HOSTILE],
        "affected_tenants": [HOSTILE], "responder": HOSTILE, "symptom": HOSTILE,
        "labels": {"<b>": HOSTILE}});
    let (path, web) = declared(&server, &more).await;
    let update = json!({"message": HOSTILE, "public_message": HOSTILE,
        "comms_sent": {"audience": "internal", "channel": HOSTILE, "summary": "x"}});
    server.update(COMMANDER, &path, &update).await;
    let public = json!({"public": true, "title": HOSTILE});
    server
        .post(COMMANDER, &format!("{path}/public"), &public)
        .await
        .is(200);
    for path in [
        "",
        "/edit",
        "/publish",
        "/page",
        "/post-mortem",
        "/entries/2",
    ] {
        let shown = page(&server, ADMIN, &format!("{web}{path}")).await;
        assert_eq!(shown.status, 200, "{path}");
        assert!(shown.text.contains(HARMLESS), "{path}: {}", shown.text);
        assert!(!shown.text.contains("<script>alert"), "{path}");
        assert!(!shown.text.contains("<b>"), "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_addresses_are_pages_that_help() {
    let server = Server::start().await;
    let (_, web) = any(&server).await;
    let unknown = "/incidents/0190a000-0000-7000-8000-000000000000";
    for path in [
        "/incidents/nonsense".to_owned(),
        unknown.to_owned(),
        format!("{unknown}/edit"),
        format!("{web}/entries/0"),
        format!("{web}/entries/99"),
        format!("{web}/entries/x"),
    ] {
        let shown = page(&server, ADMIN, &path).await;
        assert_eq!(shown.status, 404, "{path}");
        assert!(shown.text.contains("There is nothing here"), "{path}");
    }
    for query in ["before=0", "before=x", "nothing=1"] {
        let shown = page(&server, ADMIN, &format!("{web}?{query}")).await;
        assert!(
            matches!(shown.status, 400 | 422),
            "{query}: {}",
            shown.status
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_timeline_shows_its_newest_entries_and_leads_to_the_older_ones() {
    let server = Server::start().await;
    let (path, web) = declared(&server, &json!({"page": false, "severity": "SEV3"})).await;
    for nth in 2..=205 {
        let update = json!({"message": format!("note {nth}.")});
        server.update(COMMANDER, &path, &update).await;
    }
    let shown = page(&server, VIEWER, &web).await;
    assert_eq!(shown.text.matches("<li id=\"e").count(), 200);
    assert!(shown.text.contains("5 older entries"), "{}", shown.text);
    assert!(shown.text.contains("note 205.") && !shown.text.contains("note 5."));
    let older = page(&server, VIEWER, &format!("{web}?before=6")).await;
    assert_eq!(older.text.matches("<li id=\"e").count(), 5);
    assert!(older.text.contains("note 5.") && !older.text.contains("note 6."));
    // Older entries do not follow the timeline.
    assert!(!older.text.contains("role=\"log\""));
    assert!(older.text.contains("To the newest entries"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_person_is_loud() {
    let server = Server::start().await;
    let refused = NotSent {
        reason: NotSentReason::Unauthorized,
        retry_after: None,
    };
    server
        .pager
        .script(vec![DeliveryResult::NotSent(refused); 20]);
    let (path, web) = any(&server).await;
    server.paged(&path, "given_up").await;
    let shown = page(&server, RESPONDER, &web).await;
    let alarm = between(&shown, "class=\"note alarm\"", "</div></div>");
    assert!(alarm.contains("Nobody has accepted the page."), "{alarm}");
    // The duty that has been overdue longest is the other one, as in the list.
    server.clock.advance(Duration::from_secs(20 * 60));
    let shown = page(&server, RESPONDER, &web).await;
    let head = between(&shown, "<h1", "</ul>");
    let loud = head.split("<span class=\"loud\">").nth(1).unwrap();
    let loud = loud.split('<').next().unwrap().to_owned();
    assert!(loud.contains(" overdue by "), "{head}");
    let list = page(&server, RESPONDER, "/").await;
    assert!(list.text.contains(&loud), "{loud}: {}", list.text);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_button_is_the_main_one() {
    let server = Server::start().await;
    let (_, web) = any(&server).await;
    let main = |text: &str| {
        text.matches("class=\"primary\"").count() + text.matches("button primary").count()
    };
    let shown = page(&server, VIEWER, &web).await;
    assert_eq!(main(&shown.text), 0);
    for path in ["", "/edit", "/publish", "/page", "/post-mortem"] {
        let shown = page(&server, COMMANDER, &format!("{web}{path}")).await;
        assert_eq!(main(&shown.text), 1, "{path}: {}", shown.text);
    }
    let headers = [
        super::super::HTML,
        ("cookie", "incident_zone=Asia/Kathmandu"),
    ];
    let shown = browse(&server, Method::GET, VIEWER, &web, &headers, None).await;
    assert!(shown.text.contains(">04:45</time>"), "{}", shown.text);
    server.stop().await;
}

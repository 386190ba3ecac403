//! The parts that all pages share: login, languages, themes, zones, files, problems; and the list of live
//! incidents.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{after, browse, must_not_be_english, page, page_in, submit};
use crate::over_http::harness::{ADMIN, COMMANDER, Server, VIEWER};

#[tokio::test(flavor = "multi_thread")]
async fn people_without_a_login_are_led_to_the_sign_in_and_programs_are_refused() {
    let server = Server::start().await;
    let led = page(&server, "", "/?a=1&b=%20").await;
    assert_eq!(led.status, 303);
    assert_eq!(
        led.header("location"),
        Some("/signin?next=%2F%3Fa%3D1%26b%3D%2520")
    );
    server.get("", "/").await.problem(401);
    let wrong = page(&server, "wrong", "/").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text.contains("A login is needed"), "{}", wrong.text);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_speak_the_language_of_the_reader() {
    let server = Server::start().await;
    server.declare(&json!({})).await;
    for (language, title) in [
        ("fr-CA,en;q=0.5", "Incidents en cours"),
        ("de", "Aktive Vorfälle"),
    ] {
        for path in ["/", "/signin", "/nothing"] {
            let shown = page_in(&server, VIEWER, path, language).await;
            let tag = format!("<html lang=\"{}\"", &language[..2]);
            assert!(shown.text.contains(&tag), "{}", shown.text);
            must_not_be_english(&shown);
        }
        let shown = page_in(&server, VIEWER, "/", language).await;
        assert!(shown.text.contains(title), "{}", shown.text);
    }
    // What a reader chose counts more than what the browser says.
    let headers = [
        super::HTML,
        ("accept-language", "fr"),
        (
            "cookie",
            "incident_language=de; incident_theme=dark; incident_zone=Asia/Kathmandu",
        ),
    ];
    let shown = browse(&server, Method::GET, VIEWER, "/", &headers, None).await;
    assert!(
        shown
            .text
            .contains("<html lang=\"de\" data-theme=\"dark\">")
    );
    assert!(shown.text.contains("Asia/Kathmandu (UTC+5:45)"));
    // 23:00 UTC.
    assert!(shown.text.contains(">04:45</time>"), "{}", shown.text);
    // Cookies that nobody of us has set are no choice.
    let headers = [
        super::HTML,
        (
            "cookie",
            "incident_language=xx; incident_theme=<b>; incident_zone=Mars/Base",
        ),
    ];
    let shown = browse(&server, Method::GET, VIEWER, "/", &headers, None).await;
    assert!(shown.text.contains("<html lang=\"en\">"), "{}", shown.text);
    assert!(shown.text.contains("Times in UTC"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_kept_and_lead_back() {
    let server = Server::start().await;
    let fields = [
        ("language", "fr"),
        ("zone", " Europe/Paris "),
        ("theme", "dark"),
        ("next", "/incidents?status=all"),
    ];
    let saved = submit(&server, "", "/preferences", &fields).await;
    assert_eq!(saved.status, 303);
    assert_eq!(saved.header("location"), Some("/incidents?status=all"));
    let cookies: Vec<&str> = saved
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|one| one.to_str().unwrap())
        .collect();
    assert_eq!(cookies.len(), 3);
    assert!(cookies[1].starts_with("incident_zone=Europe/Paris; Path=/; SameSite=Lax;"));
    // Addresses of others are not followed, and zones that do not exist are refused.
    let saved = submit(&server, "", "/preferences", &[("next", "//evil.example")]).await;
    assert_eq!(saved.header("location"), Some("/"));
    let refused = submit(&server, "", "/preferences", &[("zone", "Mars/Base")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("expected the name of a zone"));
    // Other sites choose nothing.
    let headers = [
        super::HTML,
        ("sec-fetch-site", "cross-site"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let body = Some(b"theme=dark".to_vec());
    let refused = browse(&server, Method::POST, "", "/preferences", &headers, body).await;
    assert_eq!(refused.status, 403);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_are_pages_for_people_and_problems_for_programs() {
    let server = Server::start().await;
    let missing = page(&server, VIEWER, "/nothing").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text.contains("There is nothing here"));
    server.get(VIEWER, "/nothing").await.problem(404);
    for path in ["/sys/nothing", "/public/nothing", "/hooks/nothing"] {
        let missing = page(&server, VIEWER, path).await;
        assert_eq!(
            missing.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_for_ever_under_names_of_their_content() {
    let server = Server::start().await;
    let shown = page(&server, VIEWER, "/").await;
    for (start, media) in [
        ("rel=\"stylesheet\" href=\"", "text/css; charset=utf-8"),
        ("<script src=\"", "text/javascript; charset=utf-8"),
        ("rel=\"icon\" href=\"", "image/svg+xml"),
    ] {
        let path = after(&shown, start);
        let file = browse(&server, Method::GET, "", path, &[], None).await;
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("content-type"), Some(media));
        let cache = file.header("cache-control").unwrap();
        assert!(cache.contains("immutable"), "{cache}");
    }
    server.get("", "/assets/style-0.css").await.problem(404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worst_incident_is_the_first_and_texts_are_only_texts() {
    let server = Server::start().await;
    let hostile = "<script>alert(1)</script> \"'& \u{202e}evil";
    for (title, severity) in [
        ("third", "SEV3"),
        (hostile, "SEV1"),
        ("second", "SEV2"),
        ("fourth", "SEV4"),
    ] {
        let more = json!({"title": title, "severity": severity, "responder": "<i>ben</i>"});
        let path = server.declare(&more).await;
        server
            .update(COMMANDER, &path, &json!({"message": "looking"}))
            .await;
        server.clock.advance(Duration::from_secs(60));
    }
    let shown = page(&server, VIEWER, "/").await;
    let text = &shown.text;
    assert!(text.contains("<title>SEV1 · 4 active · Incidents</title>"));
    let place = |title: &str| {
        text.find(title)
            .unwrap_or_else(|| panic!("{title} is not in {text}"))
    };
    let escaped = "&lt;script&gt;alert(1)&lt;/script&gt; &quot;&#39;&amp; \\u{202e}evil";
    let places = [escaped, " second</a>", " third</a>", " fourth</a>"].map(place);
    assert!(places.is_sorted(), "{places:?}");
    assert!(text.contains("&lt;i&gt;ben&lt;/i&gt;"));
    // Two hours later updates are due.
    server.clock.advance(Duration::from_secs(2 * 3_600));
    let shown = page(&server, VIEWER, "/").await;
    assert!(
        shown.text.contains("<span class=\"loud\">") && shown.text.contains(" overdue by "),
        "{}",
        shown.text
    );
    // A viewer declares nothing.
    assert!(!shown.text.contains("/incidents/new"));
    let shown = page(&server, COMMANDER, "/").await;
    assert!(shown.text.contains("/incidents/new"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_empty_list_says_how_to_begin() {
    let server = Server::start().await;
    let shown = page(&server, COMMANDER, "/").await;
    assert!(shown.text.contains("No active incident"));
    assert!(shown.text.contains("POST /sys/incidents"));
    server.stop().await;
}

/// The address of a form cannot always be opened: what leads back to the page leads to one that can.
#[tokio::test(flavor = "multi_thread")]
async fn pages_that_answer_a_form_lead_to_an_address_that_can_be_opened() {
    let server = Server::start().await;
    let id = server.declare(&json!({})).await;
    let incident = id.trim_start_matches("/sys").to_owned();
    for (form, fields, status, expected) in [
        (
            format!("{incident}/updates"),
            vec![],
            422,
            incident.as_str(),
        ),
        (
            format!("{incident}/publish"),
            vec![("message", "We are on it.")],
            200,
            &format!("{incident}/publish"),
        ),
        ("/incidents/new".to_owned(), vec![], 422, "/incidents/new"),
        (
            "/sla/credits/recompute".to_owned(),
            vec![("month", "never")],
            422,
            "/sla",
        ),
        ("/nothing".to_owned(), vec![], 404, "/"),
    ] {
        let shown = submit(&server, ADMIN, &form, &fields).await;
        assert_eq!(shown.status, status, "{form}: {}", shown.text);
        for place in [
            format!("data-at=\"{expected}\""),
            format!("name=\"next\" value=\"{expected}\""),
        ] {
            assert!(shown.text.contains(&place), "{form}: {}", shown.text);
        }
        let again = page(&server, ADMIN, expected).await;
        assert_eq!(again.status, 200, "{expected}");
        assert!(!again.text.contains("data-at"), "{}", again.text);
    }
    server.stop().await;
}

/// A suggestion waits until somebody declares from it, however many newer ones have been used.
#[tokio::test(flavor = "multi_thread")]
async fn a_suggestion_is_shown_until_it_is_used() {
    let server = Server::start().await;
    let suggest = async |tenant: &str| {
        let seen = json!({"service": "api", "tenant": tenant, "signal": "error_rate",
            "observed_at": "2026-11-20T22:59:00Z"});
        let made = server.post(ADMIN, "/sys/incidents/suggestions", &seen);
        made.await.is(201)["id"].as_str().unwrap().to_owned()
    };
    suggest("tenant-waits").await;
    for tenant in ["one", "two", "three", "four"] {
        let id = suggest(tenant).await;
        server
            .declare(&json!({"suggestion_id": id, "affected_tenants": [tenant]}))
            .await;
    }
    let shown = page(&server, COMMANDER, "/").await;
    assert!(
        shown
            .text
            .contains("Suggestion: api × tenant-waits, error_rate"),
        "{}",
        shown.text
    );
    assert_eq!(shown.text.matches("Suggestion: ").count(), 1);
    // An incident of the pair, declared without it, answers it too.
    server
        .declare(&json!({"affected_tenants": ["tenant-waits"]}))
        .await;
    let shown = page(&server, COMMANDER, "/").await;
    assert_eq!(shown.text.matches("Suggestion: ").count(), 0);
    server.stop().await;
}

/// A suggestion can be dismissed by those who may; the page says for how long repeats stay quiet.
#[tokio::test(flavor = "multi_thread")]
async fn a_suggestion_is_dismissed() {
    let server = Server::start().await;
    let seen = json!({"service": "api", "tenant": "fr", "signal": "error_rate",
        "observed_at": "2026-11-20T22:59:00Z"});
    let made = server
        .post(ADMIN, "/sys/incidents/suggestions", &seen)
        .await;
    let id = made.is(201)["id"].as_str().unwrap().to_owned();
    let path = format!("/incidents/suggestions/{id}/dismiss");
    let action = format!("action=\"{path}\"");
    assert!(page(&server, COMMANDER, "/").await.text.contains(&action));
    let viewed = page(&server, VIEWER, "/").await.text;
    assert!(!viewed.contains(&action));
    assert_eq!(submit(&server, VIEWER, &path, &[]).await.status, 403);
    for _ in 0..2 {
        let sent = submit(&server, COMMANDER, &path, &[]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        assert_eq!(sent.header("location"), Some("/?dismissed=yes"));
    }
    let shown = page(&server, COMMANDER, "/?dismissed=yes").await.text;
    assert!(shown.contains("Repeats of it stay quiet for 60\u{a0}min."));
    assert!(!shown.contains("Suggestion: "), "{shown}");
    let form = page(
        &server,
        COMMANDER,
        &format!("/incidents/new?suggestion={id}"),
    )
    .await;
    assert!(form.text.contains("was used or dismissed already"));
    // One that was used meanwhile: the list says so.
    let seen = json!({"service": "web", "tenant": "de", "signal": "error_rate",
        "observed_at": "2026-11-20T22:59:00Z"});
    let made = server
        .post(ADMIN, "/sys/incidents/suggestions", &seen)
        .await;
    let id = made.is(201)["id"].as_str().unwrap().to_owned();
    server.declare(&json!({"suggestion_id": id})).await;
    let path = format!("/incidents/suggestions/{id}/dismiss");
    let sent = submit(&server, COMMANDER, &path, &[]).await;
    assert_eq!(sent.header("location"), Some("/?dismissed=no"));
    let shown = page(&server, COMMANDER, "/?dismissed=no").await.text;
    assert!(shown.contains("was used or dismissed already"), "{shown}");
    server.stop().await;
}

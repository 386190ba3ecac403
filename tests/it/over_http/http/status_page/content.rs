//! The content of the status page, and its languages.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::{PAGE, browse, declare, page_of, post, shown};
use crate::over_http::harness::Server;

/// Limit of the design for the page, its style sheet and its icon.
const BYTES: usize = 30_000;

/// Returns the values of an attribute, in order.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let rest = html.split(start.as_str()).skip(1);
    rest.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_what_is_wrong_and_what_was() {
    let server = Server::start().await;
    let quiet = shown(&server, PAGE).await;
    assert!(quiet.contains("All systems operational"));
    assert_eq!(quiet.matches("No incidents reported.").count(), 14);
    assert!(!quiet.contains("Current incidents"));

    let over = declare(&server, "SEV3", Some("Slow export")).await;
    post(
        &server,
        &over,
        json!({"status": "resolved", "public_message": "All exports ran."}),
    )
    .await;
    server.clock.advance(Duration::from_secs(2 * 24 * 3_600));
    let live = declare(&server, "SEV2", Some("API errors")).await;
    let long = "A word and another one. ".repeat(20);
    for update in [
        json!({"status": "investigating"}),
        json!({"status": "identified", "public_message": long}),
        json!({"status": "mitigated", "public_message": "A fix is in place."}),
    ] {
        server.clock.advance(Duration::from_secs(60));
        post(&server, &live, update).await;
    }
    declare(&server, "SEV4", None).await;

    let page = shown(&server, PAGE).await;
    let order = [
        "Major service disruption",
        "API errors",
        "Monitoring · Started",
        "and 1 more incident",
        "Current incidents",
        "A fix is in place.",
        "Identified",
        "Read the whole update",
        "We are investigating this incident.",
        "Service disruption: API",
        "Past 14 days",
        "22 Nov",
        "In progress",
        "21 Nov",
        "No incidents reported.",
        "20 Nov",
        "Slow export",
        "All exports ran.",
        "Last change",
        "public/status/active",
    ];
    let mut rest = page.as_str();
    for text in order {
        let (_, after) = rest
            .split_once(text)
            .unwrap_or_else(|| panic!("{text} is missing or out of order: {page}"));
        rest = after;
    }
    assert_eq!(page.matches("No incidents reported.").count(), 12);
    // Times name their zone; no other one is shown.
    let times = page.matches("</time> UTC").count();
    let days = page.matches("<h3 class=\"day\"><time").count();
    assert_eq!(times + days, page.matches("</time>").count());

    // The long update is whole on the page of the incident.
    assert!(!page.contains(long.trim()));
    let one = shown(&server, &page_of(&server, &live).await).await;
    assert!(one.contains(long.trim()) && !one.contains("Read the whole update"));
    assert!(one.contains("<h1 class=\"title\" dir=\"auto\">API errors</h1>"));
    let one = shown(&server, &page_of(&server, &over).await).await;
    assert!(one.contains("Resolved") && one.contains("Ended"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_speaks_three_languages_and_links_keep_a_chosen_one() {
    let server = Server::start().await;
    let path = declare(&server, "SEV2", None).await;
    post(&server, &path, json!({"status": "investigating"})).await;
    let one = page_of(&server, &path).await;
    let english = [
        "Major",
        "Current",
        "Past",
        "Started",
        "service disruption",
        "We are",
        "Last change",
        "Skip",
        "Impact",
        "Updates",
        "Investigating",
        "Days and times",
    ];
    for (tag, words) in [
        (
            "fr",
            [
                "Perturbation majeure",
                "Perturbation du service : API",
                "Nous analysons",
                "14 derniers jours",
            ],
        ),
        (
            "de",
            [
                "Erhebliche",
                "Störung: API",
                "Wir untersuchen",
                "Letzte 14 Tage",
            ],
        ),
    ] {
        let by_header = browse(
            &server,
            PAGE,
            &[("accept-language", &format!("{tag}-CH, en;q=0.5"))],
        )
        .await;
        let by_address = shown(&server, &format!("{PAGE}?lang={tag}")).await;
        for page in [&by_header.text, &by_address] {
            assert!(page.contains(&format!("<html lang=\"{tag}\">")));
            for word in words {
                assert!(page.contains(word), "{tag}: {word}: {page}");
            }
            for word in english {
                // In French some of them are the same.
                let is_same = tag == "fr" && word == "Impact";
                assert!(is_same || !page.contains(word), "{tag}: {word}: {page}");
            }
        }
        assert!(
            by_header
                .header("vary")
                .unwrap()
                .contains("accept-language")
        );
        // The address is that of the reader; a language that was chosen stays.
        assert!(by_header.text.contains(&format!("href=\"{}\"", &one[1..])));
        assert!(by_address.contains(&format!("href=\"{}?lang={tag}\"", &one[1..])));
        let page = shown(&server, &format!("{one}?lang={tag}")).await;
        assert!(page.contains(&format!("../../status?lang={tag}")) && page.contains(words[2]));
    }
    // A language that there is not leaves the choice to the browser.
    let answer = browse(&server, "/status?lang=xx", &[("accept-language", "de")]).await;
    assert!(answer.text.contains("<html lang=\"de\">"));
    server.stop().await;
}

/// Texts of people are text: markup, quotes and marks of direction do nothing.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_shown_as_texts() {
    let server = Server::start().await;
    let hostile = "</title><script>alert('1' & \"2\")</script><!--copy-->\u{202e}\u{2066}";
    let path = declare(&server, "SEV1", Some(hostile)).await;
    post(
        &server,
        &path,
        json!({"status": "identified", "public_message": hostile}),
    )
    .await;
    let arabic = "\u{062a}\u{0639}\u{0637}\u{0644} API";
    post(&server, &path, json!({"public_message": arabic})).await;
    for page in [PAGE.to_owned(), page_of(&server, &path).await] {
        let html = shown(&server, &page).await;
        assert!(
            !html.contains("<script") && !html.contains("<!--"),
            "{html}"
        );
        assert!(!html.contains(['\u{202e}', '\u{2066}']), "{html}");
        assert!(
            html.contains("&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)"),
            "{html}"
        );
        assert!(
            html.contains(&format!("dir=\"auto\" lang=\"\">{arabic}</p>")),
            "{html}"
        );
        assert_eq!(html.matches("</title>").count(), 1);
    }
    let html = shown(&server, PAGE).await;
    let isolated = html.matches("<bdi>&lt;/title&gt;").count();
    assert_eq!(
        isolated,
        html.matches(">&lt;/title&gt;").count() - 1,
        "one is the update: {html}"
    );
    server.stop().await;
}

/// No script, no cookie, nothing of another host; one request for the style sheet after the page,
/// and no link that leads nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_needs_its_style_sheet_only_and_no_link_is_dead() {
    let server = Server::start().await;
    let path = declare(&server, "SEV2", Some("API errors")).await;
    post(
        &server,
        &path,
        json!({"status": "investigating", "public_message": "x".repeat(400)}),
    )
    .await;
    let incident = page_of(&server, &path).await;
    for page in [PAGE.to_owned(), incident, "/status?lang=fr".to_owned()] {
        let answer = browse(&server, &page, &[("cookie", "incident_language=de")]).await;
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; img-src data:;"));
        let html = answer.text;
        for loads in [
            "<script", "<img", "<iframe", "<style", " style=", "@import", "http://", "https://",
            " onload",
        ] {
            // The namespace of the icon is a name.
            let html = html.replace("http://www.w3.org/2000/svg", "");
            assert!(!html.contains(loads), "{loads}: {html}");
        }
        assert!(attributes(&html, "src").is_empty());
        let links: Vec<&str> = html
            .split("<link ")
            .skip(1)
            .map(|rest| rest.split('>').next().unwrap())
            .collect();
        let loaded: Vec<_> = links
            .iter()
            .filter(|link| !link.contains("href=\"data:"))
            .collect();
        assert!(
            loaded.len() == 1 && loaded[0].contains("rel=\"stylesheet\""),
            "{links:?}"
        );
        let base = reqwest::Url::parse(&server.url(&page)).unwrap();
        let hrefs: BTreeSet<&str> = attributes(&html, "href").into_iter().collect();
        for href in hrefs
            .into_iter()
            .filter(|href| !href.starts_with(['#', 'd']))
        {
            let url = base.join(href).unwrap();
            let path = format!(
                "{}{}",
                url.path(),
                url.query()
                    .map(|query| format!("?{query}"))
                    .unwrap_or_default()
            );
            let answer = browse(&server, &path, &[]).await;
            assert_eq!(answer.status, 200, "{page}: {href}");
            if path.ends_with(".css") {
                assert_eq!(
                    answer.header("content-type"),
                    Some("text/css; charset=utf-8")
                );
                assert!(
                    answer
                        .header("cache-control")
                        .unwrap()
                        .contains("immutable")
                );
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_incidents_of_five_lines_fit_in_thirty_kilobytes() {
    let server = Server::start().await;
    for n in 0..5 {
        let severity = ["SEV1", "SEV2", "SEV3"][n % 3];
        let path = declare(&server, severity, Some(&format!("{n} {}", "t".repeat(80)))).await;
        for line in 0..5 {
            server.clock.advance(Duration::from_secs(60));
            let text = format!("{line} {}", "A line of three hundred. ".repeat(12));
            let text: String = text.chars().take(300).collect();
            assert_eq!(text.len(), 300);
            post(&server, &path, json!({"public_message": text})).await;
        }
    }
    let mut largest = 0;
    for tag in ["en", "fr", "de"] {
        let html = shown(&server, &format!("{PAGE}?lang={tag}")).await;
        assert_eq!(
            html.matches("A line of three hundred. A line").count() % 5,
            0
        );
        assert!(html.matches("class=\"text\"").count() >= 25);
        let style = html.split("href=\"status/assets/").nth(1).unwrap();
        let style = format!("/status/assets/{}", style.split('"').next().unwrap());
        let style = server.get("", &style).await;
        assert_eq!(style.status, 200);
        // The icon is a part of the page.
        largest = largest.max(html.len() + style.text.len());
    }
    assert!(largest < BYTES, "{largest}");
    assert!(largest > 15_000, "the lines are missing: {largest}");
    server.stop().await;
}

/// The page as it is sent, in a state with all of its parts.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_as_it_was() {
    let server = Server::start().await;
    let over = declare(&server, "SEV3", Some("Slow export")).await;
    post(
        &server,
        &over,
        json!({"status": "resolved", "public_message": "All exports ran."}),
    )
    .await;
    server.clock.advance(Duration::from_secs(24 * 3_600));
    let live = declare(&server, "SEV2", Some("API errors")).await;
    post(&server, &live, json!({"status": "investigating"})).await;
    post(
        &server,
        &live,
        json!({"status": "identified", "public_message": "x ".repeat(200)}),
    )
    .await;
    for (name, page) in [
        ("overview", PAGE.to_owned()),
        ("incident", page_of(&server, &live).await),
    ] {
        let mut html = shown(&server, &page).await;
        for path in [&over, &live] {
            let page = page_of(&server, path).await;
            let id = page.rsplit('/').next().unwrap();
            html = html.replace(id, "[id]");
        }
        let style = html.split("assets/status-").nth(1).unwrap();
        let hash = style.split('.').next().unwrap().to_owned();
        let html = html.replace(&hash, "[hash]");
        // The same on every store.
        insta::with_settings!({prepend_module_to_snapshot => false, snapshot_path => "snapshots"}, {
            insta::assert_snapshot!(format!("status_{name}"), html);
        });
    }
    server.stop().await;
}

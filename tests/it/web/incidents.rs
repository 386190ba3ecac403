//! The list of all incidents: filters, pages, the picture of days.

use std::collections::BTreeSet;

use incident_core::incident::{Declare, Severity};
use serde_json::json;

use super::{after, must_not_be_english, page, page_in};
use crate::over_http::harness::{Answer, RESPONDER, Server, VIEWER, context};

/// Returns the ids of the incidents that a page lists, in its order.
fn listed(answer: &Answer) -> Vec<String> {
    let rows = answer.text.split("<a class=\"title all\"").skip(1);
    let ids = rows.map(|row| {
        let (_, rest) = row.split_once("href=\"/incidents/").unwrap();
        rest.split('"').next().unwrap().to_owned()
    });
    ids.collect()
}

/// Returns the address of the next page.
fn next_of(answer: &Answer) -> Option<String> {
    let (_, rest) = answer.text.split_once("rel=\"next\" href=\"")?;
    Some(rest.split('"').next()?.replace("&amp;", "&"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_changes_while_it_is_read_repeats_and_loses_nothing() {
    let server = Server::start().await;
    let mut declared = BTreeSet::new();
    for n in 0..60 {
        server.clock.advance(std::time::Duration::from_secs(1));
        let path = server.declare(&json!({"title": format!("no {n}")})).await;
        declared.insert(path.rsplit('/').next().unwrap().to_owned());
    }
    let first = page(&server, VIEWER, "/incidents?status=active").await;
    assert_eq!((first.status, listed(&first).len()), (200, 50));
    assert!(
        first
            .text
            .contains("50 incidents on this page, more on the next")
    );
    // One more while the first page is being read.
    server.declare(&json!({"title": "late"})).await;
    let next = next_of(&first).unwrap();
    assert!(
        next.starts_with("/incidents?status=active&cursor="),
        "{next}"
    );
    let second = page(&server, VIEWER, &next).await;
    assert_eq!((second.status, next_of(&second)), (200, None));
    let mut all = listed(&first);
    all.extend(listed(&second));
    assert_eq!(all.len(), 60);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), declared);
    // A cursor belongs to its filter.
    let other = next.replace("status=active", "status=all");
    let wrong = page(&server, VIEWER, &other).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(listed(&wrong).is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_as_those_of_the_api_and_days_are_those_of_the_reader() {
    let server = Server::start().await;
    let ended = server
        .declare(
            &json!({"title": "Exports fail", "severity": "SEV3", "affected_services": ["export"]}),
        )
        .await;
    server
        .clock
        .advance(std::time::Duration::from_secs(95 * 60));
    server
        .update(
            RESPONDER,
            &ended,
            &json!({"message": "done", "status": "resolved"}),
        )
        .await;
    // In Kathmandu it is the 21st.
    let other = server
        .declare(&json!({"title": "API down", "affected_tenants": ["tenant-de"]}))
        .await;
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let (ended, other) = (id(&ended), id(&other));
    for (query, expected) in [
        ("", vec![&other, &ended]),
        ("?status=active", vec![&other]),
        ("?status=resolved", vec![&ended]),
        ("?severity=SEV3", vec![&ended]),
        ("?service=export", vec![&ended]),
        ("?tenant=tenant-de", vec![&other]),
        ("?q=exports", vec![&ended]),
        ("?q=", vec![&other, &ended]),
        ("?from=2026-11-20&to=2026-11-20", vec![&ended]),
        ("?from=2026-11-21", vec![&other]),
        ("?from=2026-11-22&status=active", vec![]),
    ] {
        let shown = page(&server, VIEWER, &format!("/incidents{query}")).await;
        assert_eq!(shown.status, 200, "{query}");
        assert_eq!(
            listed(&shown).iter().collect::<Vec<_>>(),
            expected,
            "{query}"
        );
    }
    let shown = page(&server, VIEWER, "/incidents?status=resolved").await;
    assert!(
        shown.text.contains(">1\u{a0}h 35\u{a0}min<"),
        "{}",
        shown.text
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_wrong_stays_as_it_was_typed_with_its_error() {
    let server = Server::start().await;
    server.declare(&json!({})).await;
    for (query, field) in [
        ("severity=SEV9", "severity"),
        ("from=2026-02-30", "from"),
        ("from=tomorrow", "from"),
        ("from=2026-11-02&to=2026-11-01", "to"),
        ("status=odd", "status"),
        ("tenant=%00", "tenant"),
        (&format!("q={}", "x".repeat(501)), "q"),
    ] {
        let typed = format!("/incidents?{query}&service=%3Cb%3E%22");
        let shown = page(&server, VIEWER, &typed).await;
        assert_eq!(shown.status, 422, "{query}: {}", shown.text);
        assert!(listed(&shown).is_empty());
        assert!(
            shown.text.contains(&format!("href=\"#{field}\"")),
            "{query}"
        );
        assert!(
            shown.text.contains(&format!("id=\"{field}-error\"")),
            "{query}"
        );
        assert_eq!(
            after(
                &shown,
                "id=\"service\" name=\"service\" type=\"text\" dir=\"auto\" autocomplete=\"off\" value=\""
            ),
            "&lt;b&gt;&quot;"
        );
    }
    for wrong in ["/incidents?cursor=x", "/incidents?cursor=%ff"] {
        assert_eq!(page(&server, VIEWER, wrong).await.status, 422, "{wrong}");
    }
    let long = format!("/incidents?q={}", "x".repeat(5_000));
    assert_eq!(page(&server, VIEWER, &long).await.status, 414);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_says_why_and_what_to_do() {
    let server = Server::start().await;
    let nothing = page(&server, RESPONDER, "/incidents").await;
    assert!(nothing.text.contains("No incident yet"), "{}", nothing.text);
    assert!(nothing.text.contains("href=\"/incidents/new\""));
    let viewer = page(&server, VIEWER, "/incidents?q=zzz").await;
    // There is nothing to filter, and nothing that a viewer may declare.
    assert!(viewer.text.contains("No incident yet"));
    assert!(!viewer.text.contains("href=\"/incidents/new\""));
    server.declare(&json!({})).await;
    let none = page(&server, VIEWER, "/incidents?q=zzz").await;
    assert!(none.text.contains("No incident matches"), "{}", none.text);
    assert!(
        none.text
            .contains("<a class=\"button\" href=\"/incidents\">Clear the filter</a>")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_counts_the_days_and_hostile_titles_are_text() {
    let server = Server::start().await;
    let title = "<script>alert(1)</script> \u{202e}gnp\" 'x";
    server
        .declare(&json!({"title": title, "severity": "SEV1"}))
        .await;
    for severity in ["SEV1", "SEV4"] {
        server
            .declare(
                &json!({"title": "old", "severity": severity, "mode": "retrospective",
                "started_at": "2026-11-05T10:00:00Z", "resolved_at": "2026-11-05T11:00:00Z"}),
            )
            .await;
    }
    let shown = page(&server, VIEWER, "/incidents").await;
    let text = &shown.text;
    assert!(
        text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{text}"
    );
    assert!(!text.contains("<script>alert"));
    assert!(
        text.contains("3 incidents began, at most 2 on a day"),
        "{text}"
    );
    assert!(text.contains("role=\"img\" aria-labelledby=\"days-title\""));
    let row = "<th scope=\"row\">5 Nov</th><td class=\"n\">1</td><td class=\"n\">0</td><td class=\"n\">0</td><td class=\"n\">1</td><td class=\"n\">2</td>";
    assert!(text.contains(row), "{text}");
    for (language, title) in [("fr", "Tous les incidents"), ("de", "Alle Vorfälle")] {
        let shown = page_in(&server, VIEWER, "/incidents?q=old", language).await;
        assert!(shown.text.contains(&format!("<h1>{title}</h1>")));
        must_not_be_english(&shown);
        for word in [
            "Severity",
            "Responder",
            "Filter<",
            "More filters",
            "Duration",
            "resolved<",
        ] {
            let is_german_too = language == "de" && word == "Filter<";
            assert!(
                is_german_too || !shown.text.contains(word),
                "{word}: {}",
                shown.text
            );
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_counts_so_many_incidents() {
    let server = Server::start().await;
    let declare = |n: usize| {
        let title = format!("no {n}").parse().unwrap();
        Declare::new(title, Severity::Sev4)
    };
    for n in 0..1_001 {
        if n == 1_000 {
            let all = page(&server, VIEWER, "/incidents").await;
            assert!(all.text.contains("1,000 incidents began"), "{}", all.text);
            assert!(!all.text.contains("newest are counted"));
        }
        let incidents = server.incidents();
        incidents.declare(&context(), &declare(n)).await.unwrap();
    }
    let cut = page(&server, VIEWER, "/incidents").await;
    assert!(
        cut.text.contains("Only the 1,000 newest are counted."),
        "{}",
        cut.text
    );
    server.stop().await;
}

//! Viewport, preferences, languages, zone and scripts are as they were set.

use incident_test_browser::{Browser, BrowserOptions, MediaPreferences};
use serde_json::{Value, json};

use crate::site::{Site, page};

async fn value(browser: &Browser, expression: &str) -> Value {
    let script = format!("arguments[0]({expression})");
    browser.run(&script, &[]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewport_is_as_wide_as_it_was_set_also_on_the_next_page() {
    let (site, browser) = Site::page("", "<p style='height: 3000px'>high</p>").await;
    for width in [320, 390, 1_280] {
        browser.set_viewport(width, 700).await.unwrap();
        for _ in 0..2 {
            let seen = "[innerWidth, document.documentElement.clientWidth, innerHeight]";
            assert_eq!(value(&browser, seen).await, json!([width, width, 700]));
            let query = format!("matchMedia('(width: {width}px)').matches");
            assert_eq!(value(&browser, &query).await, true);
            browser.open(&site.origin).await.unwrap();
        }
    }
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_about_media_are_seen_by_the_page() {
    let (site, browser) = Site::page("", "").await;
    let queries = "['(prefers-color-scheme: dark)', '(prefers-reduced-motion: reduce)', \
        '(forced-colors: active)', 'print'].map((one) => matchMedia(one).matches)";
    let chosen = |dark, reduced_motion, forced_colours, print| MediaPreferences {
        dark,
        reduced_motion,
        forced_colours,
        print,
    };
    for (media, expected) in [
        (
            MediaPreferences::default(),
            json!([false, false, false, false]),
        ),
        (
            chosen(true, false, false, false),
            json!([true, false, false, false]),
        ),
        (
            chosen(false, true, false, false),
            json!([false, true, false, false]),
        ),
        (
            chosen(false, false, true, false),
            json!([false, false, true, false]),
        ),
        (
            chosen(true, false, false, true),
            json!([true, false, false, true]),
        ),
        (
            MediaPreferences::default(),
            json!([false, false, false, false]),
        ),
    ] {
        browser.set_media(media).await.unwrap();
        assert_eq!(value(&browser, queries).await, expected, "{media:?}");
        browser.open(&site.origin).await.unwrap();
        assert_eq!(value(&browser, queries).await, expected, "{media:?}");
    }
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn languages_reach_the_server_and_zone_and_locale_the_scripts() {
    let site = Site::serve(&[]).await;
    let options = BrowserOptions::new(800, 600).languages(&["de-DE", "de", "en"]);
    let browser = Browser::start_with(&options).await.unwrap();
    browser
        .open(&format!("{}/echo", site.origin))
        .await
        .unwrap();
    let echo = browser.find("#echo").await.unwrap().text().await.unwrap();
    assert_eq!(echo, "|de-DE,de;q=0.9,en;q=0.8");
    let languages = value(&browser, "navigator.languages").await;
    assert_eq!(languages, json!(["de-DE", "de", "en"]));

    let noon = "new Date(Date.UTC(2026, 0, 15, 12)).getHours()";
    for (zone, hour) in [("America/New_York", 7), ("Asia/Tokyo", 21), ("UTC", 12)] {
        browser.set_zone(zone).await.unwrap();
        assert_eq!(value(&browser, noon).await, hour, "{zone}");
    }
    let error = browser.set_zone("Mars/Olympus").await.unwrap_err();
    assert!(error.to_string().contains("Mars/Olympus"), "{error}");
    for (locale, expected) in [("de_DE", "1.234,5"), ("en_US", "1,234.5")] {
        browser.set_locale(locale).await.unwrap();
        let number = value(&browser, "(1234.5).toLocaleString()").await;
        assert_eq!(number, expected);
    }
    browser.stop().await.unwrap();
}

/// Everything but timers works without scripts.
#[tokio::test(flavor = "multi_thread")]
async fn scripts_of_pages_are_off_and_on_again() {
    let body = "<p id='ran'>no script</p><noscript><p>without</p></noscript>\
        <form action='/echo'><label for='a'>A</label><input id='a' name='a'>\
        <label for='s'>S</label><select id='s' name='s'><option>one<option>two</select>\
        <button>Go</button></form><p>The <a href='/echo?link'>Next</a> page.</p><script src='/page.js'></script>";
    let script = "document.getElementById('ran').textContent = 'script ran';";
    let files = [("/", &*page("", body)), ("/page.js", script)];
    let site = Site::serve(&files).await;
    let browser = Browser::start(1_280, 800).await.unwrap();
    let shown = async || browser.find("main").await.unwrap().text().await.unwrap();

    browser.set_scripts(false).await.unwrap();
    browser.open(&site.origin).await.unwrap();
    let text = shown().await;
    assert!(
        text.contains("no script") && text.contains("without"),
        "{text}"
    );
    assert_eq!(value(&browser, "1 + 1").await, 2);
    assert!(browser.picture().await.unwrap().len() > 500);
    let walk = browser.walk_by_tab().await.unwrap();
    let labels: Vec<&str> = walk.stops.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels, ["A", "S", "Go", "Next"]);
    let found = browser.accessibility().await.unwrap().violations;
    assert_eq!(found, []);
    // The check did not let the page's own scripts run.
    assert!(shown().await.contains("no script"));
    browser
        .find("#a")
        .await
        .unwrap()
        .type_in("x")
        .await
        .unwrap();
    browser
        .find("#s")
        .await
        .unwrap()
        .select("two")
        .await
        .unwrap();
    let go = browser.find_button("Go").await.unwrap();
    go.click().await.unwrap();
    let echo = browser.find("#echo").await.unwrap().text().await.unwrap();
    assert!(echo.starts_with("a=x&s=two|"), "{echo}");
    browser.back().await.unwrap();
    let next = browser.find_link("Next").await.unwrap();
    next.click().await.unwrap();
    let echo = browser.find("#echo").await.unwrap().text().await.unwrap();
    assert!(echo.starts_with("link|"), "{echo}");

    browser.set_scripts(true).await.unwrap();
    browser.open(&site.origin).await.unwrap();
    let text = shown().await;
    assert!(
        text.contains("script ran") && !text.contains("without"),
        "{text}"
    );
    browser.stop().await.unwrap();
}

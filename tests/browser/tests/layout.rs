//! The checks of the layout find what is planted, and nothing else.

use crate::site::Site;

const CLEAN: &str = "<p>Short.</p><div style='overflow-x: auto' tabindex='0' role='region' aria-label='table'>\
    <table><tr><td style='min-width: 900px'>wide, and scrolls by itself</td></tr></table></div>\
    <a class='skip' href='#m'>Skip</a><span class='hidden'>for readers only, a long text</span>\
    <label for='f'>Field</label> <input id='f' size='5' value='a value that is longer than its field'>";
const CLEAN_STYLE: &str = ".skip { position: absolute; left: -9999px } \
    .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fits_has_no_findings() {
    let (_site, browser) = Site::page(CLEAN_STYLE, CLEAN).await;
    let none: [String; 0] = [];
    assert_eq!(browser.sideways_scroll().await.unwrap(), none);
    assert_eq!(browser.elements_outside().await.unwrap(), none);
    assert_eq!(browser.clipped_texts().await.unwrap(), none);
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_too_wide_scrolls_the_page_sideways() {
    let body = "<div id='wide' style='width: 500px'><p>inside</p></div><p>narrow</p>";
    let (_site, browser) = Site::page("", body).await;
    let found = browser.sideways_scroll().await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("viewport of 390 px: div#wide"),
        "{found:?}"
    );
    // What is inside of it is not named again.
    let found = browser.elements_outside().await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("div#wide \"inside\" sticks out"),
        "{found:?}"
    );
    browser.set_viewport(1_280, 800).await.unwrap();
    assert!(browser.sideways_scroll().await.unwrap().is_empty());
    assert!(browser.elements_outside().await.unwrap().is_empty());
    browser.stop().await.unwrap();
}

/// A page that hides what sticks out does not scroll, and is no better.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_the_page_hides_sticks_out() {
    let body = "<p id='long'>Pneumonoultramicroscopicsilicovolcanoconiosispneumonoultramicroscopic</p>\
        <p id='left' style='margin-left: -30px'>left</p>";
    let (_site, browser) = Site::page(
        "html, body { overflow-x: hidden } p { width: max-content }",
        body,
    )
    .await;
    let found = browser.elements_outside().await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("p#long") && found[1].starts_with("p#left"),
        "{found:?}"
    );
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_are_cut_off_are_found() {
    let body = "<p id='side' style='width: 80px; overflow: hidden; white-space: nowrap'>a text of one line</p>\
        <p id='dots' style='width: 80px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis'>a text of one line</p>\
        <p id='low' style='height: 1.2em; line-height: 1.2; overflow: hidden'>one<br>two</p>\
        <p id='lines' class='two'>one<br>two<br>three</p><a href='/1' class='two'>one<br>two<br>three</a>\
        <p id='fits' style='height: 2.4em; line-height: 1.2; overflow: hidden'>one<br>two</p>";
    let two = ".two { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden }";
    let (_site, browser) = Site::page(two, body).await;
    let found = browser.clipped_texts().await.unwrap();
    let starts = ["p#side", "p#dots", "p#low", "p#lines"];
    assert_eq!(found.len(), starts.len(), "{found:?}");
    for (sentence, start) in found.iter().zip(starts) {
        assert!(sentence.starts_with(start), "{found:?}");
    }
    assert!(
        found[0].contains("at the side") && found[2].contains("at the bottom"),
        "{found:?}"
    );
    browser.stop().await.unwrap();
}

/// A name is cut between characters, not between the halves of one.
#[tokio::test(flavor = "multi_thread")]
async fn texts_of_all_scripts_are_named() {
    let text = format!("x{}", "\u{1f469}\u{200d}\u{1f467}".repeat(80));
    let body = format!(
        "<a href='/1' id='wide' style='display: block; width: 500px; overflow: hidden; white-space: nowrap; outline: none'>{text}</a>"
    );
    let (_site, browser) = Site::page("", &body).await;
    let expected: String = text.chars().take(40).collect();
    for found in [
        browser.sideways_scroll().await.unwrap(),
        browser.elements_outside().await.unwrap(),
        browser.clipped_texts().await.unwrap(),
        browser.walk_by_tab().await.unwrap().findings,
    ] {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(&expected), "{found:?}");
    }
    let stop = &browser.walk_by_tab().await.unwrap().stops[0];
    assert_eq!(stop.label.chars().count(), 200);
    browser.accessibility().await.unwrap();
    browser.stop().await.unwrap();
}

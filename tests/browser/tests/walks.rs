//! A walk by Tab finds what is planted, and nothing else.

use incident_test_browser::{Browser, TabWalk};

use crate::site::{Site, page};

const CLEAN: &str = "<a href='#m'>Skip</a> <a href='/1'>One</a> <button>Two</button> <button disabled>Not</button>\
    <div tabindex='-1'>Not</div><details><summary>Three</summary><a href='/2'>Not yet</a></details>\
    <fieldset><legend>Group</legend><label class='radio'><input type='radio' name='r' id='r1'> Four</label>\
    <label class='radio'><input type='radio' name='r' id='r2'> Same</label></fieldset>\
    <div id='m' style='height: 2000px'></div><a href='/3' style='transition: outline 2s'>Five</a>";
/// Looks of the focus other than the browser's own: a shadow, and a frame of the label.
const STYLE: &str = "button:focus-visible { outline: none; box-shadow: 0 0 0 3px black } \
    .radio input { position: absolute; opacity: 0 } .radio:focus-within { outline: 2px solid black }";

fn labels(walk: &TabWalk) -> Vec<&str> {
    walk.stops.iter().map(|one| one.label.as_str()).collect()
}

async fn walk(style: &str, body: &str) -> TabWalk {
    let (_site, browser) = Site::page(style, body).await;
    let walk = browser.walk_by_tab().await.unwrap();
    browser.stop().await.unwrap();
    walk
}

/// Asserts that a walk has one finding, with this end.
fn has_one_finding(walk: &TabWalk, expected: &str) {
    assert_eq!(walk.findings.len(), 1, "{walk:#?}");
    assert!(walk.findings[0].contains(expected), "{walk:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_over_a_good_page_reaches_everything_both_ways() {
    let (_site, browser) = Site::page(STYLE, CLEAN).await;
    let none: [String; 0] = [];
    for _ in 0..2 {
        let there = browser.walk_by_tab().await.unwrap();
        assert_eq!(there.findings, none, "{there:#?}");
        assert!(there.is_complete);
        assert_eq!(
            labels(&there),
            ["Skip", "One", "Two", "Three", "Four", "Five"]
        );
        let back = browser.walk_back_by_tab().await.unwrap();
        assert_eq!(back.findings, none, "{back:#?}");
        let ends = (labels(&back)[0], *labels(&back).last().unwrap());
        assert_eq!(ends, ("Five", "Skip"));
    }
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_with_parts_is_one_stop() {
    let body = "<a href='/1'>One</a><label>Two <input type='datetime-local'></label>\
        <label>Three <input type='month'></label><a href='/4'>Four</a>";
    let (_site, browser) = Site::page("", body).await;
    for walk in [
        browser.walk_by_tab().await.unwrap(),
        browser.walk_back_by_tab().await.unwrap(),
    ] {
        assert!(walk.is_complete && walk.findings.is_empty(), "{walk:#?}");
        assert_eq!(walk.stops.len(), 4, "{walk:#?}");
    }
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_without_a_sign_of_its_focus_is_found() {
    for style in [
        "a { outline: none }",
        "a { outline: 2px solid black }",
        "a { outline-color: transparent !important }",
    ] {
        let walk = walk(style, "<a href='/1'>One</a><button>Two</button>").await;
        assert_eq!(labels(&walk), ["One", "Two"]);
        has_one_finding(&walk, "a \"One\" shows no sign that it has the focus");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_that_is_not_seen_is_found() {
    let hidden =
        "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)";
    let one = walk("", &format!("<a href='/1' style='{hidden}'>One</a>")).await;
    has_one_finding(&one, "has the focus and is not visible");
    let two = walk(
        "",
        "<a href='/1' style='position: fixed; top: 3000px'>One</a>",
    )
    .await;
    has_one_finding(&two, "has the focus and is outside of the viewport");
}

/// WCAG 2.2, 2.4.11: a bar covers the element wholly; one that leaves a part is allowed.
#[tokio::test(flavor = "multi_thread")]
async fn an_element_that_is_covered_is_found() {
    let bar = |height| {
        format!(
            "<div style='position: fixed; inset: auto 0 0 0; height: {height}px; background: white'>bar</div>"
        )
    };
    let links: String = (0..40)
        .map(|one| format!("<p><a href='/{one}'>Link {one}</a></p>"))
        .collect();
    let covered = walk("", &format!("{links}{}", bar(100))).await;
    assert!(covered.findings.len() > 5, "{covered:#?}");
    assert!(
        covered.findings[0].contains("is covered by other elements"),
        "{covered:#?}"
    );
    let (_site, browser) = Site::page(
        "html { scroll-padding-bottom: 120px }",
        &format!("{links}<p style='height: 120px'></p>{}", bar(100)),
    )
    .await;
    let padded = browser.walk_by_tab().await.unwrap();
    assert!(padded.findings.is_empty(), "{padded:#?}");
    browser.stop().await.unwrap();
}

/// A bar on top covers elements on the way back.
#[tokio::test(flavor = "multi_thread")]
async fn an_element_that_is_covered_on_the_way_back_is_found() {
    let links: String = (0..40)
        .map(|one| format!("<p><a href='/{one}'>Link {one}</a></p>"))
        .collect();
    let bar = "<div style='position: sticky; top: 0; height: 100px; background: white'>bar</div>";
    let (_site, browser) = Site::page("", &format!("{bar}{links}")).await;
    assert!(browser.walk_by_tab().await.unwrap().findings.is_empty());
    let back = browser.walk_back_by_tab().await.unwrap();
    assert!(
        back.findings.iter().any(|one| one.contains("is covered")),
        "{back:#?}"
    );
    browser.stop().await.unwrap();
}

async fn with_script(body: &str, script: &str) -> TabWalk {
    let body = format!("{body}<script src='/page.js'></script>");
    let site = Site::serve(&[("/", &page("", &body)), ("/page.js", script)]).await;
    let browser = Browser::start(800, 600).await.unwrap();
    browser.open(&site.origin).await.unwrap();
    let walk = browser.walk_by_tab().await.unwrap();
    browser.stop().await.unwrap();
    walk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_and_what_lies_behind_it_are_found() {
    let body = "<a href='/1'>One</a><button id='trap'>Trap</button><a href='/2'>Two</a>";
    let script = "document.getElementById('trap').addEventListener('keydown', (event) => event.preventDefault());";
    let walk = with_script(body, script).await;
    assert_eq!(labels(&walk), ["One", "Trap"]);
    assert_eq!(
        walk.findings,
        [
            "the focus does not leave button#trap \"Trap\"",
            "a \"Two\" is not reached by Tab"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_leads_back_into_the_page_is_found() {
    let script = "document.getElementById('last').addEventListener('keydown', (event) => { \
        if (event.key === 'Tab') { event.preventDefault(); document.getElementById('first').focus(); } });";
    let walk = with_script(
        "<button id='first'>First</button><button id='last'>Last</button>",
        script,
    )
    .await;
    has_one_finding(&walk, "the focus does not leave button#first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_ends_after_as_many_stops_as_it_may_have() {
    let links: String = (0..410)
        .map(|one| format!("<a href='/{one}'>{one}</a> "))
        .collect();
    let walk = walk("", &links).await;
    assert_eq!((walk.stops.len(), walk.is_complete), (400, false));
    assert!(walk.findings.is_empty(), "{walk:#?}");
}

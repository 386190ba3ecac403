//! Pages that follow changes without a reload.

use std::time::Duration;

use incident_test_browser::Browser;
use serde_json::json;

use crate::people::{ANNA, BEN, PeopleConsole, click, is_true, is_true_within, value};

/// Maximum time from a change to the page that shows it.
const FOLLOWS: Duration = Duration::from_secs(3);

/// Maximum time from the end of a session to the note: the server looks every 15 s, and the browser
/// waits some seconds before it asks again.
const SESSION_ENDS: Duration = Duration::from_secs(25);

/// Makes a page known: it has not been loaded again while it keeps the mark.
const MARK: &str = "(window.mark = 'here', true)";
const IS_MARKED: &str = "window.mark === 'here'";

async fn declare(console: &PeopleConsole, title: &str) -> String {
    let body = json!({"title": title, "severity": "SEV3", "affected_services": ["api"], "affected_tenants": ["tenant-fr"]});
    let declared = console.post("/sys/incidents", &body).await;
    declared["id"].as_str().unwrap().to_owned()
}

/// field.md H25: what is read stays where it is, and so does the focus.
#[tokio::test(flavor = "multi_thread")]
async fn lists_in_two_tabs_follow_a_declaration_and_stay_where_they_are() {
    let console = PeopleConsole::start().await;
    for number in 1..=30 {
        declare(&console, &format!("Exports fail {number}")).await;
    }
    let browser = Browser::start(1_280, 800).await.unwrap();
    console.sign_in(&browser, ANNA).await;
    let first = browser.tab().await.unwrap();
    let second = browser.open_tab().await.unwrap();
    for tab in [&first, &second] {
        browser.switch_to(tab).await.unwrap();
        browser.open(&format!("{}/", console.origin)).await.unwrap();
        value(
            &browser,
            "(document.getElementById('i20').focus(), scrollTo(0, 400), true)",
        )
        .await;
        assert_eq!(value(&browser, "scrollY").await, 400);
        value(&browser, MARK).await;
    }
    // The page that is open last has begun to follow.
    declare(&console, "Search finds nothing").await;
    for tab in [&second, &first] {
        browser.switch_to(tab).await.unwrap();
        let took = is_true(
            &browser,
            "document.getElementById('i31')?.innerText.includes('Search finds nothing')",
        )
        .await;
        assert!(took < FOLLOWS, "{took:?}");
        assert_eq!(value(&browser, IS_MARKED).await, true);
        assert_eq!(value(&browser, "document.activeElement.id").await, "i20");
        assert_eq!(value(&browser, "scrollY").await, 400);
        let title = browser.title().await.unwrap();
        assert!(title.contains("31 active"), "{title}");
    }
    browser.stop().await.unwrap();
    console.stop().await;
}

/// A text that is being written stays, and what was read before is not written again.
#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_appends_what_happens() {
    let console = PeopleConsole::start().await;
    let id = declare(&console, "Exports fail").await;
    let path = format!("/sys/incidents/{id}/updates");
    for number in 1..=20 {
        let update = json!({"message": format!("Server {number} was restarted.\nStill slow.")});
        console.post(&path, &update).await;
    }
    let browser = Browser::start(390, 844).await.unwrap();
    console.sign_in(&browser, BEN).await;
    browser
        .open(&format!("{}/incidents/{id}", console.origin))
        .await
        .unwrap();
    value(&browser, MARK).await;
    let message = browser.find("#message").await.unwrap();
    message.type_in("Ben is writing").await.unwrap();
    value(&browser, "([...document.querySelectorAll('#log > li')].forEach((one) => { one.mark = true; }), scrollTo(0, 900), true)").await;
    let entries = value(&browser, "document.querySelectorAll('#log > li').length").await;
    let entries = entries.as_u64().unwrap();
    let before = value(
        &browser,
        "[scrollY, document.getElementById('e5').getBoundingClientRect().top]",
    )
    .await;

    let update = json!({"message": "The disk is full.", "status": "identified"});
    console.post(&path, &update).await;
    let took = is_true(
        &browser,
        "[...document.querySelectorAll('#log > li')].pop().innerText.includes('The disk is full.')",
    )
    .await;
    assert!(took < FOLLOWS, "{took:?}");
    is_true(
        &browser,
        "document.getElementById('head').innerText.includes('identified')",
    )
    .await;
    assert_eq!(value(&browser, IS_MARKED).await, true);
    let now = value(&browser, "document.querySelectorAll('#log > li').length").await;
    assert_eq!(now, entries + 1);
    let old = value(
        &browser,
        "[...document.querySelectorAll('#log > li')].filter((one) => one.mark).length",
    )
    .await;
    assert_eq!(old, entries);
    let after = value(
        &browser,
        "[scrollY, document.getElementById('e5').getBoundingClientRect().top]",
    )
    .await;
    assert_eq!(after, before);
    assert_eq!(
        value(&browser, "document.activeElement.id").await,
        "message"
    );
    assert_eq!(message.property("value").await.unwrap(), "Ben is writing");
    browser.stop().await.unwrap();
    console.stop().await;
}

/// All tabs of a person say so when the session has ended, and follow again after the next sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn pages_say_that_the_session_has_ended() {
    let console = PeopleConsole::start().await;
    let browser = Browser::start(390, 844).await.unwrap();
    console.sign_in(&browser, ANNA).await;
    let first = browser.tab().await.unwrap();
    let second = browser.open_tab().await.unwrap();
    browser.open(&format!("{}/", console.origin)).await.unwrap();
    console.sign_out_everywhere(ANNA).await;
    for tab in [&second, &first] {
        browser.switch_to(tab).await.unwrap();
        let is_noted = "!document.getElementById('signed-out').hidden";
        is_true_within(&browser, is_noted, SESSION_ENDS).await;
    }
    // The page itself is still there to be read.
    browser
        .find_link("Sign in")
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    let token = browser.find("#token").await.unwrap();
    token.type_in(ANNA).await.unwrap();
    click(&browser, "main button").await;
    is_true(
        &browser,
        "location.pathname === '/' && document.getElementById('incidents')",
    )
    .await;
    declare(&console, "Search finds nothing").await;
    let took = is_true(&browser, "document.getElementById('i1')").await;
    assert!(took < FOLLOWS, "{took:?}");
    browser.stop().await.unwrap();
    console.stop().await;
}

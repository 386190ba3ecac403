//! Forms are filled by the keyboard, and elements are found by their names.

use incident_test_browser::KeyboardKey;
use serde_json::json;

use crate::site::{Site, page};

const FORM: &str = "<form action='/echo'><label for='a'>Name</label><input id='a' name='a' value='old'>\
    <label for='t'>Text</label><textarea id='t' name='t'></textarea>\
    <label for='s'>Size</label><select id='s' name='s'><option>small<option value='L'>large one</select>\
    <label><input type='checkbox' id='c' name='c' required> Sure</label>\
    <button id='b' aria-label='Send it'>Go</button></form><a href='/echo?1'>It's \"here\"</a>";

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_to_the_focused_element() {
    let (_site, browser) = Site::page("", FORM).await;
    assert_eq!(browser.focused().await.unwrap().tag, "body");
    browser.press(&[KeyboardKey::Tab]).await.unwrap();
    let focused = browser.focused().await.unwrap();
    assert_eq!(
        (&*focused.tag, &*focused.id, &*focused.label),
        ("input", "a", "Name")
    );
    let [left, top, right, bottom] = focused.rectangle;
    assert!(
        left >= 0 && top > 0 && right > left && bottom > top,
        "{focused:?}"
    );
    // Tab selects the text of the field, which is replaced.
    browser.type_text("Ab\u{e9}").await.unwrap();
    let name = browser.find("#a").await.unwrap();
    assert_eq!(name.property("value").await.unwrap(), "Ab\u{e9}");
    assert_eq!(name.attribute("value").await.unwrap().unwrap(), "old");
    assert_eq!(name.attribute("placeholder").await.unwrap(), None);

    browser.press(&[KeyboardKey::Tab]).await.unwrap();
    browser.type_text("one").await.unwrap();
    browser.press(&[KeyboardKey::Enter]).await.unwrap();
    browser.type_text("two3").await.unwrap();
    browser.press(&[KeyboardKey::Backspace]).await.unwrap();
    let text = browser.find("#t").await.unwrap();
    assert_eq!(text.property("value").await.unwrap(), "one\ntwo");
    browser
        .press(&[KeyboardKey::Shift, KeyboardKey::Tab])
        .await
        .unwrap();
    assert_eq!(browser.focused().await.unwrap().id, "a");
    for _ in 0..3 {
        browser.press(&[KeyboardKey::Tab]).await.unwrap();
    }
    browser.press(&[KeyboardKey::Space]).await.unwrap();
    let sure = browser.find("#c").await.unwrap();
    assert_eq!(sure.property("checked").await.unwrap(), true);
    browser.press(&[KeyboardKey::Tab]).await.unwrap();
    assert_eq!(browser.focused().await.unwrap().label, "Send it");
    browser.press(&[KeyboardKey::Enter]).await.unwrap();
    let echo = browser.find("#echo").await.unwrap().text().await.unwrap();
    assert!(
        echo.starts_with("a=Ab%C3%A9&t=one%0D%0Atwo&s=small&c=on|"),
        "{echo}"
    );
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chord_reaches_the_page_as_one() {
    let body = "<label for='t'>T</label><textarea id='t'></textarea><p id='seen'></p><script src='/page.js'></script>";
    let script = "addEventListener('keydown', (event) => { \
        document.getElementById('seen').textContent += `${event.key}${event.ctrlKey ? ' held' : ''};`; });";
    let site = Site::serve(&[("/", &page("", body)), ("/page.js", script)]).await;
    let browser = incident_test_browser::Browser::start(800, 600)
        .await
        .unwrap();
    browser.open(&site.origin).await.unwrap();
    browser.find("#t").await.unwrap().click().await.unwrap();
    browser
        .press(&[KeyboardKey::Control, KeyboardKey::Enter])
        .await
        .unwrap();
    browser.press(&[KeyboardKey::Escape]).await.unwrap();
    let seen = browser.find("#seen").await.unwrap().text().await.unwrap();
    assert_eq!(seen, "Control held;Enter held;Escape;");
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn elements_are_found_by_name_cleared_and_selected() {
    let (_site, browser) = Site::page("", FORM).await;
    let name = browser.find("#a").await.unwrap();
    name.clear().await.unwrap();
    assert_eq!(name.property("value").await.unwrap(), "");
    assert_eq!(name.label().await.unwrap(), "Name");
    let size = browser.find("#s").await.unwrap();
    size.select("large one").await.unwrap();
    assert_eq!(size.property("value").await.unwrap(), "L");
    let error = size.select("huge").await.unwrap_err();
    assert!(error.to_string().contains("huge"), "{error}");
    let fields = browser.find_all("input, textarea").await.unwrap();
    let ids = fields.iter().map(|one| one.property("id"));
    let mut found = Vec::new();
    for id in ids {
        found.push(id.await.unwrap());
    }
    assert_eq!(found, [json!("a"), json!("t"), json!("c")]);
    assert_eq!(browser.find_all("video").await.unwrap().len(), 0);
    browser.find_button("Send it").await.unwrap();
    let link = browser.find_link("It's \"here\"").await.unwrap();
    let tag = browser
        .run("arguments[1](arguments[0].localName)", &[link.argument()])
        .await;
    assert_eq!(tag.unwrap(), "a");
    browser.stop().await.unwrap();
}

//! Texts that people type are not lost, and what they send is done once.

use incident_test_browser::{Browser, KeyboardKey};
use serde_json::{Value, json};

use crate::inspection::{DESKTOP, Inspection, PHONE, SMALL_PHONE};
use crate::people::{ANNA, BEN, PeopleConsole, arrives, click, fill, is_declared, is_true, value};

const TITLE: &str = "Exports fail for \"tenant-fr\" & others";
const SUMMARY: &str = "Since noon.\nThe queue is full: 支付 <b>.";

/// Opens the page on which incidents are declared.
async fn open_form(console: &PeopleConsole, browser: &Browser) {
    let address = format!("{}/incidents/new", console.origin);
    browser.open(&address).await.unwrap();
}

async fn typed(browser: &Browser, id: &str) -> Value {
    let field = browser.find(&format!("#{id}")).await.unwrap();
    field.property("value").await.unwrap()
}

async fn titles(console: &PeopleConsole) -> Vec<String> {
    let list = console.get("/sys/incidents").await;
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|one| one["title"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_survives_a_reload_and_is_gone_once_it_is_sent() {
    let console = PeopleConsole::start().await;
    let browser = Browser::start(390, 844).await.unwrap();
    console.sign_in(&browser, ANNA).await;
    open_form(&console, &browser).await;
    fill(&browser, "#title", TITLE).await;
    fill(&browser, "#summary", SUMMARY).await;
    browser.reload().await.unwrap();
    assert_eq!(typed(&browser, "title").await, TITLE);
    assert_eq!(typed(&browser, "summary").await, SUMMARY);
    click(&browser, "input[name=severity][value=SEV3]").await;
    click(&browser, "main button.primary").await;
    is_declared(&browser).await;
    assert_eq!(titles(&console).await, [TITLE]);
    open_form(&console, &browser).await;
    assert_eq!(typed(&browser, "title").await, "");
    assert_eq!(typed(&browser, "summary").await, "");
    browser.stop().await.unwrap();
    console.stop().await;
}

/// Declaring takes a title and a few keys, and the last one pressed twice does nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_declared_with_twelve_keys_and_once() {
    let console = PeopleConsole::start().await;
    let browser = Browser::start(1_280, 800).await.unwrap();
    console.sign_in(&browser, BEN).await;
    open_form(&console, &browser).await;
    let mut keys = 0;
    let mut press = async |chord: &[KeyboardKey]| {
        keys += chord.len();
        browser.press(chord).await.unwrap();
    };
    assert_eq!(browser.focused().await.unwrap().id, "title");
    browser.type_text("Exports fail").await.unwrap();
    press(&[KeyboardKey::Tab]).await;
    // The first severity has the focus; the arrow chooses the second.
    press(&[KeyboardKey::Down]).await;
    // Past the help with the severity.
    press(&[KeyboardKey::Tab]).await;
    press(&[KeyboardKey::Tab]).await;
    assert_eq!(browser.focused().await.unwrap().id, "affected_services");
    browser.type_text("exports").await.unwrap();
    while browser.focused().await.unwrap().id != "affected_tenants" {
        press(&[KeyboardKey::Tab]).await;
    }
    browser.type_text("tenant-fr").await.unwrap();
    press(&[KeyboardKey::Control, KeyboardKey::Enter, KeyboardKey::Enter]).await;
    is_declared(&browser).await;
    assert!(keys <= 12, "{keys} keys");
    let list = console.get("/sys/incidents").await;
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{list}");
    assert_eq!(items[0]["severity"], "SEV2");
    assert_eq!(items[0]["affected_services"], json!(["exports"]));
    browser.stop().await.unwrap();
    console.stop().await;
}

/// Looks at the page that is open, on phones and a desktop, in both themes.
async fn faultless(browser: &Browser, name: &str) {
    let mut inspection = Inspection::of(browser);
    inspection.begin(name.to_owned());
    for size in [SMALL_PHONE, DESKTOP, PHONE] {
        inspection.layout(size).await;
    }
    inspection.rules_in_both_themes().await;
    let findings = inspection.end();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// field.md H4: with scripts and without.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_outlives_its_session() {
    for has_scripts in [true, false] {
        let console = PeopleConsole::start().await;
        let browser = Browser::start(390, 844).await.unwrap();
        browser.set_scripts(has_scripts).await.unwrap();
        console.sign_in(&browser, ANNA).await;
        open_form(&console, &browser).await;
        fill(&browser, "#title", TITLE).await;
        fill(&browser, "#summary", SUMMARY).await;
        click(&browser, "input[name=severity][value=SEV1]").await;
        console.sign_out_everywhere(ANNA).await;
        click(&browser, "main button.primary").await;
        is_true(&browser, "document.getElementById('token')").await;
        assert_eq!(titles(&console).await, [""; 0]);
        faultless(&browser, "the sign-in over a form").await;
        fill(&browser, "#token", "not the right one").await;
        click(&browser, "main button.primary").await;
        is_true(&browser, "document.getElementById('token-error')").await;
        faultless(&browser, "the sign-in with a wrong token").await;
        fill(&browser, "#token", ANNA).await;
        click(&browser, "main button.primary").await;
        let shows_text = format!(
            "document.querySelector('main dl')?.innerText.includes({})",
            json!(TITLE)
        );
        is_true(&browser, &shows_text).await;
        assert_eq!(titles(&console).await, [""; 0]);
        faultless(&browser, "the form that was held").await;
        click(&browser, "main button.primary").await;
        is_declared(&browser).await;
        assert_eq!(titles(&console).await, [TITLE]);
        let list = console.get("/sys/incidents").await;
        let id = list["items"][0]["id"].as_str().unwrap();
        let declared = console.get(&format!("/sys/incidents/{id}")).await;
        assert_eq!(declared["summary"], SUMMARY);
        assert_eq!(declared["severity"], "SEV1");
        browser.stop().await.unwrap();
        console.stop().await;
    }
}

/// A person who goes back after a declaration and sends the form once more, changed, learns that it was sent
/// already; and what was typed is there. Browsers show the old page as it was, or load it again.
#[tokio::test(flavor = "multi_thread")]
async fn going_back_to_a_form_that_was_sent_loses_nothing_and_sends_nothing_twice() {
    for is_loaded_again in [false, true] {
        let console = PeopleConsole::start().await;
        let browser = Browser::start(1_280, 800).await.unwrap();
        console.sign_in(&browser, ANNA).await;
        open_form(&console, &browser).await;
        if is_loaded_again {
            // A page that wants to know when it is left is not stored.
            value(&browser, "(addEventListener('unload', () => {}), true)").await;
        }
        fill(&browser, "#title", TITLE).await;
        fill(&browser, "#summary", SUMMARY).await;
        click(&browser, "input[name=severity][value=SEV3]").await;
        value(&browser, "(window.mark = 'here', true)").await;
        click(&browser, "main button.primary").await;
        is_declared(&browser).await;

        go_back(&browser).await;
        let is_stored = value(&browser, "window.mark === 'here'").await;
        assert!(
            !is_loaded_again || is_stored == Value::Bool(false),
            "{is_stored}"
        );
        // Sent as it was, it leads to the incident that is there.
        click(&browser, "input[name=severity][value=SEV3]").await;
        click(&browser, "main button.primary").await;
        is_declared(&browser).await;
        assert_eq!(titles(&console).await, [TITLE]);

        go_back(&browser).await;
        fill(&browser, "#summary", "Something else").await;
        click(&browser, "input[name=severity][value=SEV3]").await;
        click(&browser, "main button.primary").await;
        is_true(&browser, "document.activeElement?.matches('.summary')").await;
        assert_eq!(titles(&console).await, [TITLE]);
        assert_eq!(typed(&browser, "title").await, TITLE);
        assert_eq!(typed(&browser, "summary").await, "Something else");

        // Who wants two of them may have them.
        click(&browser, "main button.primary").await;
        is_declared(&browser).await;
        assert_eq!(titles(&console).await, [TITLE, TITLE]);
        browser.stop().await.unwrap();
        console.stop().await;
    }
}

/// Goes back to the form, in which everything is as it was.
async fn go_back(browser: &Browser) {
    browser.back().await.unwrap();
    arrives(browser, "/incidents/new").await;
    assert_eq!(typed(browser, "title").await, TITLE);
    assert_eq!(typed(browser, "summary").await, SUMMARY);
}

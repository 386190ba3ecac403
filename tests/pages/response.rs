//! The response by clicking: the help with the severity, checklists, a handover, an approval by two people.

use incident_axum::Tokens;
use incident_console::console::ConsoleBuilder;
use incident_test_browser::Browser;
use serde_json::{Value, json};

use crate::inspection::{DESKTOP, PHONE};
use crate::people::{
    ANNA, BEN, PeopleConsole, arrives, choose, click, fill, follow, is_declared, is_true, text,
    value,
};
use crate::reader::BrowserReader;

/// Token of carla, a commander.
const CARLA: &str = "carla-0123456789abcdef";

const ACTION: &str = "Roll checkout back; baskets of the last hour are lost.";

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_a_team_responds() {
    play(BrowserReader {
        language: "en",
        size: PHONE,
        has_scripts: true,
        zone: "Europe/Paris",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_team_responds() {
    play(BrowserReader {
        language: "fr",
        size: DESKTOP,
        has_scripts: false,
        zone: "Africa/Douala",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desktop_a_team_responds() {
    play(BrowserReader {
        language: "de",
        size: DESKTOP,
        has_scripts: true,
        zone: "America/St_Johns",
    })
    .await;
}

async fn play(reader: BrowserReader) {
    let tokens = format!("anna:commander:{ANNA},ben:responder:{BEN},carla:commander:{CARLA}");
    let console = PeopleConsole::start_with(ConsoleBuilder {
        tokens: Tokens::parse(&tokens).unwrap(),
        ..ConsoleBuilder::default()
    })
    .await;
    let anna = reader.browser().await;
    console.sign_in(&anna, ANNA).await;
    let id = declare_with_help(&reader, &console, &anna).await;
    click(&anna, "#acknowledge-button").await;
    is_true(&anna, "!document.getElementById('acknowledge-button')").await;
    tick(&reader, &anna).await;
    hand_over(&reader, &anna, &id).await;
    request_approval(&reader, &anna, &id).await;

    // The person who asks does not approve: the commander and one more do.
    let address = format!("{}/incidents/{id}/approvals/1", console.origin);
    anna.open(&address).await.unwrap();
    reader.reads(&anna).await;
    let approves = "document.querySelectorAll('input[value=approve]').length";
    assert_eq!(value(&anna, approves).await, 0);
    for (token, state) in [(CARLA, "requested"), (BEN, "approved")] {
        let browser = reader.browser().await;
        console.sign_in(&browser, token).await;
        decide(&reader, &console, &browser, &id).await;
        let incident = console.get(&format!("/sys/incidents/{id}")).await;
        assert_eq!(incident["approvals"][0]["state"], state, "{incident}");
        assert_eq!(browser.console_messages().await.unwrap(), []);
        browser.stop().await.unwrap();
    }
    has_everything(&console, &id).await;
    // The browser notes the status of the handover without a note.
    let messages = anna.console_messages().await.unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].text.contains("422"), "{messages:?}");
    anna.stop().await.unwrap();
    console.stop().await;
}

/// Declares as the page proposes, and returns the id of the incident.
async fn declare_with_help(
    reader: &BrowserReader,
    console: &PeopleConsole,
    browser: &Browser,
) -> String {
    let address = format!("{}/incidents/new", console.origin);
    browser.open(&address).await.unwrap();
    fill(browser, "#title", "Payments fail for all").await;
    click(browser, "button[formaction]").await;
    is_true(browser, "document.getElementById('users_hit_percent')").await;
    reader.reads(browser).await;
    fill(browser, "#users_hit_percent", "95").await;
    click(browser, "button[name=step]").await;
    is_true(
        browser,
        "document.querySelector('button[name=take][value=proposal]')",
    )
    .await;
    reader.reads(browser).await;
    click(browser, "button[name=take][value=proposal]").await;
    is_true(browser, "document.getElementById('title')").await;
    let kept = value(browser, "document.getElementById('title').value").await;
    assert_eq!(kept, "Payments fail for all");
    let chosen = value(
        browser,
        "document.querySelector('input[name=severity]:checked')?.value",
    )
    .await;
    assert_eq!(chosen, "SEV1");
    click(browser, "main button.primary").await;
    let id = is_declared(browser).await;
    reader.reads(browser).await;
    let due = text(browser, "#card-due").await;
    assert!(due.contains("sev1-declared") || due.contains('5'), "{due}");
    id
}

/// Ticks the first open item of the first list, with a note.
async fn tick(reader: &BrowserReader, browser: &Browser) {
    fill(browser, "#note", "all federations, by their payments").await;
    click(browser, "#lists summary").await;
    click(browser, "#lists details[open] button").await;
    is_true(
        browser,
        "document.getElementById('lists')?.innerText.includes('✓')",
    )
    .await;
    is_true(
        browser,
        "document.getElementById('log').innerText.includes('all federations, by their payments')",
    )
    .await;
    reader.reads(browser).await;
}

/// Hands the command over to carla; without a note first, which is refused with the text kept.
async fn hand_over(reader: &BrowserReader, browser: &Browser, id: &str) {
    follow(browser, "#card-people a[href$='/roles']", "/roles").await;
    reader.reads(browser).await;
    click(browser, "input[name=action][value=hand_over]").await;
    choose(browser, "#role", "incident_commander").await;
    fill(browser, "#to", "carla").await;
    click(browser, "main button.primary").await;
    is_true(browser, "document.getElementById('note-error')").await;
    let kept = value(browser, "document.getElementById('to').value").await;
    assert_eq!(kept, "carla");
    reader.reads(browser).await;
    fill(browser, "#note", "Watch the queue of payments.").await;
    click(browser, "main button.primary").await;
    arrives(browser, id).await;
    let people = text(browser, "#card-people").await;
    assert!(people.contains("carla"), "{people}");
}

async fn request_approval(reader: &BrowserReader, browser: &Browser, id: &str) {
    follow(
        browser,
        "#card-approvals a[href$='/approvals']",
        "/approvals",
    )
    .await;
    reader.reads(browser).await;
    fill(browser, "#text", ACTION).await;
    click(browser, "main button.primary").await;
    arrives(browser, id).await;
    assert!(text(browser, "#card-approvals").await.contains(ACTION));
}

/// Approves, as another person.
async fn decide(reader: &BrowserReader, console: &PeopleConsole, browser: &Browser, id: &str) {
    let address = format!("{}/incidents/{id}", console.origin);
    browser.open(&address).await.unwrap();
    follow(browser, "#card-approvals a[href*='/approvals/']", "/1").await;
    reader.reads(browser).await;
    assert!(text(browser, "main").await.contains(ACTION));
    click(browser, "input[name=decision][value=approve]").await;
    click(browser, "main button.primary").await;
    arrives(browser, id).await;
}

/// Checks what the API says of what was clicked.
async fn has_everything(console: &PeopleConsole, id: &str) {
    let incident = console.get(&format!("/sys/incidents/{id}")).await;
    assert_eq!(incident["severity"], "SEV1");
    let held = |role: &str| {
        let roles = incident["roles"].as_array().unwrap().iter();
        let held = roles.filter(|one| one["role"] == role && one["renounced_at"].is_null());
        held.map(|one| one["person"].clone())
            .collect::<Vec<Value>>()
    };
    assert_eq!(held("incident_commander"), ["carla"], "{incident}");
    let lists = console
        .get(&format!("/sys/incidents/{id}/checklists"))
        .await;
    let ticked = lists.to_string().matches("\"ticked_by\":\"anna\"").count();
    assert_eq!(ticked, 1, "{lists}");
    let verdict = console
        .get(&format!("/sys/incidents/{id}/timeline/verify"))
        .await;
    assert_eq!(verdict["valid"], json!(true));
}

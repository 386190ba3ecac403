//! The reference scenario of the domain by clicking: from a suggestion to the post-mortem.

use std::time::{Duration, SystemTime};

use incident_axum::Tokens;
use incident_console::console::ConsoleBuilder;
use incident_console::demo::Demo;
use incident_core::Timestamp;
use incident_test_browser::Browser;
use serde_json::{Value, json};

use crate::inspection::{DESKTOP, PHONE};
use crate::people::{
    ANNA, PeopleConsole, arrives, choose, click, fill, follow, is_declared, is_true, text, value,
};
use crate::reader::BrowserReader;

const MINUTE: Duration = Duration::from_secs(60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Distinct users with calls during the outage.
const HIT: u32 = 1_247;
/// Distinct users in the same window of an ordinary week.
const USUAL: u32 = 1_310;

/// A run of the scenario.
struct Scenario {
    reader: BrowserReader,
    minutes: u32,
    /// Texts of the cards, in the reader's language.
    users: &'static str,
    outage: &'static str,
    target: &'static str,
    credit: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_an_outage_of_38_minutes_earns_nothing() {
    play(&Scenario {
        reader: BrowserReader {
            language: "en",
            size: PHONE,
            has_scripts: true,
            zone: "Europe/Paris",
        },
        minutes: 38,
        users: "1,247 users hit (usual at this time: 1,310)",
        outage: "38 min of outage",
        target: "Target of 99.9% met",
        credit: "No credit is owed",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_an_outage_of_45_minutes_earns_a_tenth() {
    play(&Scenario {
        reader: BrowserReader {
            language: "fr",
            size: DESKTOP,
            has_scripts: false,
            zone: "Africa/Douala",
        },
        minutes: 45,
        users: "1 247 utilisateurs touchés (d’habitude à cette heure : 1 310)",
        outage: "45 min d’interruption",
        target: "Objectif de 99,9 % manqué",
        credit: "Avoir : 10 %",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desktop_an_outage_of_45_minutes_earns_a_tenth() {
    play(&Scenario {
        reader: BrowserReader {
            language: "de",
            size: DESKTOP,
            has_scripts: true,
            zone: "America/St_Johns",
        },
        minutes: 45,
        users: "1.247 Nutzer betroffen (sonst um diese Zeit: 1.310)",
        outage: "45 min Ausfall",
        target: "Ziel von 99,9 % verfehlt",
        credit: "Gutschrift: 10 %",
    })
    .await;
}

async fn play(scenario: &Scenario) {
    let console = PeopleConsole::start_with(ConsoleBuilder {
        tokens: Tokens::parse(&format!("anna:commander:{ANNA}")).unwrap(),
        policy: Demo::policy().unwrap(),
        pagers: Demo::pagers().unwrap().current,
        ..ConsoleBuilder::default()
    })
    .await;
    let now = Timestamp::try_from(SystemTime::now()).unwrap();
    let second = u64::try_from(now.micros() / 1_000_000 % 60).unwrap();
    let start: Timestamp = now.saturating_sub(60 * MINUTE + Duration::from_secs(second));
    // Times of forms have whole minutes.
    let start: Timestamp = format!("{}:00Z", &start.to_string()[..16]).parse().unwrap();
    let end = start.saturating_add(scenario.minutes * MINUTE);
    feed(&console, start, scenario.minutes * MINUTE).await;
    let suggestion = json!({"service": "api", "tenant": "tenant-fr", "signal": "error_rate", "observed_at": start,
        "evidence": "5xx rate of api above 40 % for two minutes"});
    console
        .post("/sys/incidents/suggestions", &suggestion)
        .await;

    let reader = &scenario.reader;
    let browser = reader.browser().await;
    console.sign_in(&browser, ANNA).await;
    reader.reads(&browser).await;
    reader.set_zone(&browser).await;
    let id = declare(reader, &browser).await;
    respond(reader, &browser, end).await;
    publish(reader, &browser, &console, &id).await;
    link_post_mortem(reader, &browser, &id).await;
    shows_the_figures(scenario, &browser).await;
    let verdict = console
        .get(&format!("/sys/incidents/{id}/timeline/verify"))
        .await;
    assert_eq!(verdict["valid"], true);
    let messages = browser.console_messages().await.unwrap();
    // The browser notes the status of the address that is not secure.
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].text.contains("422"), "{messages:?}");
    browser.stop().await.unwrap();
    console.stop().await;
}

/// Sends usage as a gateway would report it: the users of the outage, one just outside of it, and
/// four ordinary weeks before it.
async fn feed(console: &PeopleConsole, start: Timestamp, outage: Duration) {
    let event = |user: u32, at: Timestamp| {
        json!({"tenant_id": "tenant-fr", "user_id": format!("user-{user}"), "service": "api",
            "occurred_at": at, "failed": true, "endpoint": "/v1/orders"})
    };
    let spread = |user: u32, of: u32, from: Timestamp| from.saturating_add(outage * user / of);
    let mut events: Vec<Value> = (0..HIT)
        .map(|user| event(user, spread(user, HIT, start)))
        .collect();
    events.push(event(HIT, start.saturating_add(outage)));
    for week in 1..=4 {
        let from = start.saturating_sub(WEEK * week);
        events.extend((0..USUAL).map(|user| event(user, spread(user, USUAL, from))));
    }
    console
        .post("/sys/usage-events", &Value::Array(events))
        .await;
}

/// Declares an incident from the suggestion, and returns its id.
async fn declare(reader: &BrowserReader, browser: &Browser) -> String {
    follow(browser, "#alarms a[href*='suggestion=']", "/incidents/new").await;
    reader.reads(browser).await;
    for (field, expected) in [
        ("affected_services", "api"),
        ("affected_tenants", "tenant-fr"),
    ] {
        let field = browser.find(&format!("#{field}")).await.unwrap();
        let filled = field.property("value").await.unwrap();
        assert_eq!(filled.as_str().unwrap().trim(), expected);
    }
    fill(browser, "#title", "API errors for tenant-fr").await;
    click(browser, "input[name=severity][value=SEV2]").await;
    let shown = value(
        browser,
        "[...document.querySelectorAll('.on')].filter((one) => one.checkVisibility()).length",
    )
    .await;
    assert_eq!(shown, 1, "who is paged");
    click(browser, "main button.primary").await;
    let id = is_declared(browser).await;
    reader.reads(browser).await;
    id
}

/// Acknowledges, and writes the updates until the end.
async fn respond(reader: &BrowserReader, browser: &Browser, end: Timestamp) {
    click(browser, "#acknowledge-button").await;
    is_true(browser, "!document.getElementById('acknowledge-button')").await;
    assert!(text(browser, "#head").await.contains("anna"));
    for (status, message) in [
        (
            "identified",
            "The database connection pool of api is exhausted.",
        ),
        ("mitigated", "Pool size increased, workers restarted."),
        ("resolved", "Error rate is back to normal."),
    ] {
        fill(browser, "#message", message).await;
        choose(browser, "#status", status).await;
        if status == "mitigated" {
            let line = "A fix is in place and we are monitoring the results.";
            fill(browser, "#public_message", line).await;
            click(browser, "#update .actions button.primary").await;
            // Nothing is sent before the person has seen what customers would read.
            is_true(
                browser,
                "document.querySelector('#update .summary button.primary')",
            )
            .await;
            reader.reads(browser).await;
            click(browser, "#update .summary button.primary").await;
        } else {
            if status == "resolved" {
                reader.set_time(browser, "impact_ended_at", end).await;
            }
            click(browser, "#update .actions button.primary").await;
        }
        let is_last = format!(
            "[...document.querySelectorAll('#log > li')].some((one) => one.innerText.includes({}))",
            json!(message)
        );
        is_true(browser, &is_last).await;
        assert_eq!(
            value(browser, "document.getElementById('message').value").await,
            ""
        );
        reader.reads(browser).await;
    }
}

/// Publishes the incident, after a look at what customers will read.
async fn publish(reader: &BrowserReader, browser: &Browser, console: &PeopleConsole, id: &str) {
    follow(browser, "#acts a[href$='/publish']", "/publish").await;
    reader.reads(browser).await;
    fill(browser, "#title", "API errors").await;
    click(browser, "main button.primary").await;
    // The title is another one than that of the preview, so it is shown again.
    let is_shown = "document.querySelector('main .public')?.innerText.includes('API errors')";
    is_true(browser, is_shown).await;
    let hidden = console.get(&format!("/sys/incidents/{id}")).await;
    assert_eq!(hidden["public"], false, "{hidden}");
    click(browser, "main button.primary").await;
    arrives(browser, id).await;
    let seen = text(browser, "#card-customers").await;
    for line in [
        "API errors",
        "A fix is in place and we are monitoring the results.",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    browser
        .open(&format!("{}/status", console.origin))
        .await
        .unwrap();
    reader.reads(browser).await;
    assert!(text(browser, "main").await.contains("API errors"));
    browser
        .open(&format!("{}/incidents/{id}", console.origin))
        .await
        .unwrap();
}

async fn link_post_mortem(reader: &BrowserReader, browser: &Browser, id: &str) {
    click(browser, "#more-acts summary").await;
    follow(browser, "#acts a[href$='/post-mortem']", "/post-mortem").await;
    reader.reads(browser).await;
    fill(browser, "#url", "http://wiki.example/not-secure").await;
    click(browser, "main button.primary").await;
    is_true(browser, "document.getElementById('url-error')").await;
    let typed = browser.find("#url").await.unwrap().property("value").await;
    assert_eq!(typed.unwrap(), "http://wiki.example/not-secure");
    fill(
        browser,
        "#url",
        "https://wiki.example/post-mortems/api-errors",
    )
    .await;
    click(browser, "main button.primary").await;
    arrives(browser, id).await;
    let links = text(browser, "#card-links").await;
    let is_linked = value(browser, "Boolean(document.querySelector(\"#card-links a[href='https://wiki.example/post-mortems/api-errors']\"))").await;
    assert_eq!(is_linked, true, "{links}");
}

async fn shows_the_figures(scenario: &Scenario, browser: &Browser) {
    let impact = text(browser, "#card-impact").await;
    assert!(
        impact.contains(scenario.users),
        "{} in {impact}",
        scenario.users
    );
    let sla = text(browser, "#card-sla").await;
    for line in [scenario.outage, scenario.target, scenario.credit] {
        assert!(sla.contains(line), "{line} in {sla}");
    }
}

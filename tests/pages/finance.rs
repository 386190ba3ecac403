//! The work of finance on the credits of a month, by clicking: computes, reads, approves, waives, and
//! takes the figures along.

use std::time::{Duration, SystemTime};

use incident_axum::Tokens;
use incident_console::console::ConsoleBuilder;
use incident_console::demo::Demo;
use incident_core::{Month, Timestamp};
use incident_test_browser::Browser;
use reqwest::{Client, header};
use serde_json::json;

use crate::inspection::{DESKTOP, PHONE};
use crate::people::{ANNA, BEN, PeopleConsole, arrives, click, fill, follow, is_true, text, value};
use crate::reader::BrowserReader;

/// Token of ada, an admin, who also ended one of the incidents.
const ADA: &str = "ada-0123456789abcdef";
/// Reason of the waiver.
const REASON: &str = "The federation had announced its maintenance.";
/// Tenant and minutes of each outage.
const OUTAGES: [(&str, &str, u64); 4] = [
    (BEN, "tenant-fr", 96),
    (BEN, "tenant-de", 300),
    (BEN, "tenant-es", 50),
    (ADA, "tenant-us", 800),
];

/// A run of the scenario, with texts in the reader's language.
struct FinanceScenario {
    reader: BrowserReader,
    /// Amounts of tenant-fr and tenant-us.
    amounts: [&'static str; 2],
    approved: &'static str,
    waived: &'static str,
    /// Summary of the decisions about the other two.
    results: &'static str,
    refusal: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desktop_with_scripts() {
    play(&FinanceScenario {
        reader: BrowserReader {
            language: "de",
            size: DESKTOP,
            has_scripts: true,
            zone: "Europe/Berlin",
        },
        amounts: ["490,00 €", "1.450,00 $"],
        approved: "genehmigt",
        waived: "verzichtet",
        results: "1 erledigt, 1 nicht",
        refusal: "Sie haben diese Gutschrift neu berechnet oder einen ihrer Vorfälle gemeldet, beendet oder berichtigt.",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_without_scripts() {
    play(&FinanceScenario {
        reader: BrowserReader {
            language: "en",
            size: PHONE,
            has_scripts: false,
            zone: "UTC",
        },
        amounts: ["€490.00", "$1,450.00"],
        approved: "approved",
        waived: "waived",
        results: "1 done, 1 not",
        refusal: "You recomputed this credit, or declared, ended or corrected one of its incidents.",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_with_scripts() {
    play(&FinanceScenario {
        reader: BrowserReader {
            language: "fr",
            size: PHONE,
            has_scripts: true,
            zone: "Europe/Paris",
        },
        amounts: ["490,00 €", "1 450,00 $US"],
        approved: "approuvé",
        waived: "abandonné",
        results: "1 effectués, 1 non",
        refusal: "Vous avez recalculé cet avoir, ou déclaré, terminé ou corrigé l’un de ses incidents.",
    })
    .await;
}

async fn play(scenario: &FinanceScenario) {
    let tokens = format!("anna:commander:{ANNA},ben:responder:{BEN},ada:admin:{ADA}");
    let console = PeopleConsole::start_with(ConsoleBuilder {
        tokens: Tokens::parse(&tokens).unwrap(),
        policy: Demo::policy().unwrap(),
        ..ConsoleBuilder::default()
    })
    .await;
    let now = Timestamp::try_from(SystemTime::now()).unwrap();
    let month = Month::of(now).before().unwrap();
    let noon = month
        .window()
        .start()
        .saturating_add(Duration::from_secs(36 * 3_600));
    for (token, tenant, minutes) in OUTAGES {
        let end = noon.saturating_add(Duration::from_secs(60 * minutes));
        let outage = json!({"title": format!("Outage of {tenant}"), "severity": "SEV2", "mode": "retrospective",
            "affected_services": ["api"], "affected_tenants": [tenant], "started_at": noon, "resolved_at": end});
        console.post_as(token, "/sys/incidents", &outage).await;
    }

    let reader = &scenario.reader;
    let browser = reader.browser().await;
    console.sign_in(&browser, ADA).await;
    follow(&browser, ".nav a[href='/sla']", "/sla").await;
    reader.reads(&browser).await;
    click(&browser, "a[rel=prev]").await;
    is_true(
        &browser,
        &format!("location.search.includes({})", json!(month.to_string())),
    )
    .await;
    shows_all_credits(scenario, &browser).await;
    recompute(reader, &browser).await;
    approve_one(scenario, &browser).await;
    waive_one(scenario, &browser).await;
    approve_the_rest(scenario, &browser).await;
    takes_the_figures_along(&browser, &console).await;
    let messages = browser.console_messages().await.unwrap();
    // The browser notes the status of the waiver without a reason.
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].text.contains("422"), "{messages:?}");
    browser.stop().await.unwrap();
    console.stop().await;
}

async fn shows_all_credits(scenario: &FinanceScenario, browser: &Browser) {
    scenario.reader.reads(browser).await;
    let rows = browser.find_all("#credits tbody tr").await.unwrap();
    assert_eq!(rows.len(), OUTAGES.len());
    let table = text(browser, "#credits table").await;
    for amount in scenario.amounts {
        assert!(table.contains(amount), "{amount} in {table}");
    }
}

/// Computes the credits once more, which changes none.
async fn recompute(reader: &BrowserReader, browser: &Browser) {
    click(browser, "#recompute summary").await;
    click(browser, "#recompute button").await;
    is_true(
        browser,
        "location.search.includes('recomputed=0') && document.querySelector('main [role=status]')",
    )
    .await;
    reader.reads(browser).await;
}

/// Opens the derivation of a tenant, and approves its credit.
async fn approve_one(scenario: &FinanceScenario, browser: &Browser) {
    follow(browser, "#credits a[href*='tenant-fr']", "/sla/tenant-fr").await;
    scenario.reader.reads(browser).await;
    let steps = value(
        browser,
        "document.querySelectorAll('#derivation ~ ol > li').length",
    )
    .await;
    assert!(steps.as_u64() > Some(2), "{steps}");
    let page = text(browser, "main").await;
    assert!(page.contains(scenario.amounts[0]), "{page}");
    follow(
        browser,
        "button[name=decision][value=approve]",
        "/sla/credits/review",
    )
    .await;
    scenario.reader.reads(browser).await;
    assert!(text(browser, "main").await.contains("tenant-fr"));
    follow(browser, "main button.primary", "/sla/credits/decide").await;
    let result = text(browser, "main tbody").await;
    assert!(result.contains(scenario.approved), "{result}");
    follow(browser, "main a.primary", "/sla").await;
}

/// Waives a credit: not without a reason.
async fn waive_one(scenario: &FinanceScenario, browser: &Browser) {
    follow(browser, "#credits a[href*='tenant-es']", "/sla/tenant-es").await;
    follow(
        browser,
        "button[name=decision][value=waive]",
        "/sla/credits/review",
    )
    .await;
    follow(browser, "main button.primary", "/sla/credits/decide").await;
    is_true(browser, "document.getElementById('reason-error')").await;
    scenario.reader.reads(browser).await;
    if scenario.reader.has_scripts {
        is_true(browser, "document.activeElement.matches('.summary')").await;
    }
    fill(browser, "#reason", REASON).await;
    click(browser, "main button.primary").await;
    is_true(
        browser,
        "!document.getElementById('reason') && document.querySelector('main tbody')",
    )
    .await;
    let result = text(browser, "main tbody").await;
    assert!(result.contains(scenario.waived), "{result}");
    follow(browser, "main a.primary", "/sla").await;
    follow(browser, "#credits a[href*='tenant-es']", "/sla/tenant-es").await;
    let page = text(browser, "main").await;
    assert!(page.contains(REASON), "{page}");
    browser.back().await.unwrap();
    arrives(browser, "/sla").await;
}

/// Approves all that are left at once; one needs the eyes of somebody else.
async fn approve_the_rest(scenario: &FinanceScenario, browser: &Browser) {
    click(browser, "input[name=everything]").await;
    follow(
        browser,
        "#credits > .actions button[value=approve]",
        "/sla/credits/review",
    )
    .await;
    scenario.reader.reads(browser).await;
    let rows = browser.find_all("main tbody tr").await.unwrap();
    assert_eq!(rows.len(), 2);
    follow(browser, "main button.primary", "/sla/credits/decide").await;
    scenario.reader.reads(browser).await;
    let page = text(browser, "main").await;
    for line in [scenario.results, scenario.refusal, scenario.approved] {
        assert!(page.contains(line), "{line} in {page}");
    }
    follow(browser, "main a.primary", "/sla").await;
}

/// Reads the file that the page links to, as the person.
async fn takes_the_figures_along(browser: &Browser, console: &PeopleConsole) {
    let link = value(browser, "document.querySelector('a[download]').href").await;
    let cookies = browser.cookies().await.unwrap();
    let pair = |(name, value): &(String, String)| format!("{name}={value}");
    let cookies: Vec<String> = cookies.iter().map(pair).collect();
    let http = Client::builder().no_proxy().build().unwrap();
    let request = http.get(link.as_str().unwrap());
    let response = request.header(header::COOKIE, cookies.join("; ")).send();
    let response = response.await.unwrap();
    assert_eq!(response.status(), 200, "{link}");
    assert!(link.as_str().unwrap().starts_with(&console.origin));
    let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap();
    assert!(kind.starts_with("text/csv"), "{kind}");
    let file = response.text().await.unwrap();
    for (_, tenant, _) in OUTAGES {
        assert_eq!(file.matches(tenant).count(), 1, "{file}");
    }
}

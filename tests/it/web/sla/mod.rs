//! SLA and credits: figures that agree with those of programs.

mod decisions;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use super::{after, must_not_be_english, page, page_in};
use crate::over_http::harness::{Answer, BILLING, COMMANDER, Server, VIEWER};

const POLICY: &str = "[sla]\ntarget_percent = \"99.9\"\nversion = \"std-1\"\ntiers = [{ from_minutes = 0, credit_percent = \"0\" }, { from_minutes = 45, credit_percent = \"10\" }]\n[contracts.gold]\nterms = [{ target_percent = \"99.95\", version = \"gold-1\", basis = \"per_month\", availability_tiers = [{ below_percent = \"99.95\", credit_percent = \"10\" }, { below_percent = \"99\", credit_percent = \"25\" }] }]\n[tenants.tenant-fr]\nmonthly_fee = { minor = 123456, currency = \"EUR\" }\n[tenants.tenant-de]\nmonthly_fee = { minor = 999999, currency = \"EUR\" }\n[tenants.tenant-jp]\nmonthly_fee = { minor = 1500000, currency = \"JPY\" }\n[tenants.tenant-gold]\ncontract = \"gold\"\nmonthly_fee = { minor = 500000, currency = \"USD\" }\n[credits]\nfour_eyes = true\n";

/// Enters an outage of a month that is over; returns the id.
async fn outage(server: &Server, token: &str, day: u32, minutes: u32, tenants: &[&str]) -> String {
    let body = json!({"title": format!("Outage of the {day}th"), "severity": "SEV2",
        "mode": "retrospective", "affected_services": ["api"], "affected_tenants": tenants,
        "started_at": format!("2026-10-{day:02}T10:00:00Z"),
        "resolved_at": format!("2026-10-{day:02}T{:02}:{:02}:00Z", 10 + minutes / 60, minutes % 60)});
    let declared = server.post(token, "/sys/incidents", &body).await.is(201);
    declared["id"].as_str().unwrap().to_owned()
}

/// Returns the amounts in the foot of the table.
fn totals(answer: &Answer) -> Vec<String> {
    let (_, foot) = answer.text.split_once("<tfoot>").unwrap();
    let amounts = foot.split("<div class=\"nowrap\">").skip(1);
    amounts
        .map(|one| one.split('<').next().unwrap().to_owned())
        .collect()
}

/// Returns the sums of the statements of a month as programs get them, in minor units.
async fn sums_of_api(server: &Server, month: &str) -> BTreeMap<String, i64> {
    let path = format!("/sys/sla/statements?month={month}&limit=200");
    let mut sums = BTreeMap::new();
    for made in server.pages(VIEWER, &path).await {
        if let Some(minor) = made["amount"]["minor"].as_i64() {
            let currency = made["amount"]["currency"].as_str().unwrap();
            *sums.entry(currency.to_owned()).or_default() += minor;
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_agree_with_those_of_programs_on_every_page() {
    let server = Server::start_under(POLICY).await;
    let many: Vec<String> = (0..250).map(|n| format!("t-{n:03}")).collect();
    let mut tenants: Vec<&str> = many.iter().map(String::as_str).collect();
    tenants.extend(["tenant-fr", "tenant-de", "tenant-jp", "tenant-gold"]);
    outage(&server, COMMANDER, 5, 50, &tenants).await;
    outage(&server, COMMANDER, 7, 70, &["tenant-jp"]).await;
    let sums = sums_of_api(&server, "2026-10").await;
    // 10 % each, capped at the highest step; 10 % under the contract per month.
    let expected = [("EUR", 12_346 + 100_000), ("JPY", 150_000), ("USD", 50_000)];
    assert_eq!(
        sums,
        expected
            .map(|(code, minor)| (code.to_owned(), minor))
            .into()
    );
    let first = page(&server, VIEWER, "/sla?month=2026-10").await;
    assert_eq!(first.status, 200);
    assert_eq!(totals(&first), ["€1,123.46", "¥150,000", "$500.00"]);
    assert!(
        first.text.contains("1 to 200 of 254 tenants"),
        "{}",
        first.text
    );
    assert!(first.text.contains("All 254 tenants"));
    // 50 minutes of 99.9 % of a month.
    assert!(first.text.contains("254 missed"));
    assert!(
        first
            .text
            .contains("250 tenants have a credit and no known fee")
    );
    let next = after(&first, "rel=\"next\" href=\"/sla?month=2026-10").replace("&amp;", "&");
    let second = page(&server, VIEWER, &format!("/sla?month=2026-10{next}")).await;
    assert!(
        second.text.contains("201 to 254 of 254 tenants"),
        "{}",
        second.text
    );
    assert_eq!(totals(&second), totals(&first));
    // The figures of a row, in three forms.
    let one = server
        .get(VIEWER, "/sys/sla/statements?month=2026-10&tenant=tenant-fr")
        .await
        .is(200);
    let availability = one["items"][0]["availability_percent"].as_str().unwrap();
    for (language, amount, share) in [
        ("en", "€123.46", format!("{availability}%")),
        (
            "fr",
            "123,46\u{a0}€",
            format!("{}\u{a0}%", availability.replace('.', ",")),
        ),
        (
            "de",
            "123,46\u{a0}€",
            format!("{}\u{a0}%", availability.replace('.', ",")),
        ),
    ] {
        let shown = page_in(&server, VIEWER, "/sla?month=2026-10&tenant=FR", language).await;
        assert!(shown.text.contains(amount), "{amount}: {}", shown.text);
        assert!(shown.text.contains(&share), "{share}: {}", shown.text);
        assert_eq!(totals(&shown), [amount]);
    }
    // The export is that of the API.
    let export = after(&first, "class=\"button\" href=\"/sys/sla/statements").replace("&amp;", "&");
    let table = server
        .response(
            Method::GET,
            VIEWER,
            &format!("/sys/sla/statements{export}"),
            &[],
            None,
        )
        .await;
    assert_eq!(table.status(), 200);
    assert_eq!(table.text().await.unwrap().lines().count(), 255);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn months_without_figures_say_why() {
    let server = Server::start_under(POLICY).await;
    outage(&server, COMMANDER, 5, 50, &["tenant-fr"]).await;
    for (query, status, words) in [
        ("?month=2025-01", 200, "No outage in January 2025"),
        ("?month=2026-12", 200, "This month has not begun"),
        ("?month=2026-10&tenant=zzz", 200, "No tenant matches"),
        ("", 200, "No outage in November 2026"),
        ("?month=2026-13", 422, "id=\"month-error\""),
        ("?month=%22%3E%3Cb%3E", 422, "value=\"&quot;&gt;&lt;b&gt;\""),
        ("?month=2026-10&cursor=x", 422, "Some fields need attention"),
    ] {
        let shown = page(&server, BILLING, &format!("/sla{query}")).await;
        assert_eq!(shown.status, status, "{query}: {}", shown.text);
        assert!(shown.text.contains(words), "{query}: {}", shown.text);
    }
    for (path, status, words) in [
        (
            "/sla/tenant-de?month=2026-10",
            200,
            "No outage of this tenant",
        ),
        (
            "/sla/tenant-fr?month=2026-12",
            200,
            "This month has not begun",
        ),
        ("/sla/tenant-fr?month=x", 422, "Some fields need attention"),
        ("/sla/%00?month=2026-10", 404, "There is nothing here"),
    ] {
        let shown = page(&server, VIEWER, path).await;
        assert_eq!(shown.status, status, "{path}: {}", shown.text);
        assert!(shown.text.contains(words), "{path}: {}", shown.text);
    }
    // A month that goes on is provisional.
    server.declare(&json!({})).await;
    server.clock.advance(std::time::Duration::from_secs(3_600));
    let now = page(&server, VIEWER, "/sla").await;
    assert!(now.text.contains("The month goes on"), "{}", now.text);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_its_derivation_its_incidents_and_its_ledger() {
    let server = Server::start_under(POLICY).await;
    let id = outage(&server, COMMANDER, 5, 50, &["tenant-gold", "<b>&\"x"]).await;
    let shown = page(&server, VIEWER, "/sla/tenant-gold?month=2026-10").await;
    let one = server
        .get(
            VIEWER,
            "/sys/sla/statements?month=2026-10&tenant=tenant-gold",
        )
        .await
        .is(200);
    for step in one["items"][0]["derivation"].as_array().unwrap() {
        let step = format!("<li>{}</li>", step.as_str().unwrap());
        assert!(shown.text.contains(&step), "{step}: {}", shown.text);
    }
    assert!(shown.text.contains(&format!(
        "href=\"/incidents/{id}\"><span class=\"num\">#1</span> <bdi>Outage of the 5th</bdi>"
    )));
    // 0.05 % of 44,640 minutes are 22.32.
    assert!(
        shown
            .text
            .contains("27.68\u{a0}min over what the target allows"),
        "{}",
        shown.text
    );
    assert!(
        shown
            .text
            .contains("396.4\u{a0}min left before a credit of 25%"),
        "{}",
        shown.text
    );
    // A viewer decides nothing.
    assert!(!shown.text.contains("/sla/credits/"));
    // The name of a tenant is text, and a part of an address.
    let overview = page(&server, VIEWER, "/sla?month=2026-10").await;
    assert!(
        overview.text.contains(
            "<a href=\"/sla/%3Cb%3E%26%22x?month=2026-10\"><bdi>&lt;b&gt;&amp;&quot;x</bdi>"
        ),
        "{}",
        overview.text
    );
    let odd = page(&server, VIEWER, "/sla/%3Cb%3E%26%22x?month=2026-10").await;
    assert!(
        odd.text.contains("<h1><bdi>&lt;b&gt;&amp;&quot;x</bdi>"),
        "{}",
        odd.text
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_are_in_the_language_of_the_reader() {
    let server = Server::start_under(POLICY).await;
    outage(&server, COMMANDER, 5, 50, &["tenant-fr"]).await;
    for (language, title) in [
        ("fr", "SLA et avoirs · octobre 2026"),
        ("de", "SLA und Gutschriften · Oktober 2026"),
    ] {
        let shown = page_in(&server, BILLING, "/sla?month=2026-10", language).await;
        assert!(
            shown.text.contains(&format!("<h1>{title}</h1>")),
            "{}",
            shown.text
        );
        must_not_be_english(&shown);
        let tenant = page_in(&server, BILLING, "/sla/tenant-fr?month=2026-10", language).await;
        must_not_be_english(&tenant);
        for text in [&shown.text, &tenant.text] {
            for word in [
                "Outage<",
                "Amount",
                "to decide",
                ">missed<",
                "Approve",
                "Waive",
                "Ledger",
                "Export CSV",
            ] {
                assert!(!text.contains(word), "{word}: {text}");
            }
        }
    }
    server.stop().await;
}

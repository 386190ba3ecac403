//! SLA and credits: figures that agree with those of programs, and decisions about credits.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{after, must_not_be_english, page, page_in, submit};
use crate::over_http::harness::{ADMIN, Answer, BILLING, COMMANDER, RESPONDER, Server, VIEWER};

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

/// Returns the credits of a page that can be chosen, by tenant.
fn open_credits(answer: &Answer) -> BTreeMap<String, String> {
    let boxes = answer.text.split("name=\"credit\" value=\"").skip(1);
    boxes
        .map(|one| {
            let (ids, rest) = one.split_once('"').unwrap();
            let (_, tenant) = rest.split_once("<bdi>").unwrap();
            (tenant.split('<').next().unwrap().to_owned(), ids.to_owned())
        })
        .collect()
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

/// Sends the review of some credits, and returns its page.
async fn review(server: &Server, decision: &str, credits: &str) -> Answer {
    let fields = [
        ("month", "2026-10"),
        ("credit", credits),
        ("decision", decision),
    ];
    submit(server, BILLING, "/sla/credits/review", &fields).await
}

async fn states(server: &Server) -> BTreeMap<String, String> {
    let rows: Vec<Value> = server.pages(VIEWER, "/sys/sla/credits?limit=200").await;
    let pair = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("tenant_id"), text("state"))
    };
    rows.iter().map(pair).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_are_reviewed_and_decided_each_with_its_result() {
    let server = Server::start_under(POLICY).await;
    outage(&server, COMMANDER, 5, 50, &["tenant-fr", "tenant-de"]).await;
    outage(&server, ADMIN, 6, 50, &["tenant-jp"]).await;
    let shown = page(&server, BILLING, "/sla?month=2026-10").await;
    let open = open_credits(&shown);
    assert_eq!(
        open.keys().collect::<Vec<_>>(),
        ["tenant-de", "tenant-fr", "tenant-jp"]
    );
    assert!(
        shown
            .text
            .contains("aria-label=\"Choose 1 credit of tenant-de\""),
        "{}",
        shown.text
    );
    // Nothing chosen; then the preview, which changes nothing.
    let none = review(&server, "approve", "").await;
    assert_eq!(none.status, 422);
    assert!(
        none.text.contains("Choose at least one credit."),
        "{}",
        none.text
    );
    let both = format!("{} {}", open["tenant-de"], open["tenant-jp"]);
    let preview = review(&server, "approve", &both).await;
    assert_eq!(preview.status, 200, "{}", preview.text);
    assert!(preview.text.contains("Approve 2 credits"));
    assert!(preview.text.contains("No billing is configured"));
    assert!(preview.text.contains("€1,000.00") && preview.text.contains("¥150,000"));
    assert_eq!(states(&server).await["tenant-de"], "estimated");
    // An admin who caused one of them may not approve that one; the other is approved.
    let key = after(&preview, "name=\"key\" value=\"").to_owned();
    let unknown = "0190a000-0000-7000-8000-000000000000";
    let chosen = format!("{} {unknown} {both}", open["tenant-fr"]);
    let fields = [
        ("month", "2026-10"),
        ("credit", &chosen),
        ("decision", "approve"),
        ("key", &key),
    ];
    let decided = submit(&server, ADMIN, "/sla/credits/decide", &fields).await;
    assert_eq!(decided.status, 200, "{}", decided.text);
    assert!(decided.text.contains("2 done, 2 not"), "{}", decided.text);
    assert!(
        decided
            .text
            .contains("Another person who may decide about credits has to approve it.")
    );
    assert!(
        decided
            .text
            .contains("This credit is not in this month any more")
    );
    let now = states(&server).await;
    assert_eq!(
        (now["tenant-de"].as_str(), now["tenant-jp"].as_str()),
        ("approved", "estimated")
    );
    // The same form twice: the same results, and nothing happens.
    let again = submit(&server, ADMIN, "/sla/credits/decide", &fields).await;
    assert!(again.text.contains("2 done, 2 not"), "{}", again.text);
    // The same key for another decision.
    let other = [
        ("month", "2026-10"),
        ("credit", &open["tenant-de"]),
        ("decision", "waive"),
        ("reason", "x"),
        ("key", &key),
    ];
    let reused = submit(&server, ADMIN, "/sla/credits/decide", &other).await;
    assert!(
        reused.text.contains("This form was sent already"),
        "{}",
        reused.text
    );
    // A stale one: it was decided meanwhile.
    let stale = [
        ("month", "2026-10"),
        ("credit", &open["tenant-fr"]),
        ("decision", "approve"),
        ("key", "k2"),
    ];
    let stale = submit(&server, BILLING, "/sla/credits/decide", &stale).await;
    assert!(
        stale.text.contains("0 done, 1 not") && stale.text.contains("decided about it already"),
        "{}",
        stale.text
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_needs_a_reason_that_is_stored_for_those_who_audit() {
    let server = Server::start_under(POLICY).await;
    outage(&server, COMMANDER, 5, 50, &["tenant-fr"]).await;
    let open = open_credits(&page(&server, BILLING, "/sla?month=2026-10").await);
    let credit = &open["tenant-fr"];
    let preview = review(&server, "waive", credit).await;
    assert!(
        preview.text.contains("are never issued"),
        "{}",
        preview.text
    );
    let key = after(&preview, "name=\"key\" value=\"").to_owned();
    let long = format!("<i>{}", "é".repeat(20_001));
    for reason in ["", "  ", &long] {
        let fields = [
            ("month", "2026-10"),
            ("credit", credit),
            ("decision", "waive"),
            ("reason", reason),
            ("key", &key),
        ];
        let refused = submit(&server, BILLING, "/sla/credits/decide", &fields).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains("id=\"reason-error\""));
        assert!(!refused.text.contains("<i>"));
        assert!(
            refused
                .text
                .contains(&reason.replace('<', "&lt;").replace('>', "&gt;"))
        );
    }
    let reason = "Goodwill <b>instead</b>";
    let fields = [
        ("month", "2026-10"),
        ("credit", credit),
        ("decision", "waive"),
        ("reason", reason),
        ("key", &key),
    ];
    let decided = submit(&server, BILLING, "/sla/credits/decide", &fields).await;
    assert!(
        decided.text.contains("1 done, 0 not") && decided.text.contains("is now waived"),
        "{}",
        decided.text
    );
    let path = "/sla/tenant-fr?month=2026-10";
    let audited = page(&server, BILLING, path).await;
    assert!(
        audited.text.contains("waived by bill")
            && audited.text.contains("Goodwill &lt;b&gt;instead"),
        "{}",
        audited.text
    );
    let viewed = page(&server, VIEWER, path).await;
    assert!(!viewed.text.contains("Goodwill") && viewed.text.contains("waived"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_credits_of_a_page_are_approved_at_once_and_shown_with_who_and_when() {
    let server = Server::start_under(POLICY).await;
    outage(
        &server,
        COMMANDER,
        5,
        50,
        &["tenant-fr", "tenant-de", "tenant-gold"],
    )
    .await;
    let shown = page(&server, BILLING, "/sla?month=2026-10").await;
    let all = after(&shown, "name=\"all\" value=\"").to_owned();
    let fields = [
        ("month", "2026-10"),
        ("all", &all),
        ("everything", "yes"),
        ("decision", "approve"),
    ];
    let preview = submit(&server, BILLING, "/sla/credits/review", &fields).await;
    assert!(
        preview.text.contains("Approve 3 credits"),
        "{}",
        preview.text
    );
    let credit = after(&preview, "name=\"credit\" value=\"").to_owned();
    let key = after(&preview, "name=\"key\" value=\"").to_owned();
    let fields = [
        ("month", "2026-10"),
        ("credit", &credit),
        ("decision", "approve"),
        ("key", &key),
    ];
    let decided = submit(&server, BILLING, "/sla/credits/decide", &fields).await;
    assert!(decided.text.contains("3 done, 0 not"), "{}", decided.text);
    let one = page(&server, VIEWER, "/sla/tenant-gold?month=2026-10").await;
    assert!(
        one.text
            .contains("approved by bill, <time datetime=\"2026-11-20T23:00:00Z\">"),
        "{}",
        one.text
    );
    let shown = page(&server, BILLING, "/sla?month=2026-10").await;
    assert!(shown.text.contains("0 to decide") && open_credits(&shown).is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_decide_about_credits_may() {
    let server = Server::start_under(POLICY).await;
    outage(&server, COMMANDER, 5, 50, &["tenant-fr"]).await;
    for token in [VIEWER, RESPONDER, COMMANDER] {
        let shown = page(&server, token, "/sla?month=2026-10").await;
        assert_eq!(shown.status, 200);
        assert!(
            !shown.text.contains("name=\"credit\"") && !shown.text.contains("Recompute"),
            "{}",
            shown.text
        );
        for path in ["review", "decide", "recompute"] {
            let path = format!("/sla/credits/{path}");
            assert_eq!(
                submit(&server, token, &path, &[("month", "2026-10")])
                    .await
                    .status,
                403
            );
        }
    }
    let fields = [("month", "2026-10"), ("key", "k")];
    let done = submit(&server, BILLING, "/sla/credits/recompute", &fields).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/sla?month=2026-10&recomputed=0"))
    );
    let shown = page(&server, BILLING, "/sla?month=2026-10&recomputed=0").await;
    assert!(
        shown.text.contains("Recomputed: 0 changes."),
        "{}",
        shown.text
    );
    let wrong = submit(
        &server,
        BILLING,
        "/sla/credits/recompute",
        &[("month", "2027-01")],
    )
    .await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
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

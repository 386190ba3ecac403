//! Decisions about credits: reviewed first, each with its result.

use std::collections::BTreeMap;

use incident_console::console::ConsoleBuilder;
use incident_console::policy_file::PolicyFile;
use serde_json::{Value, json};

use super::{POLICY, outage};
use crate::over_http::harness::{ADMIN, Answer, BILLING, COMMANDER, RESPONDER, Server, VIEWER};
use crate::over_http::troubled::{AWAY, NONE};
use crate::web::{after, page, submit};

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
async fn a_form_decides_about_so_many_credits() {
    let server = Server::start_under(POLICY).await;
    let ids = |number: u16| {
        let ids = (0..number).map(|n| format!("0190a000-0000-7000-8000-{n:012}"));
        ids.collect::<Vec<_>>().join(" ")
    };
    for (number, status) in [(500, 200), (501, 422)] {
        let shown = review(&server, "approve", &ids(number)).await;
        assert_eq!(shown.status, status, "{}", shown.text);
    }
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
    // The contract of a tenant is per month: its credit is written in the background.
    let month = json!({"month": "2026-10"});
    let recomputed = server.post(ADMIN, "/sys/sla/credits/recompute", &month);
    recomputed.await.is(200);
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

/// A reason outlives a store that is away while it is sent, on these pages as on all others.
#[tokio::test(flavor = "multi_thread")]
async fn a_reason_is_kept_while_the_store_is_away() {
    let policy = PolicyFile::parse(POLICY).unwrap();
    let parts = ConsoleBuilder {
        policy,
        ..ConsoleBuilder::default()
    };
    let (server, store) = Server::troubled_with(parts).await;
    outage(&server, COMMANDER, 5, 50, &["tenant-fr"]).await;
    let shown = page(&server, BILLING, "/sla?month=2026-10").await;
    let open = open_credits(&shown);
    let preview = review(&server, "waive", &open["tenant-fr"]).await;
    let key = after(&preview, "name=\"key\" value=\"").to_owned();
    let reason = "Agreed with the customer on the phone";
    let fields = [
        ("month", "2026-10"),
        ("credit", open["tenant-fr"].as_str()),
        ("decision", "waive"),
        ("reason", reason),
        ("key", &key),
    ];
    store.is_in(AWAY);
    let kept = submit(&server, BILLING, "/sla/credits/decide", &fields).await;
    assert_eq!(kept.status, 503, "{}", kept.text);
    assert!(kept.text.contains("Your text is safe"), "{}", kept.text);
    assert!(kept.text.contains("action=\"/sla/credits/decide\""));
    let held = format!("name=\"reason\" value=\"{reason}\"");
    assert!(kept.text.contains(&held), "{}", kept.text);
    assert!(kept.header("retry-after").is_some());
    store.is_in(NONE);
    let done = submit(&server, BILLING, "/sla/credits/decide", &fields).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(states(&server).await["tenant-fr"], "waived");
    server.stop().await;
}

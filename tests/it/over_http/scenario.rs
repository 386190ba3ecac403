//! The reference scenario over HTTP, in both variants.

use std::time::Duration;

use incident_core::paging::PageAction;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, BILLING, COMMANDER, RESPONDER, Server, VIEWER};

async fn play(server: &Server, minutes: u64) -> (String, Value, Value) {
    let suggestion = json!({"service": "api", "tenant": "tenant-fr", "signal": "error_rate", "observed_at": "2026-11-20T22:00:00Z"});
    let suggested = server
        .post(RESPONDER, "/sys/incidents/suggestions", &suggestion)
        .await
        .is(201);
    let again = server
        .post(RESPONDER, "/sys/incidents/suggestions", &suggestion)
        .await
        .is(200);
    assert_eq!(suggested["id"], again["id"]);

    let mut draft = suggested["draft"].clone();
    draft["severity"] = json!("SEV2");
    let incident = server
        .post(RESPONDER, "/sys/incidents", &draft)
        .await
        .is(201);
    assert_eq!(
        (
            &incident["status"],
            &incident["source"],
            &incident["responder"]
        ),
        (&json!("triage"), &json!("suggestion"), &json!("anna"))
    );
    let path = format!("/sys/incidents/{}", incident["id"].as_str().unwrap());
    assert_eq!(
        server
            .post(RESPONDER, "/sys/incidents", &draft)
            .await
            .problem(409),
        None
    );

    server.paged(&path, "accepted").await;
    server.clock.set("2026-11-20T23:00:00Z".parse().unwrap());
    let end = incident_core::Timestamp::saturating_add(
        "2026-11-20T22:00:00Z".parse().unwrap(),
        Duration::from_secs(minutes * 60),
    );
    for (status, to, when) in [
        (
            "investigating",
            "investigating",
            "2026-11-20T22:05:00Z".to_owned(),
        ),
        (
            "mitigation deployed",
            "mitigated",
            "2026-11-20T22:30:00Z".to_owned(),
        ),
        ("resolved", "resolved", end.to_string()),
    ] {
        let update = json!({"message": format!("now {to}"), "status": status, "occurred_at": when, "public_message": format!("Public: {to}")});
        let entry = server.update(RESPONDER, &path, &update).await;
        assert_eq!(
            (&entry["status_to"], &entry["author"]),
            (&json!(to), &json!("anna"))
        );
    }
    let published = server
        .post(
            RESPONDER,
            &format!("{path}/public"),
            &json!({"public": true}),
        )
        .await
        .is(200);
    assert_eq!(published["public"], true);
    let page = server.get("", "/public/status/active").await.is(200);
    assert_eq!(page["incidents"][0]["title"], "Service disruption: API");
    assert_eq!(
        page["incidents"][0]["updates"][0]["body"],
        "Public: resolved"
    );
    assert_eq!(page["status"]["indicator"], "none");
    let link = json!({"url": "https://notion.example/pm-1"});
    server
        .post(RESPONDER, &format!("{path}/post-mortem"), &link)
        .await
        .is(200);
    let users = server
        .get(VIEWER, &format!("{path}/affected-users"))
        .await
        .is(200);
    let sla = server
        .get(VIEWER, &format!("{path}/sla-impact"))
        .await
        .is(200);
    (path, users, sla)
}

fn usage(minutes: u64) -> Value {
    let event = |user: u64, second: u64| {
        let at = incident_core::Timestamp::saturating_add(
            "2026-11-20T22:00:00Z".parse().unwrap(),
            Duration::from_secs(second),
        );
        json!({"tenant_id": "tenant-fr", "user_id": format!("u{user}"), "service": "api", "occurred_at": at, "failed": null, "extra": 1})
    };
    let mut events: Vec<Value> = (0..1_247)
        .map(|user| event(user, user * minutes * 60 / 1_247))
        .collect();
    events.push(event(0, 0));
    events.push(event(5_000, minutes * 60));
    Value::Array(events)
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_eight_minutes_earn_nothing() {
    let server = Server::start().await;
    assert_eq!(
        server
            .post(RESPONDER, "/sys/usage-events", &usage(38))
            .await
            .is(202),
        json!({"accepted": 1249})
    );
    let (path, users, sla) = play(&server, 38).await;
    assert_eq!(users["total_unique_users"], 1_247);
    assert_eq!(
        users["by_tenant"],
        json!([{"tenant_id": "tenant-fr", "unique_users": 1247, "baseline_unique_users": null}])
    );
    assert_eq!(
        users["window"],
        json!([{"start": "2026-11-20T22:00:00Z", "end": "2026-11-20T22:38:00Z"}])
    );
    assert_eq!(
        sla["rows"],
        json!([{"tenant_id": "tenant-fr", "outage_ms": 2280000, "outage_minutes": "38", "period": "2026-11",
            "availability_percent": "99.9120", "target_breached": false, "credit_percent": "0", "state": "estimated"}])
    );

    // The page was sent once, and resolved.
    server.paged(&path, "accepted").await;
    for _ in 0..100 {
        if server.pager.sent().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let sent = server.pager.sent();
    assert_eq!(
        sent.iter().map(|page| page.action).collect::<Vec<_>>(),
        [PageAction::Trigger, PageAction::Resolve]
    );
    let id = path.rsplit('/').next().unwrap();
    assert!(
        sent.iter()
            .all(|page| page.dedup_key == format!("sys-incident:{id}"))
    );
    assert_eq!(server.pager.wakes(), 1);

    // Rows of 0 % are stored, and everything that happened was audited.
    let credits = server
        .get(BILLING, "/sys/sla/credits?state=estimated")
        .await
        .is(200);
    assert_eq!(credits["items"].as_array().unwrap().len(), 1);
    let actions = async || {
        let path = format!("/sys/audit?incident={id}");
        let audit = server.get(BILLING, &path).await.is(200);
        let items = audit["items"].as_array().unwrap().clone();
        let action = |entry: &Value| entry["action"].as_str().unwrap().to_owned();
        items.iter().map(action).collect::<Vec<String>>()
    };
    // The vendor receives the resolution a moment later.
    let mut found = actions().await;
    for _ in 0..100 {
        if found.iter().any(|action| action == "page_resolve") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        found = actions().await;
    }
    let actions = found;
    for action in [
        "declare",
        "page_trigger",
        "update",
        "publish",
        "link_post_mortem",
        "page_resolve",
    ] {
        assert!(
            actions.iter().any(|known| known == action),
            "{action} is missing in {actions:?}"
        );
    }
    assert_eq!(
        server.get(ADMIN, "/sys/audit/verify").await.is(200)["valid"],
        true
    );
    assert_eq!(
        server
            .get(VIEWER, &format!("{path}/timeline/verify"))
            .await
            .is(200)["valid"],
        true
    );
    let closed = server
        .post(
            COMMANDER,
            &format!("{path}/updates"),
            &json!({"message": "done", "status": "closed"}),
        )
        .await
        .is(201);
    assert_eq!(closed["status_to"], "closed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_forty_five_minutes_earn_ten_percent() {
    let server = Server::start().await;
    server
        .post(RESPONDER, "/sys/usage-events", &usage(45))
        .await
        .is(202);
    let (_, users, sla) = play(&server, 45).await;
    assert_eq!(users["total_unique_users"], 1_247);
    let row = &sla["rows"][0];
    assert_eq!(
        (
            &row["credit_percent"],
            &row["outage_minutes"],
            &row["target_breached"]
        ),
        (&json!("10"), &json!("45"), &json!(true))
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reopening_and_correcting_change_what_is_owed_and_keep_the_old_rows() {
    let server = Server::start().await;
    let path = server
        .declare(&json!({"started_at": "2026-11-20T22:00:00Z"}))
        .await;
    let updates = format!("{path}/updates");
    let step = |status: &str, when: &str| json!({"message": status, "status": status, "occurred_at": when, "reason": "it is back"});
    server
        .post(
            COMMANDER,
            &updates,
            &step("resolved", "2026-11-20T22:30:00Z"),
        )
        .await
        .is(201);
    server
        .post(
            COMMANDER,
            &updates,
            &step("investigating", "2026-11-20T22:40:00Z"),
        )
        .await
        .is(201);
    let open = server
        .get(VIEWER, &format!("{path}/sla-impact"))
        .await
        .is(200);
    assert_eq!(
        (&open["provisional"], &open["rows"][0]["outage_minutes"]),
        (&json!(true), &json!("50"))
    );
    server
        .post(
            COMMANDER,
            &updates,
            &step("resolved", "2026-11-20T22:50:00Z"),
        )
        .await
        .is(201);
    let after = server
        .get(VIEWER, &format!("{path}/sla-impact"))
        .await
        .is(200);
    assert_eq!(
        (&after["provisional"], &after["rows"][0]["outage_minutes"]),
        (&json!(false), &json!("40"))
    );
    let corrected = json!({"affected_tenants": [{"tenant_id": "tenant-de", "from": "2026-11-20T22:10:00Z"}, "tenant-fr"]});
    server.patch(COMMANDER, &path, &corrected).await.is(200);
    let credits = server.get(ADMIN, "/sys/sla/credits").await.is(200);
    let rows: Vec<_> = credits["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["tenant_id"].as_str().unwrap(),
                row["revision"].as_u64().unwrap(),
                row["state"].as_str().unwrap(),
                row["outage_ms"].as_u64().unwrap() / 60_000,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("tenant-fr", 1, "superseded", 30),
            // The correction is about another tenant.
            ("tenant-fr", 2, "estimated", 40),
            ("tenant-de", 3, "estimated", 30),
        ]
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_posts_of_one_outage_pay_once() {
    let server = Server::start().await;
    for _ in 0..10 {
        let path = server
            .declare(&json!({"mode": "retrospective", "started_at": "2026-11-12T10:00:00Z"}))
            .await;
        let end =
            json!({"message": "over", "status": "resolved", "occurred_at": "2026-11-12T15:00:00Z"});
        server.update(COMMANDER, &path, &end).await;
        let own = server
            .get(VIEWER, &format!("{path}/sla-impact"))
            .await
            .is(200);
        assert_eq!(own["rows"][0]["credit_percent"], "25");
    }
    let credits = server
        .get(BILLING, "/sys/sla/credits?tenant=tenant-fr")
        .await
        .is(200);
    let percents: Vec<&str> = credits["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["credit_percent"].as_str().unwrap())
        .collect();
    assert_eq!(
        percents,
        ["25", "25", "0", "0", "0", "0", "0", "0", "0", "0"]
    );
    assert!(server.pager.sent().is_empty());
    server.stop().await;
}

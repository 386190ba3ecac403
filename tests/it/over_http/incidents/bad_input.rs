//! Invalid input: the expected status, the name of the field, and nothing written.

use reqwest::Method;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, COMMANDER, RESPONDER, Server, VIEWER};

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_does_not_fit_names_the_field() {
    let server = Server::start().await;
    let good = json!({"title": "x", "severity": "SEV2", "affected_tenants": ["t"]});
    let long = "x".repeat(10_000);
    for (field, value, pointer) in [
        ("severity", json!("SEV9"), "/severity"),
        ("severity", json!(1), "/severity"),
        ("title", json!(""), "/title"),
        ("title", json!(long), "/title"),
        ("title", json!("a\u{0}b"), "/title"),
        ("summary", json!("a\u{0}b"), "/summary"),
        ("summary", json!("é".repeat(9_000)), "/summary"),
        ("started_at", json!("2026-11-20T23:01:01Z"), "/started_at"),
        ("started_at", json!("2016-12-31T23:59:60Z"), "/started_at"),
        ("started_at", json!("infinity"), "/started_at"),
        ("detected_at", json!("2026-11-21T23:00:00Z"), "/detected_at"),
        ("eta", json!("2026-11-20T22:59:59Z"), "/eta"),
        ("mode", json!("test"), "/mode"),
        ("page", json!("yes"), "/page"),
        ("affected_tenants", json!([""]), "/affected_tenants/0"),
        (
            "affected_tenants",
            json!(["a", "b\nc"]),
            "/affected_tenants/1",
        ),
        ("affected_tenants", json!("some"), "/affected_tenants"),
        (
            "affected_tenants",
            json!([{"tenant_id": "t", "colour": 1}]),
            "/affected_tenants/0/colour",
        ),
        (
            "affected_tenants",
            json!([{"tenant_id": "t", "from": "2026-11-20T22:00:00Z", "until": "2026-11-20T21:00:00Z"}]),
            "/affected_tenants/0/until",
        ),
        ("affected_services", json!([""]), "/affected_services/0"),
        ("tracker_url", json!("http://plain.example"), "/tracker_url"),
        (
            "suggestion_id",
            json!("0190a000-0000-7000-8000-000000000000"),
            "/suggestion_id",
        ),
        ("suggestion_id", json!("7"), "/suggestion_id"),
        ("users_hit_percent", json!("101"), "/users_hit_percent"),
        ("users_hit_percent", json!(3.5), "/users_hit_percent"),
        (
            "revenue_per_hour",
            json!({"minor": 1, "currency": "euro"}),
            "/revenue_per_hour/currency",
        ),
        ("labels", json!({"a": 1}), "/labels/a"),
        ("colour", json!("red"), "/colour"),
        ("status", json!("resolved"), "/status"),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let pointer_found = server
            .post(ADMIN, "/sys/incidents", &body)
            .await
            .problem(422);
        assert_eq!(pointer_found.as_deref(), Some(pointer), "{field}: {value}");
    }
    for missing in ["title", "severity"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(missing);
        assert_eq!(
            server
                .post(ADMIN, "/sys/incidents", &body)
                .await
                .problem(422),
            Some(format!("/{missing}"))
        );
    }
    let raw = |body: &str, kind: &str| {
        let (server, body, kind) = (&server, body.as_bytes().to_vec(), kind.to_owned());
        async move {
            server
                .send(
                    Method::POST,
                    ADMIN,
                    "/sys/incidents",
                    &[("content-type", &kind)],
                    Some(body),
                )
                .await
        }
    };
    for (body, kind, status) in [
        ("{", "application/json", 400),
        ("", "application/json", 400),
        (
            "{\"title\":\"\\ud800\",\"severity\":\"SEV2\"}",
            "application/json",
            422,
        ),
        ("[]", "application/json", 422),
        ("{}", "text/plain", 415),
        ("title=x", "application/x-www-form-urlencoded", 415),
    ] {
        raw(body, kind).await.problem(status);
    }
    let large =
        json!({"title": "x", "severity": "SEV2", "summary": "x".repeat(1_100_000)}).to_string();
    raw(&large, "application/json").await.problem(413);
    raw(
        "{\"title\":\"x\",\"severity\":\"SEV4\"}",
        "application/json; charset=utf-8",
    )
    .await
    .is(201);
    let list = server
        .get(VIEWER, "/sys/incidents?status=all")
        .await
        .is(200);
    assert_eq!(
        list["items"].as_array().unwrap().len(),
        1,
        "something was written"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_does_not_fit_is_refused() {
    let server = Server::start().await;
    let path = server
        .declare(&json!({"started_at": "2026-11-20T22:00:00Z"}))
        .await;
    let updates = format!("{path}/updates");
    for (body, status, pointer) in [
        (json!({}), 422, Some("/message")),
        (json!({"message": " "}), 422, Some("/message")),
        (
            json!({"message": "x", "status": "done"}),
            422,
            Some("/status"),
        ),
        (
            json!({"message": "x", "status": "triage", "kind": "page_outcome"}),
            422,
            Some("/kind"),
        ),
        (
            json!({"message": "x", "kind": "gossip"}),
            422,
            Some("/kind"),
        ),
        (
            json!({"message": "x", "eta": "2026-11-20T22:00:00Z"}),
            422,
            Some("/eta"),
        ),
        (
            json!({"message": "x", "occurred_at": "2026-11-20T23:01:01Z"}),
            422,
            Some("/occurred_at"),
        ),
        (
            json!({"message": "x", "status": "resolved", "occurred_at": "2026-11-20T21:59:59Z"}),
            422,
            Some("/occurred_at"),
        ),
        (
            json!({"message": "x", "impact_ended_at": "2026-11-20T21:00:00Z"}),
            422,
            Some("/impact_ended_at"),
        ),
        (
            json!({"message": "x", "status": "cancelled"}),
            422,
            Some("/reason"),
        ),
        (
            json!({"message": "x", "status": "cancelled", "reason": "bored"}),
            422,
            Some("/reason"),
        ),
        (
            json!({"message": "x", "status": "merged"}),
            422,
            Some("/merged_into"),
        ),
        (
            json!({"message": "x", "status": "merged", "merged_into": "0190a000-0000-7000-8000-000000000000"}),
            422,
            Some("/merged_into"),
        ),
        (
            json!({"message": "x", "corrects": 99}),
            422,
            Some("/corrects"),
        ),
        (
            json!({"message": "x", "kind": "correction"}),
            422,
            Some("/corrects"),
        ),
        (
            json!({"message": "x", "comms_sent": {"channel": "", "audience": "internal", "summary": "x"}}),
            422,
            Some("/comms_sent/channel"),
        ),
        (json!({"message": "x", "status": "closed"}), 409, None),
    ] {
        assert_eq!(
            server
                .post(ADMIN, &updates, &body)
                .await
                .problem(status)
                .as_deref(),
            pointer,
            "{body}"
        );
    }
    assert_eq!(server.get(VIEWER, &path).await.is(200)["version"], 1);
    for (url, good) in [
        ("http://notion.example/x", false),
        ("javascript:alert(1)", false),
        ("https://user:pw@host/x", false),
        ("https://", false),
        ("https://notion.example/x", true),
    ] {
        let answer = server
            .post(
                RESPONDER,
                &format!("{path}/post-mortem"),
                &json!({"url": url}),
            )
            .await;
        if good {
            answer.is(200);
        } else {
            assert_eq!(answer.problem(422).as_deref(), Some("/url"), "{url}");
        }
    }
    let patch = |body: Value| {
        let (server, path) = (&server, &path);
        async move { server.patch(ADMIN, path, &body).await }
    };
    assert_eq!(
        patch(json!({"title": null})).await.problem(422).as_deref(),
        Some("/title")
    );
    assert_eq!(
        patch(json!({"status": "resolved"}))
            .await
            .problem(422)
            .as_deref(),
        Some("/status")
    );
    assert_eq!(
        patch(json!({"started_at": "2026-11-20T23:59:00Z"}))
            .await
            .problem(422)
            .as_deref(),
        Some("/started_at")
    );
    assert_eq!(
        patch(json!({"impact_ended_at": "2026-11-20T21:00:00Z"}))
            .await
            .problem(422)
            .as_deref(),
        Some("/impact_ended_at")
    );
    // Reversed only relative to each other: checked together.
    patch(json!({"started_at": "2026-11-20T20:00:00Z", "impact_ended_at": "2026-11-20T21:00:00Z"}))
        .await
        .is(200);

    server
        .post(
            COMMANDER,
            &updates,
            &json!({"message": "x", "status": "resolved"}),
        )
        .await
        .is(201);
    server
        .post(
            COMMANDER,
            &updates,
            &json!({"message": "x", "status": "closed"}),
        )
        .await
        .is(201);
    server
        .post(COMMANDER, &updates, &json!({"message": "late news"}))
        .await
        .problem(409);
    server
        .post(
            COMMANDER,
            &updates,
            &json!({"message": "x", "status": "investigating", "reason": "x"}),
        )
        .await
        .problem(409);
    server
        .post(
            COMMANDER,
            &updates,
            &json!({"message": "it was the cache", "corrects": 1}),
        )
        .await
        .is(201);
    server
        .post(
            COMMANDER,
            &updates,
            &json!({"message": "followed up", "kind": "action"}),
        )
        .await
        .is(201);
    server
        .post(RESPONDER, &format!("{path}/page"), &json!({"reason": "x"}))
        .await
        .problem(409);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_incidents_have_reports() {
    let server = Server::start().await;
    let nobody = server.declare(&json!({"affected_tenants": []})).await;
    assert_eq!(
        server
            .get(VIEWER, &format!("{nobody}/affected-users"))
            .await
            .is(200)["by_tenant"],
        json!([])
    );
    assert_eq!(
        server
            .get(VIEWER, &format!("{nobody}/sla-impact"))
            .await
            .is(200)["rows"],
        json!([])
    );
    let folded = server
        .declare(&json!({"affected_tenants": ["a", {"tenant_id": "a"}, "b", "a"]}))
        .await;
    let tenants = server.get(VIEWER, &folded).await.is(200)["affected_tenants"].clone();
    assert_eq!(tenants.as_array().unwrap().len(), 2);
    for (more, why) in [
        (json!({"mode": "drill"}), "drill"),
        (json!({"environment": "staging"}), "staging"),
    ] {
        let report = server
            .get(
                VIEWER,
                &format!("{}/sla-impact", server.declare(&more).await),
            )
            .await
            .is(200);
        assert_eq!(
            (&report["excluded"], &report["rows"]),
            (&json!(why), &json!([]))
        );
    }
    let all = server
        .declare(&json!({"affected_tenants": "all", "started_at": "2026-11-20T22:00:00Z"}))
        .await;
    let event = json!([{"tenant_id": "seen", "user_id": "u", "service": "api", "occurred_at": "2026-11-20T22:30:00Z"}]);
    server
        .post(RESPONDER, "/sys/usage-events", &event)
        .await
        .is(202);
    let users = server
        .get(VIEWER, &format!("{all}/affected-users"))
        .await
        .is(200);
    assert_eq!(users["by_tenant"][0]["tenant_id"], "seen");
    assert_eq!(
        server
            .get(VIEWER, &format!("{all}/affected-users?method=guess"))
            .await
            .problem(422)
            .as_deref(),
        Some("/method")
    );
    // An estimate reports its error; PostgreSQL counts exactly.
    let estimate = server
        .get(VIEWER, &format!("{all}/affected-users?method=estimate"))
        .await
        .is(200);
    let error = if crate::ON_POSTGRES { "0" } else { "0.01625" };
    assert_eq!(
        (&estimate["method"], &estimate["relative_error"]),
        (&json!("estimate"), &json!(error))
    );
    for row in [&estimate["by_tenant"][0], &estimate] {
        assert_eq!((&row["lower"], &row["upper"]), (&json!(1), &json!(1)));
    }
    for wrong in ["services=some", "failed_only=1", "method=exact"] {
        server
            .get(VIEWER, &format!("{all}/affected-users/breakdown?{wrong}"))
            .await
            .problem(422);
    }
    assert_eq!(
        server
            .get(VIEWER, &format!("{all}/affected-users?failed_only=1"))
            .await
            .problem(422)
            .as_deref(),
        Some("/failed_only")
    );
    server.stop().await;
}

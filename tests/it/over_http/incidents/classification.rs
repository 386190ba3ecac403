//! The proposal of a severity, and declarations that do not follow it.

use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, IN_EUROS, RESPONDER, Server, VIEWER};

const CLASSIFY: &str = "/sys/classify";

fn codes(answer: &Value) -> Vec<&str> {
    let reasons = answer["reasons"].as_array().unwrap().iter();
    reasons
        .map(|reason| reason["code"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_proposal_has_its_reasons_and_what_nobody_answered() {
    let server = Server::start().await;
    let facts = json!({
        "service_down": false,
        "users_hit_percent": "20",
        "revenue_per_hour": {"minor": 99_999, "currency": "XAF"},
        "workaround": true,
        "data_loss": "none",
        "region_down": null,
        "impact": "high",
        "urgency": "high",
    });
    let answer = server.post(VIEWER, CLASSIFY, &facts).await.is(200);
    assert_eq!(answer["severity"], "SEV2");
    assert_eq!(answer["priority"], "P1");
    assert_eq!(answer["floor"], false);
    assert_eq!(
        answer["reasons"],
        json!([
            {"code": "many_users_hit", "severity": "SEV2", "text": "20 % of users are hit, at least 20 %"},
            {"code": "workaround", "severity": "SEV3", "text": "a workaround exists"},
        ])
    );
    // A null is no statement either.
    assert_eq!(
        answer["unanswered"],
        json!([
            "core_action_blocked",
            "security_breach",
            "critical_feature_down",
            "performance_degraded",
            "background_jobs_piling_up",
            "region_down",
            "secondary_feature",
            "cosmetic",
            "customer_event_day"
        ])
    );
    let floor = json!({"cosmetic": true, "customer_event_day": true});
    let answer = server.post(VIEWER, CLASSIFY, &floor).await.is(200);
    assert_eq!(
        (&answer["severity"], &answer["floor"]),
        (&json!("SEV2"), &json!(true))
    );
    assert_eq!(codes(&answer), ["customer_event_day", "cosmetic"]);
    let nothing = server.post(VIEWER, CLASSIFY, &json!({})).await.is(200);
    assert_eq!(
        (&nothing["severity"], &nothing["priority"]),
        (&json!("SEV3"), &Value::Null)
    );
    assert_eq!(codes(&nothing), ["no_rule"]);
    assert_eq!(nothing["unanswered"].as_array().unwrap().len(), 14);
    // It is a question: nothing was declared, and nothing audited.
    let audit = server.get(ADMIN, "/sys/audit").await.is(200);
    assert_eq!(audit["items"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_fact_is_named() {
    let server = Server::start().await;
    for (facts, pointer) in [
        (json!({"service_up": true}), "/service_up"),
        (json!({"service_down": "yes"}), "/service_down"),
        (json!({"users_hit_percent": 35}), "/users_hit_percent"),
        (json!({"users_hit_percent": "100.1"}), "/users_hit_percent"),
        (json!({"data_loss": "perhaps"}), "/data_loss"),
        (json!({"impact": "huge"}), "/impact"),
        (
            json!({"revenue_per_hour": {"minor": 1, "currency": "eur"}}),
            "/revenue_per_hour/currency",
        ),
        (
            json!({"revenue_per_hour": {"minor": 1.5, "currency": "EUR"}}),
            "/revenue_per_hour/minor",
        ),
        (
            json!({"service_down": true, "revenue_per_hour": {"minor": 1, "currency": "EUR"}}),
            "/revenue_per_hour/currency",
        ),
    ] {
        let problem = server.post(VIEWER, CLASSIFY, &facts).await.is(422);
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{facts}: {problem}"
        );
    }
    server.post(VIEWER, CLASSIFY, &json!([])).await.is(422);
    server.stop().await;
}

/// The thresholds are those of the policy, and each holds exactly from its figure on.
#[tokio::test]
async fn the_thresholds_are_those_of_the_policy() {
    let server = Server::start_under(IN_EUROS).await;
    let euros = |minor: i64| json!({"revenue_per_hour": {"minor": minor, "currency": "EUR"}});
    let users = |percent: &str| json!({"users_hit_percent": percent});
    for (facts, severity, text) in [
        (
            users("50.0001"),
            "SEV1",
            "50.0001 % of users are hit, more than 50 %",
        ),
        (users("50"), "SEV2", "50 % of users are hit, at least 10 %"),
        (users("10"), "SEV2", "10 % of users are hit, at least 10 %"),
        (
            users("9.9999"),
            "SEV3",
            "9.9999 % of users are hit, less than 10 %",
        ),
        (
            euros(2_000_001),
            "SEV1",
            "revenue of 20,000.01 EUR an hour is blocked, more than 20,000.00 EUR",
        ),
        (
            euros(2_000_000),
            "SEV2",
            "revenue of 20,000.00 EUR an hour is blocked, at least 2,000.00 EUR",
        ),
        (
            euros(200_000),
            "SEV2",
            "revenue of 2,000.00 EUR an hour is blocked, at least 2,000.00 EUR",
        ),
        (
            euros(199_999),
            "SEV3",
            "no rule speaks for another severity, and it is not known to be cosmetic",
        ),
    ] {
        let answer = server.post(VIEWER, CLASSIFY, &facts).await.is(200);
        assert_eq!(answer["severity"], severity, "{facts}");
        assert_eq!(answer["reasons"][0]["text"], text, "{facts}");
        assert_eq!(answer["reasons"][0]["severity"], severity, "{facts}");
    }
    // The currency that ships is none of this policy.
    let francs = json!({"revenue_per_hour": {"minor": 9_000_000, "currency": "XAF"}});
    let problem = server.post(VIEWER, CLASSIFY, &francs).await.is(422);
    let expected = json!([{
        "pointer": "/revenue_per_hour/currency",
        "detail": "expected EUR, the currency of the policy"
    }]);
    assert_eq!(problem["errors"], expected);
    server.stop().await;
}

/// The audited override: who declares another severity than the proposed one can be found.
#[tokio::test]
async fn another_severity_than_the_proposed_one_is_on_the_timeline_and_in_the_audit() {
    let server = Server::start().await;
    for (declared, proposed, overridden) in [
        ("SEV3", json!("SEV2"), true),
        ("SEV1", json!("sev-2"), true),
        ("SEV2", json!("SEV2"), false),
        ("SEV3", Value::Null, false),
    ] {
        let body = json!({"title": "Exports hang", "summary": "since six", "severity": declared, "proposed_severity": proposed});
        let incident = server
            .post(RESPONDER, "/sys/incidents", &body)
            .await
            .is(201);
        assert_eq!(incident["severity"], declared);
        let path = format!("/sys/incidents/{}", incident["id"].as_str().unwrap());
        let updates = server.get(VIEWER, &format!("{path}/updates")).await.is(200);
        let first = &updates["items"][0];
        let sentence = if overridden {
            format!("SEV2 was proposed, declared as {declared}\n")
        } else {
            String::new()
        };
        assert_eq!(
            first["message"],
            format!("declared {declared}: Exports hang\n{sentence}since six")
        );
        let changes = first["changes"].as_array().unwrap();
        let noted = changes
            .iter()
            .find(|one| one["field"] == "proposed_severity");
        assert_eq!(
            noted.map(|one| &one["to"]),
            overridden.then_some(&json!("SEV2"))
        );
        let audit = format!("/sys/audit?incident={}", incident["id"].as_str().unwrap());
        let audit = server.get(ADMIN, &audit).await.is(200);
        let entries = audit["items"].as_array().unwrap();
        let entry = entries
            .iter()
            .find(|one| one["action"] == "declare")
            .unwrap();
        let expected = if overridden {
            json!("SEV2")
        } else {
            Value::Null
        };
        assert_eq!(entry["detail"]["proposed_severity"], expected, "{entry}");
        assert_eq!(entry["detail"]["severity"], declared);
    }
    let wrong = json!({"title": "x", "severity": "SEV3", "proposed_severity": "SEV9"});
    let problem = server
        .post(RESPONDER, "/sys/incidents", &wrong)
        .await
        .is(422);
    assert_eq!(problem["errors"][0]["pointer"], "/proposed_severity");
    server.stop().await;
}

//! A secret in every internal field, and none in any public byte.

use serde_json::json;

use crate::over_http::harness::{ADMIN, COMMANDER, RESPONDER, Server};

#[tokio::test(flavor = "multi_thread")]
async fn no_internal_text_is_in_any_public_byte() {
    let server = Server::start().await;
    let secret = |n: u8| format!("canary-{n}");
    let body = json!({
        "title": secret(1), "summary": secret(2), "severity": "SEV1", "affected_services": ["api", secret(3)],
        "affected_tenants": [secret(4)], "responder": secret(5), "environment": "production", "alert_key": secret(6),
        "tracker_url": "https://canary-7.example/", "labels": {"canary-8": secret(9)}, "symptom": secret(10),
        "impact_text": secret(11), "cause": secret(12), "resolution": secret(13), "next_steps": secret(14),
        "data_loss": {"state": "suspected", "note": secret(15)}, "failure_class": secret(16),
        "data_leak": {"state": "suspected", "note": secret(17)}, "channel": secret(18), "bridge_url": "https://canary-19.example/",
        "vendor_reference": secret(40),
    });
    let incident = server
        .post(COMMANDER, "/sys/incidents", &body)
        .await
        .is(201);
    let id = incident["id"].as_str().unwrap();
    let path = format!("/sys/incidents/{id}");
    let updates = format!("{path}/updates");
    for update in [
        json!({"message": secret(20), "status": "investigating"}),
        json!({"message": secret(21), "comms_sent": {"channel": secret(22), "audience": "customers", "summary": secret(23)}}),
        json!({"message": secret(24), "status": "identified", "public_message": "We know the cause."}),
        json!({"message": secret(25), "status": "resolved", "reason": secret(26)}),
        json!({"message": secret(27), "status": "investigating", "reason": secret(28)}),
        json!({"message": secret(29), "status": "mitigated"}),
    ] {
        server.post(COMMANDER, &updates, &update).await.is(201);
    }
    server
        .post(RESPONDER, &format!("{path}/acknowledge"), &json!({}))
        .await
        .is(200);
    server
        .post(
            RESPONDER,
            &format!("{path}/page"),
            &json!({"reason": secret(30)}),
        )
        .await
        .is(202);
    server
        .post(
            RESPONDER,
            &format!("{path}/post-mortem"),
            &json!({"url": "https://canary-31.example/"}),
        )
        .await
        .is(200);
    server
        .post(
            RESPONDER,
            &format!("{path}/public"),
            &json!({"public": true}),
        )
        .await
        .is(200);

    let page = server.get("", "/public/status/active").await;
    for leaked in ["canary", id, "anna", "carl", "recorder"] {
        assert!(
            !page.text.contains(leaked),
            "{leaked} is public: {}",
            page.text
        );
        assert!(!format!("{:?}", page.headers).contains(leaked));
    }
    people_see_none(&server, &path, id).await;
    let shown = &page.json()["incidents"][0];
    assert_eq!(
        (&shown["services"], &shown["impact"], &shown["status"]),
        (&json!(["API"]), &json!("critical"), &json!("monitoring"))
    );
    let bodies: Vec<&str> = shown["updates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|update| update["body"].as_str().unwrap())
        .collect();
    assert_eq!(bodies.len(), 5);
    assert!(bodies.contains(&"We know the cause."));
    // A correction of the public text replaces it without a trace.
    let entries = server.get(ADMIN, &updates).await.is(200);
    let seq = entries["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["public_message"].is_string())
        .unwrap()["seq"]
        .clone();
    let correction =
        json!({"message": secret(32), "corrects": seq, "public_message": "We found the cause."});
    let seq = server.post(COMMANDER, &updates, &correction).await.is(201)["seq"].clone();
    let page = server.get("", "/public/status/active").await;
    assert!(page.text.contains("We found the cause.") && !page.text.contains("We know"));
    // A redaction of the original entry removes it.
    server
        .post(
            ADMIN,
            &format!("{updates}/{seq}/redact"),
            &json!({"reason": "wrong"}),
        )
        .await
        .is(200);
    let page = server.get("", "/public/status/active").await;
    assert!(!page.text.contains("We found the cause."), "{}", page.text);
    // P5, L2: nor after many changes of status and a cancellation.
    for n in 0..70 {
        let status = ["investigating", "identified"][n % 2];
        let update = json!({"message": secret(34), "status": status});
        server.post(COMMANDER, &updates, &update).await.is(201);
    }
    let cancel = json!({"message": secret(35), "status": "cancelled", "reason": "duplicate"});
    server.post(COMMANDER, &updates, &cancel).await.is(201);
    let page = server.get("", "/public/status/active").await;
    assert!(
        page.text.contains("This incident has been closed."),
        "{}",
        page.text
    );
    for leaked in ["canary", id, "duplicate", "anna", "carl"] {
        assert!(!page.text.contains(leaked), "{leaked}: {}", page.text);
    }
    people_see_none(&server, &path, id).await;
    server.stop().await;
}

/// Asserts that the pages for people have no internal text either, in any language.
async fn people_see_none(server: &Server, path: &str, id: &str) {
    let incident = server.incidents().get(id.parse().unwrap()).await.unwrap();
    let one = format!("/status/incidents/{}", incident.status_page.id);
    for page in ["/status", &one] {
        for tag in ["en", "fr", "de"] {
            let page = server.get("", &format!("{page}?lang={tag}")).await;
            assert_eq!(page.status, 200);
            assert!(page.text.contains("API") && page.text.contains("status/assets/"));
            for leaked in ["canary", id, path, "duplicate", "anna", "carl", "recorder"] {
                assert!(!page.text.contains(leaked), "{leaked}: {}", page.text);
                assert!(!format!("{:?}", page.headers).contains(leaked));
            }
        }
    }
}

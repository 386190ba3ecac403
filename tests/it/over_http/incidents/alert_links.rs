//! Incidents of one alert: their links, and requests that are not repeats.

use std::time::Duration;

use incident_core::actor::Role;
use incident_core::engine::{Incidents, PreparedCommand, RequestContext};
use incident_core::incident::{Declare, Mode, Severity};
use incident_core::port::StoreError;
use incident_core::testing::caller;
use serde_json::json;

use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER, storage};
use crate::over_http::incidents::alerts::{alert, entries, path, send};

/// Of many live incidents of one alert the first twenty are linked, and the one that stands for the
/// alert takes it over, whatever its position.
#[tokio::test]
async fn linked_incidents_of_one_alert_are_limited() {
    let server = Server::start().await;
    let mut paging = json!({"page": false});
    let (status, silent) = send(&server, COMMANDER, "SEV1", &paging).await;
    assert_eq!(status, 201);
    for _ in 0..25 {
        let (status, _) = send(&server, COMMANDER, "SEV1", &json!({"mode": "drill"})).await;
        assert_eq!(status, 201);
    }
    paging = json!({});
    let (status, real) = send(&server, COMMANDER, "SEV1", &paging).await;
    assert_eq!(status, 201);
    let real = server.get(VIEWER, &path(&real)).await.is(200);
    assert_eq!(real["related"].as_array().unwrap().len(), 20, "{real}");
    let taken = entries(&server, &silent, "holds its alert key from now on").await;
    assert_eq!(taken.len(), 1, "the one that stood for it before says so");
    server.stop().await;
}

/// An incident that is over is not linked to the next one of its alert, and a request repeated with
/// its key does not count as another repeat.
#[tokio::test]
async fn ended_incidents_are_not_linked_and_a_retried_request_is_no_repeat() {
    let server = Server::start().await;
    let (_, first) = send(&server, COMMANDER, "SEV1", &json!({})).await;
    let over = json!({"message": "over", "status": "resolved"});
    let updates = format!("{}/updates", path(&first));
    server.post(COMMANDER, &updates, &over).await.is(201);
    let (status, second) = send(&server, COMMANDER, "SEV1", &json!({})).await;
    assert_eq!((status, &second["related"]), (201, &json!([])));
    let body = alert("SEV1", &json!({})).to_string().into_bytes();
    for replayed in [None, Some("true")] {
        let key = [("idempotency-key", "again")];
        let sent = Some(body.clone());
        let answer = server
            .send(
                reqwest::Method::POST,
                COMMANDER,
                "/sys/incidents",
                &key,
                sent,
            )
            .await;
        assert_eq!(answer.header("idempotent-replayed"), replayed);
        let answer = answer.is(200);
        assert_eq!(
            (&answer["id"], &answer["deduplicated"]),
            (&second["id"], &json!(true))
        );
    }
    assert_eq!(entries(&server, &second, "fired again").await.len(), 1);
    server.stop().await;
}

/// P3: a decision made while an alert had no incident is not committed once it has one, even a
/// drill that would only be linked: the commit names the incidents of the alert that were seen.
#[tokio::test]
async fn a_declaration_that_did_not_see_an_incident_of_its_alert_is_not_kept() {
    let (storage, _database) = storage().await;
    let incidents = Incidents::builder(storage.store.clone()).build().unwrap();
    let context = RequestContext::new(caller("anna", Role::Commander).unwrap());
    let asked = |alert: Option<&str>, mode| Declare {
        alert_key: alert.map(|alert| alert.parse().unwrap()),
        mode,
        ..Declare::new("cpu of api-1".parse().unwrap(), Severity::Sev1)
    };
    for (alert, is_kept) in [(Some("cpu"), false), (None, true)] {
        let late = PreparedCommand::declare(&incidents, &context, &asked(alert, Mode::Live)).await;
        let drill = asked(alert, Mode::Drill);
        incidents.declare(&context, &drill).await.unwrap();
        let commit = late.unwrap().commit().clone();
        let kept = storage.store.commit(commit, Duration::from_secs(5)).await;
        let refused = matches!(kept, Err(StoreError::AlertKeyTaken(_)));
        assert_eq!((kept.is_ok(), refused), (is_kept, !is_kept), "{kept:?}");
    }
}

/// A repeat is refused for what a new incident would be refused for, and not for its times, which
/// pass while a sender repeats its alert as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_checked_like_a_declaration() {
    let server = Server::start().await;
    let (status, first) = send(&server, RESPONDER, "SEV3", &json!({})).await;
    assert_eq!(status, 201);
    let long = "x".repeat(200);
    for (wrong, pointer) in [
        (json!({"labels": {long.as_str(): "a"}}), "/labels"),
        (json!({"labels": {"a": "x".repeat(2_000)}}), "/labels/a"),
        (
            json!({"affected_services": vec!["api"; 201]}),
            "/affected_services",
        ),
    ] {
        let (status, problem) = send(&server, RESPONDER, "SEV3", &wrong).await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    let eta = json!({"eta": "2026-11-20T22:00:00Z"});
    let (status, again) = send(&server, RESPONDER, "SEV3", &eta).await;
    assert_eq!((status, &again["id"]), (200, &first["id"]));
    server.stop().await;
}

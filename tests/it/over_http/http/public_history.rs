//! The public history, and public incidents by their public ids, over each store.

use std::time::Duration;

use incident_core::PublicId;
use incident_core::engine::Error;
use incident_core::status_page::{HISTORY_DAYS, Indicator};
use serde_json::{Value, json};

use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Declares an incident that is shown to the public under a title.
async fn declare(server: &Server, title: &str) -> String {
    let path = server
        .declare(&json!({"severity": "SEV2", "page": false}))
        .await;
    publish(server, &path, json!({"public": true, "title": title})).await;
    path
}

async fn publish(server: &Server, path: &str, body: Value) {
    let path = format!("{path}/public");
    server.post(RESPONDER, &path, &body).await.is(200);
}

async fn moved(server: &Server, path: &str, update: Value) {
    let mut update = update;
    update["message"] = "internal".into();
    server.update(COMMANDER, path, &update).await;
}

async fn public_id(server: &Server, path: &str) -> PublicId {
    let incident = server.get(VIEWER, path).await.is(200);
    let id = incident["id"].as_str().unwrap().parse().unwrap();
    server.incidents().get(id).await.unwrap().status_page.id
}

/// Returns the titles of the history, in order.
async fn titles(server: &Server) -> Vec<String> {
    let history = server.incidents().reports().public_history().await.unwrap();
    let titles = history.incidents.iter().map(|one| &one.incident.title);
    titles.map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_leaves_the_page_after_a_day_and_the_history_after_fourteen() {
    let server = Server::start().await;
    let path = declare(&server, "over").await;
    moved(&server, &path, json!({"status": "resolved"})).await;
    declare(&server, "live").await;
    server.clock.advance(DAY);
    let reports = server.incidents().reports();
    let (page, history) = reports.public_pages().await.unwrap();
    assert_eq!(page, reports.public_page().await.unwrap());
    assert_eq!(history, reports.public_history().await.unwrap());
    assert_eq!(page.incidents.len(), 1);
    assert_eq!(page.status.indicator, Indicator::Major);
    assert_eq!(titles(&server).await, ["live", "over"]);
    let days = history.days(reports.now());
    assert_eq!(days.len(), HISTORY_DAYS as usize);
    assert_eq!((days[1].incidents.len(), days[0].continued), (2, 1));
    server.clock.advance(DAY * (HISTORY_DAYS - 2));
    assert_eq!(titles(&server).await, ["live", "over"]);
    server.clock.advance(DAY);
    assert_eq!(titles(&server).await, ["live"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_incident_of_any_age_is_found_by_its_public_id() {
    let server = Server::start().await;
    let path = declare(&server, "API errors").await;
    moved(
        &server,
        &path,
        json!({"status": "resolved", "public_message": "A fix is in place."}),
    )
    .await;
    let id = public_id(&server, &path).await;
    server.clock.advance(DAY * 400);
    let found = server.incidents().reports().public_incident(id).await;
    let found = found.unwrap();
    assert_eq!(found.incident.id, id);
    assert_eq!(found.incident.title.as_str(), "API errors");
    assert_eq!(
        found.incident.updates[0].body.as_str(),
        "A fix is in place."
    );
    assert!(found.ended_at.is_some());
    server.stop().await;
}

/// H9: hidden and unknown ids, and ids that are not public ones, are answered alike.
#[tokio::test(flavor = "multi_thread")]
async fn hidden_unknown_and_internal_ids_are_answered_alike() {
    let server = Server::start().await;
    let path = declare(&server, "API errors").await;
    let id = public_id(&server, &path).await;
    let internal: PublicId = path.rsplit('/').next().unwrap().parse().unwrap();
    let unknown: PublicId = "0190a000-0000-4000-8000-000000000000".parse().unwrap();
    let reports = server.incidents().reports();
    assert!(reports.public_incident(id).await.is_ok());
    publish(&server, &path, json!({"public": false})).await;
    for id in [id, internal, unknown] {
        let refused = reports.public_incident(id).await;
        assert!(
            matches!(refused, Err(Error::NotFound("incident"))),
            "{refused:?}"
        );
    }
    server.stop().await;
}

/// Whoever follows a link to an incident that was merged finds the one that shows its texts.
#[tokio::test(flavor = "multi_thread")]
async fn a_merged_incident_is_shown_in_the_one_that_it_was_merged_into() {
    let server = Server::start().await;
    let (first, second, last) = (
        declare(&server, "first").await,
        declare(&server, "second").await,
        declare(&server, "last").await,
    );
    moved(&server, &first, json!({"public_message": "Logins fail."})).await;
    for (from, into) in [(&first, &second), (&second, &last)] {
        let into = into.rsplit('/').next().unwrap();
        moved(
            &server,
            from,
            json!({"status": "merged", "merged_into": into}),
        )
        .await;
    }
    let shown = public_id(&server, &last).await;
    let reports = server.incidents().reports();
    for path in [&first, &second, &last] {
        let id = public_id(&server, path).await;
        let found = reports.public_incident(id).await.unwrap().incident;
        assert_eq!((found.id, found.title.as_str()), (shown, "last"));
        assert_eq!(found.updates[0].body.as_str(), "Logins fail.");
    }
    // Hidden ones lead nowhere, and show nothing elsewhere.
    let id = public_id(&server, &first).await;
    publish(&server, &first, json!({"public": false})).await;
    assert!(reports.public_incident(id).await.is_err());
    let found = reports.public_incident(shown).await.unwrap().incident;
    assert!(
        found
            .updates
            .iter()
            .all(|one| one.body.as_str() != "Logins fail.")
    );
    publish(&server, &last, json!({"public": false})).await;
    let id = public_id(&server, &second).await;
    assert!(reports.public_incident(id).await.is_err());
    server.stop().await;
}

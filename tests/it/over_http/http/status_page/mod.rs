//! The status page for people.

mod content;
mod copies;
mod responses;

use reqwest::Method;
use serde_json::{Value, json};

use crate::over_http::harness::{Answer, COMMANDER, RESPONDER, Server, VIEWER};

const PAGE: &str = "/status";

/// Declares a public incident. Without a title it has the neutral one.
async fn declare(server: &Server, severity: &str, title: Option<&str>) -> String {
    let more = json!({"severity": severity, "page": false, "affected_services": ["api"]});
    let path = server.declare(&more).await;
    let body = match title {
        Some(title) => json!({"public": true, "title": title}),
        None => json!({"public": true}),
    };
    publish(server, &path, &body).await;
    path
}

async fn publish(server: &Server, path: &str, body: &Value) {
    let path = format!("{path}/public");
    server.post(RESPONDER, &path, body).await.is(200);
}

async fn post(server: &Server, path: &str, body: Value) -> Value {
    let mut body = body;
    body["message"] = "internal".into();
    server.update(COMMANDER, path, &body).await
}

/// Returns the path of the page of an incident.
async fn page_of(server: &Server, path: &str) -> String {
    let incident = server.get(VIEWER, path).await.is(200);
    let id = incident["id"].as_str().unwrap().parse().unwrap();
    let id = server.incidents().get(id).await.unwrap().status_page.id;
    format!("/status/incidents/{id}")
}

/// Asks as a browser does.
async fn browse(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let accept = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let all: Vec<_> = headers.iter().copied().chain([accept]).collect();
    // The document of the API describes no pages.
    let response = server.response(Method::GET, "", path, &all, None).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer {
        status,
        headers,
        text: response.text().await.unwrap(),
    }
}

async fn shown(server: &Server, path: &str) -> String {
    let answer = browse(server, path, &[]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

impl Answer {
    /// Asserts that it is a page with this status.
    fn must_be_page(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(self.text.starts_with("<!doctype html>"), "{}", self.text);
        assert!(!self.text.contains("<script"));
    }
}

//! The rights that pages ask for, and the guide that lists them.

use incident_axum::{RouteInfo, routes};
use reqwest::Method;
use serde_json::json;

use crate::console::roles::{IN_ORDER, allowed};
use crate::over_http::harness::Server;

const PAGES: &str = include_str!("../../../docs/pages.md");

/// The guide to the pages lists every page with the right that it needs, and no other.
#[test]
fn every_page_is_in_the_guide() {
    let row = |route: &RouteInfo| {
        let needs = match route.permission {
            Some(action) => format!("`{}`", action.name()),
            None => "-".to_owned(),
        };
        format!("| `{} {}` | {needs} |", route.method, route.path)
    };
    let pages: Vec<String> = routes()
        .iter()
        .filter(|route| route.is_page)
        .map(row)
        .collect();
    for row in &pages {
        println!("{row}");
    }
    let listed: Vec<String> = PAGES
        .lines()
        .filter(|line| line.starts_with("| `GET /") || line.starts_with("| `POST /"))
        .map(|line| line.splitn(4, '|').take(3).collect::<Vec<_>>().join("|") + "|")
        .collect();
    assert_eq!(listed, pages);
}

/// Each page and each form asks for its right: with it no answer is 403, and without it every one.
#[tokio::test(flavor = "multi_thread")]
async fn pages_ask_for_their_rights() {
    let server = Server::start().await;
    let incident = server.declare(&json!({})).await;
    let id = incident.rsplit('/').next().unwrap();
    for route in routes().into_iter().filter(|route| route.is_page) {
        let Some(action) = route.permission else {
            continue;
        };
        let path = route
            .path
            .replace("{id}", id)
            .replace("{seq}", "1")
            .replace("{number}", "1")
            .replace("{tenant}", "tenant-fr");
        for (role, token) in IN_ORDER {
            let headers = [
                ("accept", "text/html"),
                ("content-type", "application/x-www-form-urlencoded"),
            ];
            let body = (route.method == Method::POST).then(|| b"none=1".to_vec());
            let method = route.method.clone();
            let response = server.response(method, token, &path, &headers, body).await;
            let status = response.status().as_u16();
            let name = format!("{} {} as {role}: {status}", route.method, route.path);
            assert_eq!(status != 403, allowed(role, &[action]), "{name}");
            assert!(status < 500, "{name}");
        }
    }
    server.stop().await;
}

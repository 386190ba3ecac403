//! The routes behave as one table says: methods, unknown ids, and the login before all else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use incident_axum::routes;
use reqwest::Method;

use crate::architecture::files;
use crate::over_http::harness::{ADMIN, Server};

const UNKNOWN: &str = "0190a000-0000-7000-8000-000000000000";

/// Returns the methods of each path of the table; `GET` stands for `HEAD` too.
fn methods() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut methods: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for route in routes() {
        let of_path = methods.entry(route.path).or_default();
        of_path.insert(route.method.to_string());
        if route.method == Method::GET {
            of_path.insert("HEAD".to_owned());
        }
        if route.path.starts_with("/public/") {
            of_path.insert("OPTIONS".to_owned());
        }
    }
    methods
}

/// Routes are registered from the table, and by the fallback of public paths; by nothing else.
#[test]
fn no_route_is_outside_of_the_table() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/axum/src");
    let mut registered = BTreeMap::new();
    for file in files(&sources, "rs") {
        let text = fs::read_to_string(&file).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let calls = [".route(", ".route_service(", ".nest(", ".nest_service("];
        let count = code
            .filter(|line| calls.iter().any(|call| line.contains(call)))
            .count();
        if count > 0 {
            let name = file.strip_prefix(&sources).unwrap().display().to_string();
            registered.insert(name, count);
        }
    }
    let expected = [
        ("routes/mod.rs".to_owned(), 2),
        ("routes/public.rs".to_owned(), 1),
    ];
    assert_eq!(registered, BTreeMap::from(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_refused_with_the_methods_that_there_are() {
    let server = Server::start().await;
    for (path, methods) in methods() {
        let url = path
            .replace("{id}", UNKNOWN)
            .replace("{batch}", UNKNOWN)
            .replace("{seq}", "1");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            if methods.contains(method) {
                continue;
            }
            let wrong = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = server.send(wrong, ADMIN, &url, &[], None).await;
            let allow = answer.header("allow").unwrap_or_default().to_owned();
            let allowed: BTreeSet<String> =
                allow.split(',').map(|one| one.trim().to_owned()).collect();
            assert_eq!(allowed, methods, "{method} {path}");
            answer.problem(405);
        }
    }
    server.stop().await;
}

/// An id that does not exist and one that is unreadable get the same 404: neither says which ids
/// there could be.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_unreadable_ids_are_the_same_404() {
    let server = Server::start().await;
    let mut tried = 0;
    // Any name may be that of a tenant.
    let has_id = |path: &str| path.contains('{') && !path.contains("{tenant}");
    for route in routes().iter().filter(|route| has_id(route.path)) {
        let bodies: BTreeMap<&str, &str> = BTreeMap::from([
            ("/page", r#"{"reason":"x"}"#),
            ("/post-mortem", r#"{"url":"https://a.example"}"#),
            ("/public", r#"{"public":false}"#),
            ("/redact", r#"{"reason":"x"}"#),
            ("/updates", r#"{"message":"x"}"#),
            ("/waive", r#"{"reason":"x"}"#),
        ]);
        let end = route.path.rfind('/').unwrap();
        let body = bodies.get(&route.path[end..]).unwrap_or(&"{}");
        let mut seen = BTreeSet::new();
        for id in [
            UNKNOWN,
            "0190A000000070008000000000000000",
            "x",
            "%ff",
            "..%2f",
        ] {
            let path = route
                .path
                .replace("{id}", id)
                .replace("{batch}", id)
                .replace("{seq}", "1");
            let body = (route.method != Method::GET).then(|| body.as_bytes().to_vec());
            let answer = server
                .send(route.method.clone(), ADMIN, &path, &[], body)
                .await;
            assert_eq!(
                answer.status, 404,
                "{} {path}: {}",
                route.method, answer.text
            );
            seen.insert(answer.text);
        }
        // An entry of an incident that does not exist: the incident is what is missing.
        let expected = if route.path.contains("{seq}") { 2 } else { 1 };
        assert!(seen.len() <= expected, "{}: {seen:?}", route.path);
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_comes_before_all_else() {
    let server = Server::start().await;
    let paths = [
        "/sys",
        "/sys/",
        "/sys/nothing",
        "/sys/incidents/x/y/z",
        "/metrics",
    ];
    let guarded = routes()
        .into_iter()
        .filter(|route| route.permission.is_some());
    let guarded: Vec<&str> = guarded.map(|route| route.path).collect();
    for path in guarded.iter().copied().chain(paths) {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            server.send(method, "", path, &[], None).await.problem(401);
        }
    }
    server.stop().await;
}

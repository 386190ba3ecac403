//! The routers in applications of other hosts: prefixes, merges, two mounts, states.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, and what they share, fail by panicking"
)]

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::get;
use http_body_util::BodyExt;
use incident_axum::{AuthError, Authenticate, IncidentApi, PublicCache, Tokens};
use incident_core::actor::{Caller, Role};
use incident_core::engine::Incidents;
use incident_core::testing::caller;
use incident_store_memory::MemoryStore;
use serde_json::Value;
use tower::ServiceExt;

const TOKEN: &str = "Bearer 0123456789abcdef";
const DECLARE: &str = r#"{"title": "API down", "severity": "SEV3"}"#;

fn api() -> IncidentApi {
    let tokens = Tokens::parse("anna:commander:0123456789abcdef").unwrap();
    api_behind(Arc::new(tokens))
}

fn api_behind(login: Arc<dyn Authenticate>) -> IncidentApi {
    let cache = PublicCache::shared();
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .on_event(cache.listener())
        .build()
        .unwrap();
    IncidentApi::builder(incidents, login, cache).build()
}

async fn send(app: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let answer = app.clone().oneshot(request).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, headers, body.to_vec())
}

fn get_of(path: &str) -> Request<Body> {
    let request = Request::get(path).header(header::AUTHORIZATION, TOKEN);
    request.body(Body::empty()).unwrap()
}

fn declare_at(path: &str) -> Request<Body> {
    Request::post(path)
        .header(header::AUTHORIZATION, TOKEN)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(DECLARE))
        .unwrap()
}

/// Asserts that a declared incident is where its `Location` says.
async fn declares(app: &Router, prefix: &str) {
    let (status, headers, _) = send(app, declare_at(&format!("{prefix}/sys/incidents"))).await;
    assert_eq!(status, 201, "{prefix}");
    let location = headers[header::LOCATION].to_str().unwrap().to_owned();
    assert!(
        location.starts_with(&format!("{prefix}/sys/incidents/")),
        "{location}"
    );
    let (status, _, body) = send(app, get_of(&location)).await;
    assert_eq!(status, 200, "{location}");
    let shown: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(shown["title"], "API down");
    let (status, headers, _) = send(app, get_of(&format!("{prefix}/public/status/active"))).await;
    assert_eq!(status, 200);
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
}

#[tokio::test]
async fn it_works_merged_and_under_any_prefix() {
    declares(&api().router(), "").await;
    for prefix in ["/incidents", "/a/b/c", "/a%20b", "/sys", "/public"] {
        let app = Router::new()
            .route("/", get(async |State(name): State<&'static str>| name))
            .nest(prefix, api().router())
            .with_state("host");
        declares(&app, prefix).await;
        let (status, _, body) = send(&app, get_of("/")).await;
        assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"host"[..]));
    }
}

/// The document names the prefix under which it is mounted, and its page links to it.
#[tokio::test]
async fn the_document_knows_its_prefix() {
    let api = api();
    let app: Router = Router::new()
        .nest("/a/b", api.router())
        .nest("/about", api.docs())
        .nest("/c%20d", api.docs());
    for (prefix, server) in [("/a/b", "/a/b"), ("/about", "/about"), ("/c%20d", "/c%20d")] {
        let (status, headers, body) = send(&app, get_of(&format!("{prefix}/openapi.json"))).await;
        assert_eq!(status, 200, "{prefix}");
        let document: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(document["servers"][0]["url"], server);
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
        let (status, _, page) = send(&app, get_of(&format!("{prefix}/docs"))).await;
        assert_eq!(status, 200, "{prefix}");
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains("href=\"openapi.json\""), "{prefix}");
    }
    let alone: Value = serde_json::from_str(&incident_axum::openapi("/x")).unwrap();
    assert_eq!(alone["servers"][0]["url"], "/x");
}

#[tokio::test]
async fn two_mounts_of_one_api_show_the_same_and_two_apis_do_not() {
    let (one, other) = (api(), api());
    let app = Router::new()
        .nest("/a", one.router())
        .nest("/b", one.router())
        .nest("/c", other.router());
    declares(&app, "/a").await;
    for (prefix, found) in [("/a", 1), ("/b", 1), ("/c", 0)] {
        let (_, _, body) = send(&app, get_of(&format!("{prefix}/sys/incidents"))).await;
        let list: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(list["items"].as_array().unwrap().len(), found, "{prefix}");
    }
}

/// Each part alone leaves other paths to the host.
#[tokio::test]
async fn parts_are_mounted_alone() {
    let api = api();
    let app: Router = Router::new()
        .merge(api.public())
        .nest("/ops", api.operators())
        .nest("/vendors", api.webhooks())
        .fallback(async || (StatusCode::IM_A_TEAPOT, "the host's"));
    for (path, status) in [
        ("/public/status/active", 200),
        ("/ops/sys/incidents", 200),
        ("/sys/incidents", 418),
        ("/vendors/hooks/pagerduty", 405),
        ("/healthz", 418),
        ("/other", 418),
    ] {
        let (found, ..) = send(&app, get_of(path)).await;
        assert_eq!(found, status, "{path}");
    }
}

/// Unknown paths below `/sys` are 401 without a login, and problems with one.
#[tokio::test]
async fn nobody_probes_for_routes() {
    let app: Router = Router::new().nest("/incidents", api().router());
    for path in [
        "/incidents/sys/nothing",
        "/incidents/sys",
        "/incidents/metrics",
    ] {
        let anonymous = Request::get(path).body(Body::empty()).unwrap();
        let (status, headers, _) = send(&app, anonymous).await;
        assert_eq!(status, 401, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        let (status, headers, body) = send(&app, get_of(path)).await;
        assert_eq!(status, 404, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert!(!String::from_utf8(body).unwrap().contains("nothing"));
    }
}

/// A login whose answer is the test's.
struct Answering(Result<Role, AuthError>);

#[async_trait]
impl Authenticate for Answering {
    async fn authenticate(&self, _: &mut Parts) -> Result<Caller, AuthError> {
        self.0.map(|role| caller("anna", role).unwrap())
    }
}

#[tokio::test]
async fn the_login_of_the_host_decides() {
    for (answer, status) in [
        (Ok(Role::Viewer), 403),
        (Ok(Role::Responder), 201),
        (Err(AuthError::Missing), 401),
        (Err(AuthError::Invalid), 401),
        (Err(AuthError::Repeated), 400),
        (Err(AuthError::Unavailable), 503),
    ] {
        let app: Router = api_behind(Arc::new(Answering(answer))).router();
        let (found, headers, body) = send(&app, declare_at("/sys/incidents")).await;
        assert_eq!(
            found,
            status,
            "{answer:?}: {}",
            String::from_utf8_lossy(&body)
        );
        assert_eq!(headers.contains_key(header::RETRY_AFTER), status == 503);
    }
}

/// Without a sink of usage events the route is not there.
#[tokio::test]
async fn a_host_without_a_sink_takes_no_usage_events() {
    let app: Router = api().router();
    for (kind, body) in [("application/json", "[]"), ("application/x-ndjson", "\n")] {
        let request = Request::post("/sys/usage-events")
            .header(header::AUTHORIZATION, TOKEN)
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .unwrap();
        assert_eq!(send(&app, request).await.0, 404, "{kind}");
    }
}

/// A cookie login is safe from the pages of other sites, also on routes that need no body.
#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let app: Router = api_behind(Arc::new(Answering(Ok(Role::Admin)))).router();
    for (site, status) in [
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 200),
    ] {
        let request = Request::post("/sys/pages/test")
            .header("sec-fetch-site", site)
            .header(header::COOKIE, "session=anna")
            .body(Body::empty())
            .unwrap();
        let (found, _, body) = send(&app, request).await;
        assert_eq!(found, status, "{site}: {}", String::from_utf8_lossy(&body));
    }
}

/// A client that sends half a body and then nothing holds nothing for longer than half a minute.
#[tokio::test(start_paused = true)]
async fn half_a_body_is_given_up() {
    let app: Router = api().router();
    for (path, kind) in [
        ("/sys/incidents", "application/json"),
        ("/hooks/pagerduty", "application/json"),
    ] {
        let half = futures_util::stream::pending::<Result<String, std::io::Error>>();
        let request = Request::post(path)
            .header(header::AUTHORIZATION, TOKEN)
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from_stream(half))
            .unwrap();
        let (status, ..) = send(&app, request).await;
        // Webhooks are closed here before their body is read.
        let expected = if path == "/sys/incidents" { 408 } else { 404 };
        assert_eq!(status, expected, "{path}");
    }
}

/// A request id is kept if it fits, and made otherwise; the public page has none.
#[tokio::test]
async fn answers_have_the_id_of_their_request() {
    let app: Router = api().router();
    let with_id = |path: &str, id: &str| {
        let request = Request::post(path).header("x-request-id", id);
        request.body(Body::empty()).unwrap()
    };
    for path in ["/sys/incidents", "/sys/nothing", "/hooks/pagerduty"] {
        let (_, headers, _) = send(&app, with_id(path, "7b0e1f")).await;
        assert_eq!(headers["x-request-id"], "7b0e1f", "{path}");
        let (_, headers, _) = send(&app, with_id(path, "two words")).await;
        assert_eq!(headers["x-request-id"].len(), 36, "{path}");
    }
    let (_, headers, _) = send(&app, with_id("/public/status/active", "7b0e1f")).await;
    assert!(!headers.contains_key("x-request-id"));
}

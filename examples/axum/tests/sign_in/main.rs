//! Sign-in over HTTP: cookies, their requests, and the ways a session ends.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, and what they share, fail by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use incident_axum::{
    Accounts, IncidentApi, Login, MemorySessions, PublicCache, SessionStore, Sessions, Tokens,
};
use incident_core::actor::{Caller, Role};
use incident_core::engine::Incidents;
use incident_core::testing::{ManualClock, caller};
use incident_store_memory::MemoryStore;
use tower::ServiceExt;

mod endings;

const TOKEN: &str = "0123456789abcdef";
const HOUR: Duration = Duration::from_secs(3_600);

struct App {
    router: Router,
    api: IncidentApi,
    clock: Arc<ManualClock>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    /// Returns the cookie that a browser sends from now on.
    fn cookie(&self) -> String {
        let set = self.headers[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }
}

fn tokens() -> Tokens {
    Tokens::parse("anna:responder:0123456789abcdef,bob:viewer:fedcba9876543210").unwrap()
}

fn app() -> App {
    app_with(
        Arc::new(MemorySessions::default()),
        Arc::new(tokens()),
        None,
    )
}

fn app_with(store: Arc<dyn SessionStore>, accounts: Arc<dyn Accounts>, base: Option<&str>) -> App {
    let (cache, clock) = (
        PublicCache::shared(),
        Arc::new(ManualClock::at("2026-11-27T03:00:00Z".parse().unwrap())),
    );
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .on_event(cache.listener())
        .clock(Arc::clone(&clock) as _)
        .build()
        .unwrap();
    let mut builder = IncidentApi::builder(incidents, Arc::new(tokens()), cache)
        .sessions(Sessions::new(store, accounts));
    if let Some(base) = base {
        builder = builder.external_url(base.parse().unwrap());
    }
    let api = builder.build();
    App {
        router: api.router(),
        api,
        clock,
    }
}

impl App {
    async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer {
            status,
            headers,
            body,
        }
    }

    async fn form(&self, path: &str, form: &str, more: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path)
            .header(header::HOST, "localhost:8080")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    /// Signs anna in, and returns her cookie.
    async fn signed_in(&self) -> String {
        let answer = self.form("/signin", &format!("token={TOKEN}"), &[]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.cookie()
    }

    /// Reads the list of incidents with a cookie.
    async fn reads(&self, cookie: &str) -> u16 {
        let request = Request::get("/sys/incidents").header(header::COOKIE, cookie);
        let answer = self.send(request.body(Body::empty()).unwrap()).await;
        answer.status.as_u16()
    }

    async fn declares(&self, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::post("/sys/incidents")
            .header(header::HOST, "localhost:8080")
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = r#"{"title": "API down", "severity": "SEV3"}"#;
        self.send(request.body(Body::from(body)).unwrap()).await
    }
}

/// field.md H3: with the cookie, a request that changes something comes from our own pages.
#[tokio::test]
async fn a_session_reads_and_writes_from_its_own_pages() {
    let app = app();
    let cookie = app.signed_in().await;
    assert_eq!(app.reads(&cookie).await, 200);
    for (headers, status) in [
        (&[][..], 403),
        (&[("sec-fetch-site", "same-origin")], 201),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("origin", "http://localhost:8080")], 201),
        (&[("origin", "https://evil.example")], 403),
        (&[("origin", "null")], 403),
    ] {
        let mut headers = headers.to_vec();
        headers.push(("cookie", &cookie));
        let answer = app.declares(&headers).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.body);
    }
    let bearer = format!("Bearer {TOKEN}");
    let both = [("cookie", cookie.as_str()), ("authorization", &bearer)];
    assert_eq!(app.declares(&both).await.status, 201);
    // What was sent on purpose counts.
    let viewer = [
        ("cookie", cookie.as_str()),
        ("authorization", "Bearer fedcba9876543210"),
    ];
    assert_eq!(app.declares(&viewer).await.status, 403);
    let wrong = [
        ("cookie", cookie.as_str()),
        ("authorization", "Bearer wrong"),
    ];
    assert_eq!(app.declares(&wrong).await.status, 401);
}

/// field.md H1, H2: the attributes of the cookie, over plain HTTP on this machine and over HTTPS.
#[tokio::test]
async fn the_cookie_fits_the_transport() {
    let answer = app().form("/signin", &format!("token={TOKEN}"), &[]).await;
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(
        set.starts_with("incident_session=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{set}"
    );
    let memory = || Arc::new(MemorySessions::default());
    let secure = app_with(
        memory(),
        Arc::new(tokens()),
        Some("https://console.example"),
    );
    let answer = secure.form("/signin", &format!("token={TOKEN}"), &[]).await;
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    let expected = "; Path=/; HttpOnly; SameSite=Lax; Secure";
    assert!(
        set.starts_with("__Host-incident_session=") && set.ends_with(expected),
        "{set}"
    );
    assert_eq!(secure.reads(&answer.cookie()).await, 200);
    // Over plain HTTP to another machine, the token would be readable on the way.
    for (host, status) in [
        ("127.0.0.1:8080", 303),
        ("[::1]:8080", 303),
        ("[::1]", 303),
        ("10.0.0.7:8080", 403),
        ("console.example", 403),
        ("", 403),
    ] {
        let request = Request::post("/signin")
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(format!("token={TOKEN}"))).unwrap();
        let answer = app().send(request).await;
        assert_eq!(answer.status, status, "{host}");
        assert_eq!(
            answer.headers.contains_key(header::SET_COOKIE),
            status == 303
        );
    }
}

/// The store holds nothing with which somebody could sign in.
#[tokio::test]
async fn the_store_holds_no_secret() {
    let store = MemorySessions::default();
    let app = app_with(Arc::new(store.clone()), Arc::new(tokens()), None);
    let cookie = app.signed_in().await;
    let (_, secret) = cookie.split_once('=').unwrap();
    let stored = format!("{store:?}");
    assert!(stored.contains("anna") && !stored.contains(secret) && !stored.contains(TOKEN));
}

#[tokio::test]
async fn wrong_tokens_are_refused_counted_and_never_lock_anyone_out() {
    let app = app();
    for attempt in 1..=25 {
        let answer = app
            .form("/signin", "token=wrong-token-0123456789", &[])
            .await;
        let expected = if attempt <= 20 { 401 } else { 429 };
        assert_eq!(answer.status, expected, "{attempt}");
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(
            answer.headers.contains_key(header::RETRY_AFTER),
            expected == 429
        );
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
    }
    app.signed_in().await;
}

/// A person sees the form again, with where to go, and without the token.
#[tokio::test]
async fn a_refusal_is_a_page_for_people() {
    let app = app();
    let accepts = [("accept", "text/html,*/*;q=0.8")];
    let form = "token=wrong-token-0123456789&next=%2Fincidents%3Fa%3D%22%3E%3Cscript%3E";
    let answer = app.form("/signin", form, &accepts).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );
    let policy = answer.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(
        policy.starts_with("default-src 'none';") && policy.contains("form-action 'self'"),
        "{policy}"
    );
    assert!(answer.body.contains("role=\"alert\""), "{}", answer.body);
    assert!(
        answer
            .body
            .contains("value=\"/incidents?a=&quot;&gt;&lt;script&gt;\""),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("wrong-token") && !answer.body.contains("<script>"));
    for _ in 0..20 {
        app.form("/signin", "token=wrong", &accepts).await;
    }
    let answer = app.form("/signin", "token=wrong", &accepts).await;
    assert_eq!(answer.status, 429);
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
}

/// field.md H6: `next` leads only to ourselves.
#[tokio::test]
async fn a_sign_in_leads_to_our_own_pages() {
    let app = app();
    for (next, location) in [
        ("%2Fincidents%2F017%3Ftab%3Dsla", "/incidents/017?tab=sla"),
        ("", "/"),
        ("%2F%2Fevil.example", "/"),
        ("%2F%5Cevil.example", "/"),
        ("https%3A%2F%2Fevil.example", "/"),
        ("%2Fa%0D%0Aset-cookie%3A%20a%3Db", "/"),
    ] {
        let form = format!("token={TOKEN}&next={next}");
        let answer = app.form("/signin", &form, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            (303, location),
            "{next}"
        );
    }
}

/// Bad input: forms that are none, too long, repeated, of another site; the session is unharmed.
#[tokio::test]
async fn hostile_forms_are_refused() {
    let app = app();
    let long = format!("token={}", "a".repeat(600));
    let huge = format!("token={}", "a".repeat(600_000));
    for (form, more, status) in [
        ("", &[][..], 422),
        ("next=%2F", &[], 422),
        ("token=", &[], 422),
        ("token=a&token=b", &[], 422),
        ("token=a&role=admin", &[], 422),
        (&long, &[], 422),
        (&huge, &[], 413),
        ("token=%FF%FE", &[], 401),
        (
            "token=0123456789abcdef",
            &[("sec-fetch-site", "cross-site")],
            403,
        ),
        (
            "token=0123456789abcdef",
            &[("origin", "https://evil.example")],
            403,
        ),
    ] {
        let answer = app.form("/signin", form, more).await;
        assert_eq!(answer.status, status, "{form:.40}: {}", answer.body);
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
    }
    let json = Request::post("/signin").header(header::HOST, "localhost");
    let json = json.header(header::CONTENT_TYPE, "application/json");
    let answer = app.send(json.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status, 415);
}

/// Bad input: hostile cookies are no session, and no error.
#[tokio::test]
async fn hostile_cookies_sign_nobody_in() {
    let app = app();
    let good = app.signed_in().await;
    let (_, secret) = good.split_once('=').unwrap();
    for cookie in [
        format!("{good}; {good}"),
        format!("{good}x"),
        format!("incident_session=\"{secret}\""),
        format!("INCIDENT_SESSION={secret}"),
        format!("__Host-incident_session={secret}"),
        format!("incident_session={}", "A".repeat(43)),
        "incident_session=".to_owned(),
        "incident_session=%00".to_owned(),
        "; ; =".to_owned(),
    ] {
        assert_eq!(app.reads(&cookie).await, 401, "{cookie}");
    }
    let raw = Request::get("/sys/incidents").header(header::COOKIE, &b"\xff\xfe"[..]);
    assert_eq!(app.send(raw.body(Body::empty()).unwrap()).await.status, 401);
    assert_eq!(app.reads(&format!("a=b; {good}; c=d")).await, 200);
}

/// Under a prefix, the form and the way after it stay there.
#[tokio::test]
async fn it_works_under_a_prefix() {
    let mut app = app();
    app.router = Router::new().nest("/a%20b", app.api.router());
    let page = Request::get("/a%20b/signin?next=%2Fa%2520b%2F")
        .body(Body::empty())
        .unwrap();
    let page = app.send(page).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("action=\"/a%20b/signin\""),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("name=\"next\" value=\"/a%20b/\""),
        "{}",
        page.body
    );
    let answer = app
        .form("/a%20b/signin", &format!("token={TOKEN}"), &[])
        .await;
    assert_eq!(answer.location(), "/a%20b");
    let shown = Request::get("/a%20b/signin").header(header::COOKIE, answer.cookie());
    let shown = app.send(shown.body(Body::empty()).unwrap()).await;
    assert!(shown.body.contains("as anna (responder)"), "{}", shown.body);
}

/// Without sessions the routes are not there.
#[tokio::test]
async fn a_host_with_its_own_login_has_no_sign_in() {
    let cache = PublicCache::shared();
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .build()
        .unwrap();
    let api = IncidentApi::builder(incidents, Arc::new(tokens()), cache).build();
    let router: Router = api.router();
    for (method, path) in [
        ("GET", "/signin"),
        ("POST", "/signin"),
        ("POST", "/signout"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        assert_eq!(router.clone().oneshot(request).await.unwrap().status(), 404);
    }
}

#[test]
fn a_login_is_shown_without_its_fingerprint() {
    let caller: Caller = caller("anna", Role::Viewer).unwrap();
    let login = Login {
        caller,
        fingerprint: [0x77; 32],
    };
    let shown = format!("{login:?}");
    assert!(
        shown.contains("anna") && !shown.contains("77") && !shown.contains("119"),
        "{shown}"
    );
}

//! Tests of the route: its headers, its login and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use axum::routing::Router;
use http_body_util::BodyExt;
use incident_core::actor::{Caller, Role};
use incident_core::engine::{EngineEvent, Incidents};
use incident_store_memory::MemoryStore;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use super::super::feed::EventFeed;
use super::change;
use crate::authenticate::{AuthError, Authenticate};
use crate::{IncidentApi, PublicCache};

const BEAT: Duration = Duration::from_secs(15);

/// A login that can be revoked, and whose session store can be away.
#[derive(Debug, Default)]
struct Session(AtomicU8);

const KNOWN: u8 = 0;
const REVOKED: u8 = 1;
const AWAY: u8 = 2;
const HANGS: u8 = 3;
const ANOTHER: u8 = 4;

#[async_trait]
impl Authenticate for Session {
    async fn authenticate(&self, _: &mut Parts) -> Result<Caller, AuthError> {
        let person = |name: &str| Ok(Caller::person(name.parse().unwrap(), Role::Viewer));
        match self.0.load(Ordering::SeqCst) {
            KNOWN => person("anna"),
            REVOKED => Err(AuthError::Missing),
            AWAY => Err(AuthError::Unavailable),
            HANGS => std::future::pending().await,
            _ => person("bob"),
        }
    }
}

struct Host {
    session: Arc<Session>,
    feed: Arc<EventFeed>,
    api: IncidentApi,
}

impl Host {
    fn start() -> Self {
        let (session, feed) = (Arc::new(Session::default()), EventFeed::shared());
        let cache = PublicCache::shared();
        let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
            .on_event(feed.listener())
            .build()
            .unwrap();
        let api = IncidentApi::builder(incidents, Arc::<Session>::clone(&session), cache)
            .events(Arc::clone(&feed))
            .build();
        Self { session, feed, api }
    }

    fn change(&self, number: u128) {
        let incidents = change(number).incidents;
        self.feed.listener()(&EngineEvent {
            incidents,
            ..EngineEvent::default()
        });
    }

    async fn get(&self, path: &str, last_id: Option<&str>) -> Response {
        let router: Router = self.api.router();
        let mut request = Request::get(path);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap()
    }
}

/// Returns the next frame of a stream; `None` at its end.
async fn frame(body: &mut Body) -> Option<String> {
    let frame = timeout(BEAT * 10, body.frame()).await.unwrap()?;
    let bytes = frame.unwrap().into_data().unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

/// H15: no proxy may hold the events back, and none may compress them.
#[tokio::test(start_paused = true)]
async fn a_stream_begins_with_its_position_and_has_a_comment_every_fifteen_seconds() {
    let host = Host::start();
    let response = host.get("/sys/events", None).await;
    assert_eq!(response.status(), StatusCode::OK);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
    let mut body = response.into_body();
    assert_eq!(frame(&mut body).await.unwrap(), "retry: 2000\n\n");
    let position = host.feed.position(BEAT).await.unwrap();
    assert_eq!(
        frame(&mut body).await.unwrap(),
        format!("id: {position}\n\n")
    );
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(frame(&mut body).await.unwrap(), ":\n\n");
        let took = began.elapsed();
        assert!(took.abs_diff(BEAT) < Duration::from_millis(10), "{took:?}");
    }
    host.change(1);
    let event = frame(&mut body).await.unwrap();
    assert!(event.contains("\nevent: change\n"), "{event}");
    assert_eq!(host.feed.open_streams(), 1);
    drop(body);
    assert_eq!(host.feed.open_streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_resumes_by_its_header_or_by_the_query() {
    let host = Host::start();
    let start = host.feed.position(BEAT).await.unwrap();
    host.change(1);
    let first = host.feed.position(BEAT).await.unwrap();
    host.change(2);
    let newest = host.feed.position(BEAT).await.unwrap();
    let query = format!("/sys/events?after={start}");
    for (path, last_id, expected) in [
        ("/sys/events", Some(first.as_str()), vec![&first, &newest]),
        (&query, None, vec![&start, &first, &newest]),
        (&query, Some(first.as_str()), vec![&first, &newest]),
    ] {
        let mut body = host.get(path, last_id).await.into_body();
        frame(&mut body).await.unwrap();
        for id in expected {
            let frame = frame(&mut body).await.unwrap();
            assert!(frame.starts_with(&format!("id: {id}\n")), "{path}: {frame}");
        }
    }
    let other = "0123456789abcdef-1";
    let by_query = format!("/sys/events?after={other}");
    for (path, last_id) in [
        ("/sys/events", Some("17")),
        ("/sys/events", Some("")),
        ("/sys/events", Some(other)),
        (&query, Some("17")),
        (&by_query, None),
    ] {
        let mut body = host.get(path, last_id).await.into_body();
        frame(&mut body).await.unwrap();
        let reset = format!("id: {newest}\nevent: reset\ndata: {{}}\n\n");
        assert_eq!(frame(&mut body).await.unwrap(), reset, "{path} {last_id:?}");
    }
    let refused = host.get("/sys/events?after=17", None).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(host.feed.open_streams(), 0);
}

/// Reads comments until the stream ends; returns the time that it took.
async fn ends(body: &mut Body) -> Duration {
    let began = Instant::now();
    while frame(body).await.is_some() {}
    began.elapsed()
}

/// H19: a login that is revoked, or is another one's now, ends the stream at the next comment; a host
/// that cannot tell ends it after a minute.
#[tokio::test(start_paused = true)]
async fn a_revoked_login_ends_its_stream() {
    let host = Host::start();
    for (state, least, most) in [
        (REVOKED, 0, 15),
        (ANOTHER, 0, 15),
        (AWAY, 45, 61),
        (HANGS, 45, 80),
    ] {
        host.session.0.store(KNOWN, Ordering::SeqCst);
        let mut body = host.get("/sys/events", None).await.into_body();
        for _ in 0..4 {
            frame(&mut body).await.unwrap();
        }
        host.session.0.store(state, Ordering::SeqCst);
        let took = ends(&mut body).await.as_secs();
        assert!((least..=most).contains(&took), "{state}: {took} s");
        assert_eq!(host.feed.open_streams(), 0);
    }
    // One that comes back in time is not missed.
    host.session.0.store(KNOWN, Ordering::SeqCst);
    let mut body = host.get("/sys/events", None).await.into_body();
    host.session.0.store(AWAY, Ordering::SeqCst);
    for _ in 0..4 {
        frame(&mut body).await.unwrap();
    }
    host.session.0.store(KNOWN, Ordering::SeqCst);
    for _ in 0..20 {
        assert_eq!(frame(&mut body).await.unwrap(), ":\n\n");
    }
}

/// H18: the stop ends all streams at once, and one that comes later after its first frame.
#[tokio::test(start_paused = true)]
async fn the_stop_ends_streams_at_once() {
    let host = Host::start();
    let mut bodies = Vec::new();
    for _ in 0..100 {
        let mut body = host.get("/sys/events", None).await.into_body();
        frame(&mut body).await.unwrap();
        bodies.push(body);
    }
    host.api.end_streams();
    bodies.push(host.get("/sys/events", None).await.into_body());
    let began = Instant::now();
    for mut body in bodies {
        while frame(&mut body).await.is_some() {}
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(host.feed.open_streams(), 0);
}

#[tokio::test]
async fn without_a_feed_the_route_is_unknown() {
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()));
    let incidents = incidents.build().unwrap();
    let session = Arc::new(Session::default());
    let api = IncidentApi::builder(incidents, session, PublicCache::shared()).build();
    let router: Router = api.router();
    let request = Request::get("/sys/events").body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

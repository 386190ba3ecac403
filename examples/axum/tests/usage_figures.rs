//! The page of an incident beside a usage source that is slow, fails, or is not there.

#![expect(
    clippy::unwrap_used,
    reason = "tests, and what they share, fail by panicking"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use incident_axum::{IncidentApi, PublicCache, Tokens};
use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::impact::{Breakdown, ImpactCounts, ImpactQuery, UserPage};
use incident_core::incident::{Declare, Severity};
use incident_core::port::{UsageError, UsageSource};
use incident_core::testing::caller;
use incident_store_memory::MemoryStore;
use tower::ServiceExt;

/// A usage source that never answers, or always fails.
struct Broken {
    is_slow: bool,
}

impl Broken {
    async fn fail<T>(&self) -> Result<T, UsageError> {
        if self.is_slow {
            std::future::pending::<()>().await;
        }
        Err(UsageError::TimedOut)
    }
}

#[async_trait]
impl UsageSource for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    async fn unique_users(&self, _: &ImpactQuery, _: Duration) -> Result<ImpactCounts, UsageError> {
        self.fail().await
    }

    async fn estimates(&self, _: &ImpactQuery, _: Duration) -> Result<ImpactCounts, UsageError> {
        self.fail().await
    }

    async fn breakdown(&self, _: &ImpactQuery, _: Duration) -> Result<Breakdown, UsageError> {
        self.fail().await
    }

    async fn users(
        &self,
        _: &ImpactQuery,
        _: Option<&str>,
        _: usize,
        _: Duration,
    ) -> Result<UserPage, UsageError> {
        self.fail().await
    }
}

/// Loads the page of a new incident over a usage source; returns its status and its HTML.
async fn shown(usage: Option<Broken>) -> (StatusCode, String) {
    let cache = PublicCache::shared();
    let mut builder =
        Incidents::builder(Arc::new(MemoryStore::default())).on_event(cache.listener());
    if let Some(usage) = usage {
        builder = builder.usage(Arc::new(usage));
    }
    let incidents = builder.build().unwrap();
    let context = RequestContext::new(caller("anna", Role::Commander).unwrap());
    let declare = Declare::new("API down".parse().unwrap(), Severity::Sev2);
    let declared = incidents.declare(&context, &declare).await.unwrap();
    let tokens = Tokens::parse("anna:commander:0123456789abcdef").unwrap();
    let api = IncidentApi::builder(incidents, Arc::new(tokens), cache).build();
    let request = Request::get(format!("/incidents/{}", declared.incident.id))
        .header(header::AUTHORIZATION, "Bearer 0123456789abcdef")
        .header(header::ACCEPT, "text/html");
    let app: Router = api.router();
    let request = request.body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_host_without_a_usage_source_says_so() {
    let (status, html) = shown(None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("no usage source is configured"), "{html}");
    // What is not counted is not zero.
    assert!(!html.contains("0 users"), "{html}");
}

#[tokio::test]
async fn a_source_that_fails_makes_no_error_page() {
    let (status, html) = shown(Some(Broken { is_slow: false })).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("The usage source does not answer"), "{html}");
    assert!(!html.contains("0 users"), "{html}");
}

#[tokio::test]
async fn a_page_waits_for_a_slow_source_only_for_a_moment() {
    let began = Instant::now();
    let (status, html) = shown(Some(Broken { is_slow: true })).await;
    let took = began.elapsed();
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("Users are still being counted."), "{html}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

//! Embedding in an axum application with its own state and authentication.
//!
//! Run with `cargo run -p incident-embedding --example axum_host`, then
//! `curl -X POST -H 'x-user: anna' 'http://127.0.0.1:8081/outages?title=API+down'`.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::post;
use axum::{Json, Router};
use incident_core::PersonName;
use incident_core::actor::{Caller, Role};
use incident_core::engine::{BuildError, Error, Incidents, RequestContext};
use incident_core::incident::{Declare, Severity};
use incident_pagers::{LogPager, Worker};
use incident_store_memory::MemoryStore;
use serde_json::{Value, json};

/// The host's state, which contains the incidents handle.
#[derive(Clone)]
struct Host {
    platform: &'static str,
    incidents: Incidents,
}

/// The host's own authentication: a header here, a session in production.
struct User(Caller);

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let name = parts
            .headers
            .get("x-user")
            .and_then(|value| value.to_str().ok())
            .ok_or(StatusCode::UNAUTHORIZED)?;
        let person = PersonName::new(name).or(Err(StatusCode::UNAUTHORIZED))?;
        let role = if name == "guest" {
            Role::Viewer
        } else {
            Role::Responder
        };
        Ok(Self(Caller::person(person, role)))
    }
}

#[derive(Debug, serde::Deserialize)]
struct Outage {
    title: String,
}

fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn report(
    State(host): State<Host>,
    User(caller): User,
    Query(outage): Query<Outage>,
) -> Result<Json<Value>, StatusCode> {
    let title = outage
        .title
        .parse()
        .or(Err(StatusCode::UNPROCESSABLE_ENTITY))?;
    // A task of its own, so that a client that disconnects does not cancel the command.
    let incidents = host.incidents.clone();
    let declare = tokio::spawn(async move {
        incidents
            .declare(
                &RequestContext::new(caller),
                &Declare::new(title, Severity::Sev2),
            )
            .await
    });
    match declare.await {
        Ok(Ok(done)) => Ok(Json(
            json!({"platform": host.platform, "number": done.incident.number}),
        )),
        Ok(Err(error)) => Err(status(&error)),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn build() -> Result<(Router, Incidents, Worker), BuildError> {
    let builder =
        Incidents::builder(Arc::new(MemoryStore::default())).pager(Arc::new(LogPager::default()));
    let (incidents, worker) = Worker::new(builder)?;
    let host = Host {
        platform: "petanque-life",
        incidents: incidents.clone(),
    };
    Ok((
        Router::new()
            .route("/outages", post(report))
            .with_state(host),
        incidents,
        worker,
    ))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (router, _, worker) = build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut worker = worker.spawn(); // pages, and all that runs in the background
    axum::serve(listener, router)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    worker.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn the_hosts_auth_decides_who_declares() {
        let (router, incidents, _worker) = build().unwrap();
        for (user, status) in [(None, 401), (Some("guest"), 403), (Some("anna"), 200)] {
            let mut request = Request::post("/outages?title=API+down");
            if let Some(user) = user {
                request = request.header("x-user", user);
            }
            let response = router
                .clone()
                .oneshot(request.body(Body::empty()).unwrap())
                .await
                .unwrap();
            assert_eq!(response.status().as_u16(), status);
        }
        let filter = incident_core::port::IncidentFilter {
            limit: 9,
            ..Default::default()
        };
        assert_eq!(
            incidents.reports().incidents(&filter).await.unwrap().len(),
            1
        );
    }
}

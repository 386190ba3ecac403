//! An axum application that mounts the incident routes behind its own login.
//!
//! Run with `cargo run -p incident-embedding --example axum_host`, then
//! `curl -H 'x-user: anna' --json '{"title": "API down", "severity": "SEV2"}' http://127.0.0.1:8081/incidents/sys/incidents`.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::routing::get;
use incident_axum::{AuthError, Authenticate, EventFeed, IncidentApi, PublicCache};
use incident_core::actor::{Caller, Role};
use incident_core::engine::{BuildError, Incidents};
use incident_pagers::{LogPager, Worker};
use incident_store_memory::MemoryStore;

/// The login of the host: a header here, a session in production.
struct Login;

#[async_trait]
impl Authenticate for Login {
    async fn authenticate(&self, parts: &mut Parts) -> Result<Caller, AuthError> {
        let name = parts.headers.get("x-user").ok_or(AuthError::Missing)?;
        let name = name.to_str().map_err(|_| AuthError::Invalid)?;
        let role = match name {
            "guest" => Role::Viewer,
            _ => Role::Responder,
        };
        let person = name.parse().map_err(|_| AuthError::Invalid)?;
        Ok(Caller::person(person, role))
    }
}

fn build() -> Result<(Router, IncidentApi, Worker), BuildError> {
    let (cache, events) = (PublicCache::shared(), EventFeed::shared());
    let builder = Incidents::builder(Arc::new(MemoryStore::default()))
        .pager(Arc::new(LogPager::default()))
        .on_event(cache.listener())
        .on_event(events.listener());
    let (incidents, worker) = Worker::new(builder)?;
    let api = IncidentApi::builder(incidents, Arc::new(Login), cache)
        .events(events)
        .build();
    let router = Router::new()
        .route("/", get(async |State(name): State<&'static str>| name))
        .nest("/incidents", api.router())
        .with_state("petanque-life");
    Ok((router, api, worker))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (router, api, worker) = build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut worker = worker.spawn(); // pages, and all that runs in the background
    let streams = api.clone();
    let stop = async move {
        drop(tokio::signal::ctrl_c().await);
        streams.end_streams(); // they have no end of their own
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await?;
    api.wait_for_commands().await;
    worker.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, header};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn the_hosts_login_decides_who_declares_under_its_prefix() {
        let (router, _, _worker) = build().unwrap();
        let body = r#"{"title": "API down", "severity": "SEV3"}"#;
        for (user, status) in [(None, 401), (Some("guest"), 403), (Some("anna"), 201)] {
            let mut request = Request::post("/incidents/sys/incidents")
                .header(header::CONTENT_TYPE, "application/json");
            if let Some(user) = user {
                request = request.header("x-user", user);
            }
            let request = request.body(Body::from(body)).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status().as_u16(), status);
            if status == 201 {
                let location = response.headers()[header::LOCATION].to_str().unwrap();
                assert!(
                    location.starts_with("/incidents/sys/incidents/"),
                    "{location}"
                );
            }
        }
    }
}

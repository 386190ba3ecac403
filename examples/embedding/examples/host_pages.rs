//! An axum application that mounts the incident pages and routes behind its own login, with its own
//! name and colours. The stop, which loses nothing, is in `axum_host.rs`.
//!
//! Run with `cargo run -p incident-embedding --example host_pages`, then open
//! <http://127.0.0.1:8081/login/anna>, or
//! `curl -b user=anna --json '{"title": "API down", "severity": "SEV2"}' -H 'sec-fetch-site: none' http://127.0.0.1:8081/incidents/sys/incidents`.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{header, request::Parts};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use incident_axum::{AuthError, Authenticate, EventFeed, IncidentApi, Look, PublicCache};
use incident_core::actor::{Caller, Role};
use incident_core::engine::Incidents;
use incident_pagers::{LogPager, Worker};
use incident_store_memory::MemoryStore;

/// The login of the host: a name in a cookie here, a session in production.
struct Login;

#[async_trait]
impl Authenticate for Login {
    async fn authenticate(&self, parts: &mut Parts) -> Result<Caller, AuthError> {
        let cookies = parts
            .headers
            .get(header::COOKIE)
            .ok_or(AuthError::Missing)?;
        let cookies = cookies.to_str().map_err(|_| AuthError::Invalid)?;
        let mut pairs = cookies.split("; ");
        let name = pairs.find_map(|pair| pair.strip_prefix("user="));
        let name = name.ok_or(AuthError::Missing)?;
        let is_guest = name == "guest";
        let role = if is_guest {
            Role::Viewer
        } else {
            Role::Responder
        };
        let person = name.parse().map_err(|_| AuthError::Invalid)?;
        Ok(Caller::person(person, role))
    }
}

async fn login(State(flags): State<&'static str>, Path(name): Path<String>) -> impl IntoResponse {
    let cookie = format!("user={name}; {flags}");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/incidents"))
}

fn build() -> Result<(Router, Worker), Box<dyn std::error::Error>> {
    let (cache, events) = (PublicCache::shared(), EventFeed::shared());
    let builder = Incidents::builder(Arc::new(MemoryStore::default()))
        .pager(Arc::new(LogPager::default()))
        .on_event(cache.listener())
        .on_event(events.listener());
    let (incidents, worker) = Worker::new(builder)?;
    let look = Look::named("Petanque Life".parse()?).accent("#7a1f5c", "#f0a6d8")?;
    let api = IncidentApi::builder(incidents, Arc::new(Login), cache)
        .events(events)
        .look(look)
        .build();
    let router = Router::new()
        .route("/login/{name}", get(login))
        .nest("/incidents", api.router())
        .with_state("Path=/; HttpOnly; SameSite=Lax");
    Ok((router, worker))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (router, worker) = build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let _worker = worker.spawn(); // pages, and all that runs in the background
    axum::serve(listener, router).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn the_hosts_login_decides_who_declares_under_its_prefix() {
        let (router, _worker) = build().unwrap();
        let body = r#"{"title": "API down", "severity": "SEV3"}"#;
        for (user, status) in [(None, 401), (Some("guest"), 403), (Some("anna"), 201)] {
            let mut request = Request::post("/incidents/sys/incidents")
                .header(header::CONTENT_TYPE, "application/json")
                .header("sec-fetch-site", "same-origin");
            if let Some(user) = user {
                request = request.header(header::COOKIE, format!("a=b; user={user}"));
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

    #[tokio::test]
    async fn the_pages_have_the_name_and_the_colours_of_the_host() {
        let (router, _worker) = build().unwrap();
        let get = async |path: &str| {
            let request = Request::get(path).header(header::COOKIE, "user=anna");
            let request = request.body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        let page = get("/incidents").await;
        assert!(page.contains("<bdi>Petanque Life</bdi>"), "{page}");
        let (_, style) = page.split_once("rel=\"stylesheet\" href=\"").unwrap();
        let style = get(style.split('"').next().unwrap()).await;
        assert!(style.contains("--accent:light-dark(#7a1f5c,#f0a6d8)"));
    }
}

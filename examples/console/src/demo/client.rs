//! Requests of the demo to the routes.

use std::fmt;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::people::{DemoPeople, Person};

/// Maximum number of usage events of a request.
const BATCH: usize = 10_000;

/// A failed demo.
#[derive(Debug, thiserror::Error)]
#[error("demo failed: {0}")]
pub struct DemoError(pub(super) String);

/// A client of the routes, as people of the demo.
#[derive(Clone, Copy)]
pub(super) struct DemoClient<'a> {
    router: &'a Router,
    people: &'a DemoPeople,
    person: Person,
}

impl<'a> DemoClient<'a> {
    /// Creates a client that sends requests as anna.
    pub(super) const fn new(router: &'a Router, people: &'a DemoPeople) -> Self {
        Self {
            router,
            people,
            person: Person::Anna,
        }
    }

    /// Returns the client of another person.
    pub(super) const fn by(self, person: Person) -> Self {
        Self { person, ..self }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, DemoError> {
        self.send(Method::GET, path, &Value::Null, 200).await
    }

    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
        expected: u16,
    ) -> Result<Value, DemoError> {
        self.send(Method::POST, path, body, expected).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        expected: u16,
    ) -> Result<Value, DemoError> {
        let failed = |error: &dyn fmt::Display| DemoError(format!("{path}: {error}"));
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let token = self.people.token(self.person);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| failed(&error))?;
        let response = self.router.clone().oneshot(request).await;
        let response = response.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await;
        let bytes = bytes.map_err(|error| failed(&error))?.to_bytes();
        if status != expected {
            let text = String::from_utf8_lossy(&bytes);
            return Err(failed(&format!(
                "expected {expected}, got {status}: {text}"
            )));
        }
        serde_json::from_slice(&bytes).map_err(|error| failed(&error))
    }

    /// Reports usage events.
    pub(super) async fn record(self, events: &[Value]) -> Result<(), DemoError> {
        for events in events.chunks(BATCH) {
            let events = Value::Array(events.to_vec());
            self.post("/sys/usage-events", &events, 202).await?;
        }
        Ok(())
    }

    /// Waits at most 5 s for the page of an incident to reach a state, such as `accepted`, and
    /// returns its summary.
    pub(super) async fn paged(&self, id: &str, state: &str) -> Result<Value, DemoError> {
        for _ in 0..1_000 {
            let incident = self.get(&format!("/sys/incidents/{id}")).await?;
            let paging = field(&incident, "paging");
            if text(paging, "state") == state {
                return Ok(paging.clone());
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Err(DemoError(format!("the page was not {state} within 5 s")))
    }
}

pub(super) fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    field(value, name).as_str().unwrap_or("none")
}

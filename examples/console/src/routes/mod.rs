//! The routes of the contract.

mod audit;
mod billing;
mod bodies;
mod credits;
mod hooks;
mod incidents;
mod lines;
mod list;
mod operations;
mod pages;
mod public;
mod reports;
mod statements;
mod suggestions;
mod tenants;
mod timeline;
mod usage;

use axum::Router;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use incident_core::IncidentId;
use incident_core::incident::Incident;
use serde::Serialize;

use crate::app::App;
use crate::http::auth::NotKnown;
use crate::http::problem::{NOSNIFF, Problem};
use crate::http::throttle;
use crate::server::Client;
use crate::view;

pub use public::public_router;

/// All routes.
pub fn router(app: App) -> Router {
    let sys = Router::new()
        .route(
            "/sys/incidents",
            post(incidents::declare).get(incidents::list),
        )
        .route(
            "/sys/incidents/suggestions",
            post(suggestions::suggest).get(suggestions::list),
        )
        .route(
            "/sys/incidents/{id}",
            get(incidents::show).patch(incidents::patch),
        )
        .route(
            "/sys/incidents/{id}/acknowledge",
            post(incidents::acknowledge),
        )
        .route("/sys/incidents/{id}/tenants", get(tenants::list))
        .route("/sys/incidents/{id}/page", post(incidents::page))
        .route("/sys/incidents/{id}/public", post(incidents::publish))
        .route(
            "/sys/incidents/{id}/post-mortem",
            post(incidents::post_mortem),
        )
        .route(
            "/sys/incidents/{id}/updates",
            post(timeline::update).get(timeline::list),
        )
        .route(
            "/sys/incidents/{id}/updates/{seq}/redact",
            post(timeline::redact),
        )
        .route("/sys/incidents/{id}/timeline/verify", get(timeline::verify))
        .route(
            "/sys/incidents/{id}/affected-users",
            get(reports::affected_users),
        )
        .route(
            "/sys/incidents/{id}/affected-users/breakdown",
            get(reports::breakdown),
        )
        .route("/sys/incidents/{id}/sla-impact", get(reports::sla_impact))
        .route("/metrics", get(operations::metrics))
        .route("/sys/pages/test", post(pages::test))
        .route("/sys/pages/{id}/retry", post(pages::retry))
        .route("/sys/sla/statements", get(statements::list))
        .route("/sys/sla/credits", get(credits::list))
        .route("/sys/sla/credits/recompute", post(billing::recompute))
        .route("/sys/sla/billing", get(billing::report))
        .route("/sys/sla/billing/{batch}/resend", post(billing::resend))
        .route("/sys/sla/credits/{id}/approve", post(credits::approve))
        .route("/sys/sla/credits/{id}/waive", post(credits::waive))
        .route("/sys/usage-events", post(usage::record))
        .route("/sys/audit", get(audit::list))
        .route("/sys/audit/verify", get(audit::verify))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), authenticate));
    let open = Router::new()
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/hooks/pagerduty", post(hooks::pagerduty))
        .route("/hooks/opsgenie", post(hooks::opsgenie))
        .merge(public_router());
    // `/sys` answers 401 before 404: who may not enter learns nothing of the rooms.
    Router::new()
        .merge(open.method_not_allowed_fallback(wrong_method))
        .fallback_service(sys.with_state(app.clone()))
        .with_state(app)
}

async fn unknown_route() -> Problem {
    Problem::not_found("route")
}

async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "the route does not take this method",
    )
}

/// Under `/sys` a known token is needed, known route or not.
async fn authenticate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !(path == "/metrics" || path == "/sys" || path.starts_with("/sys/")) {
        return next.run(request).await;
    }
    let client = request.extensions().get::<Client>();
    let caller = match app.tokens.authenticate(request.headers()) {
        Ok(caller) => caller,
        Err(NotKnown::Wrong) => {
            let wait = app.wrong_tokens.count(client.map(Client::address), "sys");
            let problem = wait.map_or_else(|| NotKnown::Wrong.into(), throttle::too_many);
            return problem.into_response();
        }
        Err(other) => return Problem::from(other).into_response(),
    };
    if let Some(client) = client {
        client.note_known();
    }
    // Held until the answer is made.
    let room = app.bodies.known();
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(room.clone());
    let mut response = next.run(request).await;
    drop(room);
    // Tables and figures too: they are nobody else's, and no browser runs them.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

/// The id in a path; one that cannot be read is one that does not exist.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id(IncidentId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let missing = |_| Problem::not_found("incident");
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(missing)?;
        Ok(Self(
            text.parse().map_err(|_| Problem::not_found("incident"))?,
        ))
    }
}

/// The id and the number of an entry in a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdSeq(IncidentId, u64);

impl<S: Send + Sync> FromRequestParts<S> for IdSeq {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let missing = |_| Problem::not_found("entry");
        let Path((id, seq)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(missing)?;
        match (id.parse(), seq.parse()) {
            (Ok(id), Ok(seq)) => Ok(Self(id, seq)),
            _ => Err(Problem::not_found("entry")),
        }
    }
}

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A JSON answer, written straight into its bytes.
fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    written(status, serde_json::to_vec(value).unwrap_or_default())
}

/// An answer whose JSON is written.
fn written(status: StatusCode, bytes: Vec<u8>) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
    ];
    (status, headers, bytes).into_response()
}

/// The same, marked if it was given before.
fn replayable(status: StatusCode, value: &impl Serialize, replayed: bool) -> Response {
    let mut response = answer(status, value);
    if replayed {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// An incident with its tag.
fn incident_answer(
    app: &App,
    status: StatusCode,
    incident: &Incident,
    deduplicated: bool,
    replayed: bool,
) -> Response {
    let mut response = replayable(
        status,
        &view::incident(incident, &app.links, deduplicated),
        replayed,
    );
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", incident.version.0)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// A page of a list, with the cursor of the next one if there is more.
fn page_answer(
    items: impl IntoIterator<Item = impl Serialize>,
    next: Option<&str>,
) -> Result<Response, Problem> {
    let mut body = list::ListBody::new();
    for item in items {
        body.push(&item)?;
    }
    body.end(next)
}

//! The routes of the HTTP API.

mod audit;
mod authenticate;
mod billing;
mod credits;
mod event_stream;
mod events;
mod hooks;
mod incident_response;
mod incidents;
mod lines;
mod operations;
mod pages;
mod public;
mod reports;
mod request_id;
mod statements;
mod suggestions;
mod tenants;
mod timeline;
mod usage;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::http::fallback::{unknown_route, wrong_method};
use crate::state::AppState;

/// Creates all routes.
pub(crate) fn all<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    let open = Router::new()
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .merge(webhook_routes())
        .merge(public::public_router());
    // `/sys` responds with 401 before 404, so that anonymous callers cannot probe for routes.
    let sys = operator_routes()
        .route("/metrics", get(operations::metrics))
        .fallback(unknown_route);
    Router::new()
        .merge(open.method_not_allowed_fallback(wrong_method))
        .fallback_service(authenticated(sys, &state).with_state(Arc::clone(&state)))
        .with_state(state)
}

/// Creates the public routes.
pub(crate) fn public<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    public::public_router().with_state(state)
}

/// Creates the operators' routes.
pub(crate) fn operators<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    authenticated(operator_routes(), &state).with_state(state)
}

/// Creates the routes of vendors' webhooks.
pub(crate) fn webhooks<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    webhook_routes()
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

/// Adds the login to routes.
fn authenticated(routes: Router<Arc<AppState>>, state: &Arc<AppState>) -> Router<Arc<AppState>> {
    routes
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(
            Arc::clone(state),
            authenticate::authenticate,
        ))
        .layer(from_fn(request_id::with_request_id))
}

fn webhook_routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/hooks/pagerduty", post(hooks::pagerduty))
        .route("/hooks/opsgenie", post(hooks::opsgenie))
        .layer(from_fn(request_id::with_request_id))
}

fn operator_routes() -> Router<Arc<AppState>> {
    incident_routes()
        .merge(ledger_routes())
        .route("/sys/pages/test", post(pages::test))
        .route("/sys/pages/{id}/retry", post(pages::retry))
        .route("/sys/usage-events", post(usage::record))
        .route("/sys/events", get(events::stream))
        .route("/sys/audit", get(audit::list))
        .route("/sys/audit/verify", get(audit::verify))
}

fn incident_routes() -> Router<Arc<AppState>> {
    Router::new()
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
            get(incidents::show).patch(incidents::change),
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
            post(incidents::link_post_mortem),
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
}

fn ledger_routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/sys/sla/statements", get(statements::list))
        .route("/sys/sla/credits", get(credits::list))
        .route("/sys/sla/credits/recompute", post(billing::recompute))
        .route("/sys/sla/credits/{id}/approve", post(credits::approve))
        .route("/sys/sla/credits/{id}/waive", post(credits::waive))
        .route("/sys/sla/billing", get(billing::report))
        .route("/sys/sla/billing/{batch}/resend", post(billing::resend))
}

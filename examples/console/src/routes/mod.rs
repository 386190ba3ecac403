//! The routes of the HTTP API.

mod audit;
mod authenticate;
mod billing;
mod credits;
mod hooks;
mod incident_response;
mod incidents;
mod lines;
mod operations;
mod pages;
mod public;
mod reports;
mod statements;
mod suggestions;
mod tenants;
mod timeline;
mod usage;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::http::fallback::{unknown_route, wrong_method};
use crate::state::AppState;

/// Creates all routes.
pub fn router(state: Arc<AppState>) -> Router {
    let open = Router::new()
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/hooks/pagerduty", post(hooks::pagerduty))
        .route("/hooks/opsgenie", post(hooks::opsgenie))
        .merge(public::public_router());
    // `/sys` responds with 401 before 404, so that anonymous callers cannot probe for routes.
    let sys = incident_routes()
        .merge(ledger_routes())
        .route("/metrics", get(operations::metrics))
        .route("/sys/pages/test", post(pages::test))
        .route("/sys/pages/{id}/retry", post(pages::retry))
        .route("/sys/usage-events", post(usage::record))
        .route("/sys/audit", get(audit::list))
        .route("/sys/audit/verify", get(audit::verify))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(
            Arc::clone(&state),
            authenticate::authenticate,
        ));
    Router::new()
        .merge(open.method_not_allowed_fallback(wrong_method))
        .fallback_service(sys.with_state(Arc::clone(&state)))
        .with_state(state)
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

//! The routes of the HTTP API.

mod audit;
pub(crate) mod authenticate;
mod billing;
mod classify;
mod coordination;
mod credits;
mod documents;
mod due;
mod event_stream;
mod events;
mod hooks;
mod incident_response;
pub(crate) mod incidents;
mod lines;
mod operations;
mod pages;
mod public;
mod reports;
mod request_id;
mod row;
mod sign_in;
mod statements;
mod suggestions;
pub(crate) mod table;
mod tenants;
mod timeline;
mod usage;
mod users;
mod web_table;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

use self::row::{Area, Parts};
use self::table::table;
use crate::http::fallback::wrong_method;
use crate::state::AppState;
use crate::web::layer::{with_login, without_login};
use crate::web::problem_page::unknown_page;

/// Creates all routes.
pub(crate) fn all<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    let parts = Parts::of(state.incidents());
    let open = routes_of(parts, &[Area::Health, Area::Document])
        .merge(webhook_routes(parts))
        .merge(sign_in_routes(parts))
        .merge(web_routes(&state))
        .merge(public_routes(parts));
    // `/sys` responds with 401 before 404, so that anonymous callers cannot probe for routes.
    let sys = routes_of(parts, &[Area::Operators, Area::Metrics]).fallback(unknown_page);
    Router::new()
        .merge(open.method_not_allowed_fallback(wrong_method))
        .fallback_service(authenticated(sys, &state).with_state(Arc::clone(&state)))
        .with_state(state)
}

/// Creates the public routes.
pub(crate) fn public<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    public_routes(Parts::of(state.incidents())).with_state(state)
}

/// Creates the operators' routes.
pub(crate) fn operators<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    let parts = Parts::of(state.incidents());
    authenticated(routes_of(parts, &[Area::Operators]), &state).with_state(state)
}

/// Creates the routes of vendors' webhooks.
pub(crate) fn webhooks<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    webhook_routes(Parts::of(state.incidents()))
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

/// Creates the routes of the sign-in.
pub(crate) fn sign_in<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    sign_in_routes(Parts::of(state.incidents()))
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

/// Creates the routes of the pages.
pub(crate) fn web_pages<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    web_routes(&state).with_state(state)
}

/// Creates the routes of the document.
pub(crate) fn docs<S: Clone + Send + Sync + 'static>(state: Arc<AppState>) -> Router<S> {
    routes_of(Parts::of(state.incidents()), &[Area::Document])
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

/// Returns the OpenAPI document as JSON, as `GET /openapi.json` responds it, for routes that are
/// mounted under `prefix`, of all parts.
///
/// The prefix is empty or begins with a slash. Clients can be generated from it without a server.
#[must_use]
pub fn openapi(prefix: &str) -> String {
    table::document_of_all().json(prefix)
}

/// Creates the routes of some areas, as far as the host runs their parts, without middleware.
fn routes_of(parts: Parts, areas: &[Area]) -> Router<Arc<AppState>> {
    let rows = table(parts)
        .into_iter()
        .filter(|row| areas.contains(&row.area));
    rows.fold(Router::new(), |router, row| {
        router.route(row.path, row.handler)
    })
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

fn webhook_routes(parts: Parts) -> Router<Arc<AppState>> {
    routes_of(parts, &[Area::Webhooks]).layer(from_fn(request_id::with_request_id))
}

fn sign_in_routes(parts: Parts) -> Router<Arc<AppState>> {
    routes_of(parts, &[Area::SignIn]).layer(from_fn(request_id::with_request_id))
}

fn web_routes(state: &Arc<AppState>) -> Router<Arc<AppState>> {
    let parts = Parts::of(state.incidents());
    let pages = routes_of(parts, &[Area::Web])
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(state), with_login));
    let open = routes_of(parts, &[Area::WebOpen])
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(state), without_login));
    pages
        .merge(open)
        .layer(from_fn(request_id::with_request_id))
}

fn public_routes(parts: Parts) -> Router<Arc<AppState>> {
    let rows = table(parts)
        .into_iter()
        .filter(|row| matches!(row.area, Area::Public | Area::Status));
    rows.fold(public::others(), |router, row| {
        let handler = if row.area == Area::Public {
            public::shared(row.handler)
        } else {
            row.handler.fallback(wrong_method)
        };
        router.route(row.path, handler)
    })
}

//! Responses to requests that match no route.

use axum::http::StatusCode;

use super::problem::Problem;

/// Responds to a path without a route.
pub(crate) async fn unknown_route() -> Problem {
    Problem::not_found("route")
}

/// Responds to a method that the route does not support.
pub(crate) async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "method not allowed on this route",
    )
}

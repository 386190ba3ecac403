//! The answers to what no route takes.

use axum::http::StatusCode;

use super::problem::Problem;

/// Answers a path that has no route.
pub(crate) async fn unknown_route() -> Problem {
    Problem::not_found("route")
}

/// Answers a method that the route of the path does not take.
pub(crate) async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "the route does not take this method",
    )
}

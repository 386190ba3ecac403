//! The routes of the table are those of the guide and of the role matrix.

use std::collections::BTreeSet;

use incident_axum::routes;

use super::roles::cases;

/// Routes that need no token; none of them is under `/sys`.
pub(super) const OPEN: [&str; 13] = [
    "GET /docs",
    "GET /healthz",
    "GET /openapi.json",
    "GET /public/status/active",
    "GET /readyz",
    "GET /signin",
    "GET /status",
    "GET /status/assets/{name}",
    "GET /status/incidents/{id}",
    "POST /hooks/opsgenie",
    "POST /hooks/pagerduty",
    "POST /signin",
    "POST /signout",
];

const GUIDE: &str = include_str!("../../../docs/http-api.md");

/// Returns the routes of the table without the pages, as `METHOD PATH`.
fn routed() -> BTreeSet<String> {
    let routes = routes().into_iter().filter(|route| !route.is_page);
    routes
        .map(|route| format!("{} {}", route.method, route.path))
        .collect()
}

/// The guide to the HTTP API lists every route, and no other.
#[test]
fn every_route_is_in_the_guide() {
    let rows = GUIDE.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<String> = rows
        .map(|row| row.split('`').next().unwrap().to_owned())
        .collect();
    assert_eq!(listed, routed());
}

/// A route without a row fails, and so does a row without a route.
#[test]
fn every_route_is_in_the_matrix() {
    let cases = cases();
    let known = cases.iter().map(|case| case.route).chain(OPEN);
    let known: BTreeSet<String> = known.map(str::to_owned).collect();
    assert_eq!(routed(), known);
}

/// The permission of a route in the table is the first that its request needs.
#[test]
fn the_table_has_the_permissions_of_the_matrix() {
    for route in routes().into_iter().filter(|route| !route.is_page) {
        let name = format!("{} {}", route.method, route.path);
        let case = cases().into_iter().find(|case| case.route == name);
        let needed = case.map(|case| case.needs[0]);
        assert_eq!(route.permission, needed, "{name}");
    }
}

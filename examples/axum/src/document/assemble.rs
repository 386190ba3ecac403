//! Assembly of the document: operations, schemas, and the parts that they share.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::operation::LOGIN;
use super::schemas::Schemas;
use crate::authenticate::AuthError;
use crate::http::body::not_read;
use crate::http::body_broken::BodyBroken;
use crate::http::problem::{Problem, ProblemBody};
use crate::http::throttle::too_many;

/// The scheme of PagerDuty's webhooks.
pub(crate) const PAGERDUTY: &str = "pagerduty_signature";
/// The scheme of OpsGenie's webhooks.
pub(crate) const OPSGENIE: &str = "opsgenie_token";

/// The place of the address under which the host mounts the routes.
const SERVER: &str = "@server@";

/// Returns the problems of the examples, one for each status.
fn problems() -> Vec<Problem> {
    let of = Problem::new;
    vec![
        Problem::unreadable("invalid JSON at line 1, column 2"),
        AuthError::Missing.into(),
        of(
            StatusCode::FORBIDDEN,
            "forbidden",
            "your role lacks the permission `declare`",
        ),
        Problem::not_found("incident"),
        of(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "method not allowed on this route",
        ),
        not_read(&BodyBroken::Late),
        of(
            StatusCode::CONFLICT,
            "conflict",
            "the incident was changed concurrently; retry",
        ),
        of(
            StatusCode::PRECONDITION_FAILED,
            "version_mismatch",
            "the incident was changed; reload it and retry",
        ),
        of(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the request body is too large for this route",
        ),
        of(
            StatusCode::URI_TOO_LONG,
            "uri_too_long",
            "the query string is longer than 4096 bytes",
        ),
        of(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "expected Content-Type: application/json",
        ),
        Problem::field("/severity", "expected one of SEV1, SEV2, SEV3, SEV4"),
        too_many(Duration::from_secs(60)),
        of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "internal error; see the server log",
        ),
        Problem::unavailable("the database is unavailable; retry"),
    ]
}

fn examples() -> Value {
    let examples = problems().into_iter().map(|problem| {
        let value: Value = serde_json::from_slice(&problem.body()).unwrap_or_default();
        let name = format!("Problem{}", problem.status().as_u16());
        (name, json!({ "value": value }))
    });
    Map::from_iter(examples).into()
}

fn security_schemes() -> Value {
    json!({
        LOGIN: {
            "type": "http",
            "scheme": "bearer",
            "description": "The login of the host. The console has tokens; other hosts may take other credentials.",
        },
        PAGERDUTY: {
            "type": "apiKey",
            "in": "header",
            "name": "X-PagerDuty-Signature",
            "description": "The signature of PagerDuty's webhooks V3.",
        },
        OPSGENIE: {
            "type": "apiKey",
            "in": "header",
            "name": "X-Webhook-Token",
            "description": "The token of OpsGenie's webhooks, in this header or in `Authorization`.",
        },
    })
}

/// The groups of operations, in order.
const TAGS: [(&str, &str); 8] = [
    ("incidents", "Incidents, their timelines and suggestions."),
    (
        "figures",
        "Affected users, credits, statements and billing.",
    ),
    ("pages", "Pages to on-call."),
    ("audit", "The audit trail."),
    ("public", "The public status page."),
    (
        "sign-in",
        "Sign-in of people who use a browser. Its cookie is a login for the routes below `/sys`.",
    ),
    ("webhooks", "Deliveries of pagers' vendors."),
    ("operations", "Health, metrics and this document."),
];

const ABOUT: &str = "Errors are problem details (RFC 9457). Routes below `/sys` need a login, also for paths that do not exist. \
    A method that a path does not have is answered with 405 and the header `Allow`, a path that does not exist with 404. \
    Schemas of requests admit what is surely accepted; those of limits in bytes of UTF-8 count characters. \
    Unknown members are refused in requests; responses may get more members.";

/// Assembles the document from operations, each with its path and method.
pub(crate) fn assemble(
    operations: Vec<(&'static str, String, Value)>,
    mut schemas: Schemas,
) -> Value {
    schemas.response::<ProblemBody<'static>>();
    let mut paths = Map::new();
    for (path, method, operation) in operations {
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[method.to_ascii_lowercase()] = operation;
    }
    let mut paths = Value::Object(paths);
    let schemas = schemas.finish(&mut paths);
    let tags = TAGS.map(|(name, description)| json!({ "name": name, "description": description }));
    json!({
        "openapi": "3.1.1",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Incident API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": SERVER }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "examples": examples(),
            "securitySchemes": security_schemes(),
        },
    })
}

/// Returns the text of the document before and after the address of the server.
pub(crate) fn around_server(document: &Value) -> (String, String) {
    let text = document.to_string();
    let quoted = format!("\"{SERVER}\"");
    let (before, after) = text.split_once(&quoted).unwrap_or((&text, ""));
    (before.to_owned(), after.to_owned())
}

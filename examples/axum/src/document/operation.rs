//! One operation of the document: what its extractors read, and what it may answer.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use incident_core::actor::Action;
use serde_json::{Map, Value, json};

use super::examples::Examples;

/// The scheme of the host's login.
pub(crate) const LOGIN: &str = "bearer";

/// An operation as its extractors and its response describe it.
#[derive(Debug, Default)]
pub(crate) struct Operation {
    parameters: Vec<Value>,
    body: Option<Value>,
    permission: Option<Action>,
    security: Option<&'static str>,
    /// The causes of problems, by status.
    problems: BTreeMap<u16, BTreeSet<&'static str>>,
    /// The schemas of successful responses, by media type.
    content: BTreeMap<&'static str, Value>,
    headers: Map<String, Value>,
}

/// The facts of an operation that its route states.
#[derive(Debug)]
pub(crate) struct Stated<'a> {
    /// Name for programs.
    pub(crate) id: &'static str,
    /// One sentence for people.
    pub(crate) summary: &'static str,
    /// The group in which it is listed.
    pub(crate) tag: &'static str,
    /// The statuses of success.
    pub(crate) answers: &'static [StatusCode],
    /// The recorded examples.
    pub(crate) examples: &'a Examples,
}

impl Operation {
    /// Adds a parameter of the path.
    pub(crate) fn path(&mut self, name: &str, description: &str, schema: Value) {
        self.parameter(name, "path", description, schema);
    }

    /// Adds an optional parameter of the query.
    pub(crate) fn query(&mut self, name: &str, description: &str, schema: Value) {
        self.parameter(name, "query", description, schema);
    }

    /// Adds an optional header of the request.
    pub(crate) fn header(&mut self, name: &str, description: &str, schema: Value) {
        self.parameter(name, "header", description, schema);
    }

    fn parameter(&mut self, name: &str, place: &str, description: &str, schema: Value) {
        let mut parameter = Map::new();
        let mut add = |name: &str, value: Value| parameter.insert(name.to_owned(), value);
        add("name", name.into());
        add("in", place.into());
        add("required", (place == "path").into());
        add("description", description.into());
        add("schema", schema);
        if place == "query" {
            // An empty value counts as an absent one, as forms of browsers send it.
            add("allowEmptyValue", true.into());
        }
        self.parameters.push(parameter.into());
    }

    /// Sets the body of the request: its schemas by media type.
    pub(crate) fn body<const N: usize>(&mut self, required: bool, media: [(&str, Value); N]) {
        let content = media.map(|(kind, schema)| (kind.to_owned(), json!({ "schema": schema })));
        let content = Map::from_iter(content);
        self.body = Some(json!({ "required": required, "content": content }));
    }

    /// Sets the permission that the caller needs.
    pub(crate) fn needs(&mut self, permission: Action) {
        self.permission = Some(permission);
        self.security = Some(LOGIN);
    }

    /// Sets the scheme by which the sender is known.
    pub(crate) fn secured_by(&mut self, scheme: &'static str) {
        self.security = Some(scheme);
    }

    /// Returns the permission that the caller needs.
    pub(crate) const fn permission(&self) -> Option<Action> {
        self.permission
    }

    /// Adds a cause of a problem.
    pub(crate) fn problem(&mut self, status: StatusCode, cause: &'static str) {
        self.problems
            .entry(status.as_u16())
            .or_default()
            .insert(cause);
    }

    /// Adds the problems of the store.
    pub(crate) fn uses_store(&mut self) {
        self.problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "stored data is corrupt, or a fault of the server",
        );
        self.problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "the store is unavailable; retry after the time in `Retry-After`",
        );
    }

    /// Adds a media type of successful responses, with its schema.
    pub(crate) fn answer(&mut self, media: &'static str, schema: Value) {
        self.content.insert(media, schema);
    }

    /// Adds a header of successful responses.
    pub(crate) fn answer_header(&mut self, name: &str, description: &str) {
        let header = json!({ "description": description, "schema": { "type": "string" } });
        self.headers.insert(name.to_owned(), header);
    }

    /// Returns the operation in the form of the document.
    pub(crate) fn finish(self, stated: &Stated<'_>) -> Value {
        let mut description = format!("{}.", stated.summary);
        if let Some(permission) = self.permission {
            description += &format!(" Needs the permission `{}`.", permission.name());
        }
        let mut whole = Map::new();
        let mut add = |name: &str, value: Value| whole.insert(name.to_owned(), value);
        add("operationId", stated.id.into());
        add("summary", stated.summary.into());
        add("description", description.into());
        add("tags", json!([stated.tag]));
        add("responses", self.responses(stated));
        add("parameters", self.parameters.into());
        if let Some(permission) = self.permission {
            add("x-permission", permission.name().into());
        }
        let security = self.security.map(|scheme| json!({ scheme: [] }));
        add("security", security.into_iter().collect());
        if let Some(mut body) = self.body {
            let media = body.get_mut("content").and_then(Value::as_object_mut);
            for (kind, content) in media.into_iter().flatten() {
                let example = stated.examples.request(stated.id, kind);
                if let (Some(content), Some(example)) = (content.as_object_mut(), example) {
                    content.insert("example".to_owned(), example.clone());
                }
            }
            add("requestBody", body);
        }
        whole.into()
    }

    fn responses(&self, stated: &Stated<'_>) -> Value {
        let mut responses = Map::new();
        for status in stated.answers {
            let mut response = Map::new();
            let reason = status.canonical_reason().unwrap_or_default();
            response.insert("description".to_owned(), reason.into());
            if !self.headers.is_empty() {
                response.insert("headers".to_owned(), self.headers.clone().into());
            }
            let has_body = !matches!(
                *status,
                StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT | StatusCode::SEE_OTHER
            );
            if has_body {
                response.insert("content".to_owned(), self.content_of(stated, *status));
            }
            responses.insert(status.as_str().to_owned(), response.into());
        }
        for (status, causes) in &self.problems {
            let causes: Vec<&str> = causes.iter().copied().collect();
            responses.insert(status.to_string(), problem(*status, &causes.join("; ")));
        }
        responses.into()
    }

    fn content_of(&self, stated: &Stated<'_>, status: StatusCode) -> Value {
        let content = self.content.iter().map(|(media, schema)| {
            let mut content = Map::from_iter([("schema".to_owned(), schema.clone())]);
            if let Some(example) = stated.examples.response(stated.id, status.as_str(), media) {
                content.insert("example".to_owned(), example.clone());
            }
            ((*media).to_owned(), content.into())
        });
        Map::from_iter(content).into()
    }
}

fn problem(status: u16, causes: &str) -> Value {
    let headers = match status {
        401 => json!({ "WWW-Authenticate": {
            "description": "The scheme of the login.",
            "schema": { "type": "string" },
        } }),
        429 | 503 => json!({ "Retry-After": {
            "description": "Seconds after which a retry is worthwhile.",
            "schema": { "type": "integer", "minimum": 0 },
        } }),
        _ => json!({}),
    };
    json!({
        "description": causes,
        "headers": headers,
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "examples": { "problem": { "$ref": format!("#/components/examples/Problem{status}") } },
        } },
    })
}

//! The extractor of query parameters.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::problem::Problem;
use super::query::{CURSOR_BYTES, LIMIT, MAX_LIMIT, Query};
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;

/// Parameters that are read from a query.
pub(crate) trait FromQuery: Sized {
    /// The allowed parameters besides `limit` and `cursor`.
    const PARAMETERS: &'static [QueryParameter];

    /// If `true`, the query may have `limit` and `cursor`.
    const IS_PAGED: bool = true;

    /// Reads the parameters.
    ///
    /// # Errors
    /// Returns 400 or 422 for the first invalid parameter.
    fn from_query(query: &Query) -> Result<Self, Problem>;
}

/// A parameter of a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryParameter {
    /// The name.
    pub(crate) name: &'static str,
    description: &'static str,
    kind: ParameterKind,
}

#[derive(Clone, Copy, Debug)]
enum ParameterKind {
    /// A value of a type.
    Value(fn(&mut Schemas) -> Value),
    /// One of these words.
    Word(&'static [&'static str]),
}

impl QueryParameter {
    /// Creates a parameter that is parsed into a type.
    pub(crate) const fn of<T: JsonSchema>(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            kind: ParameterKind::Value(Schemas::request::<T>),
        }
    }

    /// Creates a parameter that is one of some words.
    pub(crate) const fn word(
        name: &'static str,
        description: &'static str,
        words: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            description,
            kind: ParameterKind::Word(words),
        }
    }

    fn schema(self, schemas: &mut Schemas) -> Value {
        match self.kind {
            ParameterKind::Value(schema) => schema(schemas),
            ParameterKind::Word(words) => json!({ "type": "string", "enum": words }),
        }
    }
}

/// The query parameters of a request. Comes after [`Authorized`](super::authorized::Authorized) in
/// a handler.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Sync, T: FromQuery> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let names = T::PARAMETERS.iter().map(|parameter| parameter.name);
        let paging: &[&str] = if T::IS_PAGED {
            &["limit", "cursor"]
        } else {
            &[]
        };
        let names = names.chain(paging.iter().copied());
        let query = Query::parse_known(parts.uri.query(), names)?;
        T::from_query(&query).map(Self)
    }
}

impl<T: FromQuery> Describe for Params<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        for parameter in T::PARAMETERS {
            let schema = parameter.schema(schemas);
            operation.query(parameter.name, parameter.description, schema);
        }
        if T::IS_PAGED {
            operation.query(
                "limit",
                "Maximum number of items.",
                json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT }),
            );
            operation.query(
                "cursor",
                "`next_cursor` of a response to a request with the same filters.",
                json!({ "type": "string", "maxLength": CURSOR_BYTES }),
            );
        }
        operation.problem(
            StatusCode::BAD_REQUEST,
            "the query cannot be decoded, or a number is none",
        );
        operation.problem(StatusCode::URI_TOO_LONG, "the query is too long");
        operation.problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a parameter is unknown, repeated or invalid",
        );
    }
}

/// A route without parameters of its own.
impl FromQuery for () {
    const PARAMETERS: &'static [QueryParameter] = &[];
    const IS_PAGED: bool = false;

    fn from_query(_: &Query) -> Result<Self, Problem> {
        Ok(())
    }
}

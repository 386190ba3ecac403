//! The extractor of query parameters.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::Problem;
use super::query::Query;

/// Parameters that are read from a query.
pub(crate) trait FromQuery: Sized {
    /// The allowed names besides `limit` and `cursor`.
    const NAMES: &'static [&'static str];

    /// Reads the parameters.
    ///
    /// # Errors
    /// Returns 400 or 422 for the first invalid parameter.
    fn from_query(query: &Query) -> Result<Self, Problem>;
}

/// The query parameters of a request. Comes after [`Authorized`](super::authorized::Authorized) in
/// a handler.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Sync, T: FromQuery> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::parse(parts.uri.query(), T::NAMES)?;
        T::from_query(&query).map(Self)
    }
}

/// A route without parameters of its own.
impl FromQuery for () {
    const NAMES: &'static [&'static str] = &[];

    fn from_query(_: &Query) -> Result<Self, Problem> {
        Ok(())
    }
}

//! The prefix under which a host mounts the routers.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;

use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;

/// The part of the path before the routes of this library: `/incidents` for a host that nests them
/// there, and empty for one that merges them.
#[derive(Debug)]
pub(crate) struct MountPrefix(pub(crate) String);

impl Describe for MountPrefix {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

impl<S: Send + Sync> FromRequestParts<S> for MountPrefix {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let whole = parts.extensions.get::<OriginalUri>();
        let whole = whole.map_or("", |OriginalUri(uri)| uri.path());
        let prefix = whole.strip_suffix(parts.uri.path());
        Ok(Self(prefix.unwrap_or_default().to_owned()))
    }
}

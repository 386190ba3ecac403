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
        Ok(Self(prefix_of(parts).0))
    }
}

/// Returns the prefix of a request, and its path and query as the client sent them.
pub(crate) fn prefix_of(parts: &Parts) -> (String, String) {
    let original = parts.extensions.get::<OriginalUri>();
    let original = original.map_or(&parts.uri, |OriginalUri(uri)| uri);
    let (sent, inner) = (original.path(), parts.uri.path());
    // The root of a nested router has no slash of its own.
    let prefix = match sent.strip_suffix(inner) {
        None if inner == "/" => sent,
        prefix => prefix.unwrap_or_default(),
    };
    let here = original.path_and_query().map_or(sent, |here| here.as_str());
    (prefix.to_owned(), here.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn the_prefix_is_what_the_host_has_removed() {
        for (sent, inner, prefix) in [
            ("/", "/", ""),
            ("/audit?a=1", "/audit?a=1", ""),
            ("/incidents", "/", "/incidents"),
            ("/incidents?a=1", "/?a=1", "/incidents"),
            ("/incidents/", "/", "/incidents"),
            ("/a%20b/audit", "/audit", "/a%20b"),
        ] {
            let (mut parts, ()) = Request::get(inner).body(()).unwrap().into_parts();
            let original = OriginalUri(sent.parse().unwrap());
            parts.extensions.insert(original);
            assert_eq!(prefix_of(&parts), (prefix.to_owned(), sent.to_owned()));
        }
    }
}

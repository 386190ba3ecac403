//! The time for which caches may store public data.

use axum::http::HeaderValue;

/// The `Cache-Control` of public data: shared caches serve it no longer than this process would.
pub(crate) const PUBLIC: HeaderValue =
    HeaderValue::from_static("public, max-age=60, stale-if-error=60");

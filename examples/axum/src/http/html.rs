//! Clients that show pages to people.

use axum::http::{HeaderMap, header};

/// Returns `true` if the client is a browser that shows a page to a person.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/html"))
}

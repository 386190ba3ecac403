//! The middleware of the pages: the login, and problems as pages. Programs, which do not accept
//! HTML, get the problems themselves.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use form_urlencoded::byte_serialize;

use super::expired;
use super::form::SentFields;
use super::page::WebPage;
use super::problem_page::problem_page;
use super::reader::Reader;
use crate::authenticate::AuthError;
use crate::http::html::wants_html;
use crate::routes::authenticate::{known, wrong_login};
use crate::state::AppState;

/// Lets people with a login in, and leads others to the sign-in. Problems become pages.
pub(crate) async fn with_login(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body, reader) = with_reader(request);
    let caller = match state.authenticate(&mut parts).await {
        Ok(caller) => caller,
        Err(AuthError::Missing) if state.sessions().is_some() && wants_html(&parts.headers) => {
            let request = Request::from_parts(parts, body);
            return signed_out(&state, &reader, request).await;
        }
        Err(other) => {
            let response = wrong_login(&state, &parts, other).into_response();
            return match wants_html(&parts.headers) {
                true => problem_page(&state, &reader, None, None, response),
                false => response,
            };
        }
    };
    let (is_person, sent) = (wants_html(&parts.headers), SentFields::default());
    parts.extensions.insert(sent.clone());
    let response = known(&state, Request::from_parts(parts, body), &caller, next).await;
    match is_person {
        true => problem_page(&state, &reader, Some(&caller), sent.get(), response),
        false => response,
    }
}

/// Makes problems of pages without a login into pages.
pub(crate) async fn without_login(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body, reader) = with_reader(request);
    let is_person = wants_html(&parts.headers);
    let response = next.run(Request::from_parts(parts, body)).await;
    match is_person {
        true => problem_page(&state, &reader, None, None, response),
        false => response,
    }
}

/// Takes a request apart, and makes its reader known to the handler.
fn with_reader(request: Request) -> (Parts, Body, Reader) {
    let (mut parts, body) = request.into_parts();
    let reader = Reader::of(&parts);
    parts.extensions.insert(reader.clone());
    (parts, body, reader)
}

/// Leads to the sign-in. A form that was sent is shown again there, so that no text is lost.
async fn signed_out(state: &Arc<AppState>, reader: &Reader, request: Request) -> Response {
    if request.method() == Method::POST {
        let response = expired::show(state, reader, request).await;
        let response = response.into_response();
        return problem_page(state, reader, None, None, response);
    }
    let next: String = byte_serialize(reader.here.as_bytes()).collect();
    let address = reader.link(&format!("/signin?next={next}"));
    WebPage::see_other(&address).into_response()
}

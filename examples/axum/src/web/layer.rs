//! The middleware of the pages: the login, and problems as pages. Programs, which do not accept
//! HTML, get the problems themselves.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use form_urlencoded::byte_serialize;
use incident_core::actor::Caller;

use super::expired;
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
    let (mut parts, body) = request.into_parts();
    let reader = Reader::of(&parts);
    parts.extensions.insert(reader.clone());
    let caller = match state.authenticate(&mut parts).await {
        Ok(caller) => caller,
        Err(AuthError::Missing) if state.sessions().is_some() && wants_html(&parts.headers) => {
            let request = Request::from_parts(parts, body);
            return signed_out(&state, &reader, request).await;
        }
        Err(other) => {
            let problem = wrong_login(&state, &parts, other);
            let response = problem.into_response();
            return for_client(&state, &reader, None, &parts.headers, response);
        }
    };
    let headers = parts.headers.clone();
    let response = known(&state, Request::from_parts(parts, body), &caller, next).await;
    for_client(&state, &reader, Some(&caller), &headers, response)
}

/// Makes problems of pages without a login into pages.
pub(crate) async fn without_login(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let reader = Reader::of(&parts);
    parts.extensions.insert(reader.clone());
    let headers = parts.headers.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    for_client(&state, &reader, None, &headers, response)
}

/// Makes a problem into a page, unless the client is a program.
fn for_client(
    state: &AppState,
    reader: &Reader,
    caller: Option<&Caller>,
    headers: &HeaderMap,
    response: Response,
) -> Response {
    match wants_html(headers) {
        true => problem_page(state, reader, caller, response),
        false => response,
    }
}

/// Leads to the sign-in. A form that was sent is shown again there, so that no text is lost.
async fn signed_out(state: &Arc<AppState>, reader: &Reader, request: Request) -> Response {
    if request.method() == Method::POST {
        let response = expired::show(state, reader, request).await;
        let response = response.into_response();
        return problem_page(state, reader, None, response);
    }
    let next: String = byte_serialize(reader.here.as_bytes()).collect();
    let address = reader.link(&format!("/signin?next={next}"));
    WebPage::see_other(&address).into_response()
}

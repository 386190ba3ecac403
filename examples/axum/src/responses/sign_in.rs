//! The pages of the sign-in, and the way to the next one.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::actor::Caller;
use serde_json::json;

use crate::document::describe::DescribeAnswer;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::html::{self, Escaped};
use crate::tokens::TOKEN_BYTES;

/// A page of HTML.
#[derive(Debug)]
pub(crate) struct PageResponse(pub(crate) Response);

impl IntoResponse for PageResponse {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for PageResponse {
    fn describe_answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answer("text/html", json!({ "type": "string" }));
    }
}

/// A response that leads the browser to another address, or shows the form again.
#[derive(Debug)]
pub(crate) struct SeeOther(pub(crate) Response);

impl SeeOther {
    /// Leads to a path of this host, with a change of the session cookie.
    pub(crate) fn to(path: &str, cookie: Option<HeaderValue>) -> Self {
        let mut response = StatusCode::SEE_OTHER.into_response();
        let headers = response.headers_mut();
        if let Ok(path) = HeaderValue::from_str(path) {
            headers.insert(header::LOCATION, path);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(cookie) = cookie {
            headers.insert(header::SET_COOKIE, cookie);
        }
        Self(response)
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for SeeOther {
    fn describe_answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answer_header("Location", "The path to go to.");
        operation.answer_header("Set-Cookie", "The session.");
    }
}

/// Creates the page with the form, and with the reason why it is shown again.
pub(crate) fn form_page(
    status: StatusCode,
    prefix: &str,
    next: &str,
    error: Option<&str>,
) -> Response {
    let error = error.map_or_else(String::new, |error| {
        format!("<p id=\"error\" role=\"alert\">{}</p>\n", Escaped(error))
    });
    let described = match error.as_str() {
        "" => "",
        _ => " aria-describedby=\"error\" aria-invalid=\"true\"",
    };
    let (prefix, next) = (Escaped(prefix), Escaped(next));
    let main = format!(
        "<form method=\"post\" action=\"{prefix}/signin\">\n{error}\
         <p><label for=\"token\">Token</label>\n\
         <input id=\"token\" name=\"token\" type=\"password\" required autofocus maxlength=\"{TOKEN_BYTES}\" autocomplete=\"current-password\"{described}></p>\n\
         <input type=\"hidden\" name=\"next\" value=\"{next}\">\n\
         <p><button>Sign in</button></p>\n</form>\n"
    );
    html::page(status, "Sign in", &main)
}

/// Creates the page of a person who is signed in.
pub(crate) fn signed_in_page(prefix: &str, caller: &Caller) -> Response {
    let name = caller.actor.name.as_str();
    let (prefix, name, role) = (Escaped(prefix), Escaped(name), caller.role);
    let main = format!(
        "<p>You are signed in as {name} ({role}).</p>\n\
         <form method=\"post\" action=\"{prefix}/signout\">\n\
         <p><button>Sign out</button>\n\
         <button name=\"everywhere\" value=\"yes\">Sign out everywhere</button></p>\n</form>\n"
    );
    html::page(StatusCode::OK, "Signed in", &main)
}

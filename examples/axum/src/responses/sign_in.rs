//! The way to the page after a sign-in.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::document::describe::DescribeAnswer;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;

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

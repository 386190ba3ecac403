//! Pages of HTML as responses.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::document::describe::DescribeAnswer;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::problem::{NOSNIFF, Problem};

/// Everything comes from this host, and nothing is inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A page of HTML.
#[derive(Debug)]
pub(crate) struct WebPage(pub(crate) Response);

/// A page, or the way to another one.
pub(crate) type WebResult = Result<WebPage, Problem>;

impl WebPage {
    /// Renders a page.
    ///
    /// # Errors
    /// Returns 500 if the template fails.
    pub(crate) fn render(status: StatusCode, template: &impl Template) -> WebResult {
        let html = template.render().map_err(|error| {
            tracing::error!(%error, "a page could not be rendered");
            Problem::internal("the page could not be rendered")
        })?;
        let headers = [
            (header::CONTENT_TYPE, HTML),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
            (
                header::REFERRER_POLICY,
                HeaderValue::from_static("same-origin"),
            ),
        ];
        Ok(Self((status, headers, html).into_response()))
    }

    /// Renders a page with status 200.
    ///
    /// # Errors
    /// Fails like [`render`](Self::render).
    pub(crate) fn ok(template: &impl Template) -> WebResult {
        Self::render(StatusCode::OK, template)
    }

    /// Leads the browser to an address of this host, after a form (RFC 9110, 15.4.4).
    #[must_use]
    pub(crate) fn see_other(address: &str) -> Self {
        let mut response = StatusCode::SEE_OTHER.into_response();
        let headers = response.headers_mut();
        if let Ok(address) = HeaderValue::from_str(address) {
            headers.insert(header::LOCATION, address);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self(response)
    }

    /// Adds a cookie.
    #[must_use]
    pub(crate) fn cookie(mut self, cookie: Option<HeaderValue>) -> Self {
        if let Some(cookie) = cookie {
            self.0.headers_mut().append(header::SET_COOKIE, cookie);
        }
        self
    }
}

impl IntoResponse for WebPage {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for WebPage {
    fn describe_answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answer("text/html", json!({ "type": "string" }));
    }
}

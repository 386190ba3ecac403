//! The extractor of forms that browsers send.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::Form;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::body;
use super::problem::Problem;
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::state::AppState;

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// Maximum size of a form of the sign-in, in bytes: a token, an address, and a form that was sent
/// without a session, whose text of 20,000 characters is encoded twice.
pub(crate) const FORM_BYTES: usize = 512 * 1024;

/// Checks that a body has the media type of forms.
///
/// # Errors
/// Returns 415 if its type is another one, or missing.
pub(crate) fn must_be_form(headers: &HeaderMap) -> Result<(), Problem> {
    match body::media_type(headers).as_deref() {
        Some(FORM) => Ok(()),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "expected Content-Type: application/x-www-form-urlencoded",
        )),
    }
}

/// A request with the form `F`, which is read once its sender may send it.
#[derive(Debug)]
pub(crate) struct FormRequest<F> {
    request: Request,
    form: PhantomData<fn() -> F>,
}

impl<F, S: Send + Sync> FromRequest<S> for FormRequest<F> {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            request,
            form: PhantomData,
        })
    }
}

/// The fields of a form.
pub(crate) trait FormBody: DeserializeOwned + JsonSchema {
    /// If `true`, the form may be left out with its media type.
    const MAY_BE_EMPTY: bool = false;
}

impl<F: FormBody> Describe for FormRequest<F> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let schema = schemas.request::<F>();
        let media = [(FORM, schema)];
        operation.body(!F::MAY_BE_EMPTY, media);
        for (status, cause) in [
            (StatusCode::BAD_REQUEST, "the form is incomplete"),
            (
                StatusCode::REQUEST_TIMEOUT,
                "the form did not arrive in time",
            ),
            (StatusCode::PAYLOAD_TOO_LARGE, "the form is too long"),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is no form"),
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                "a field is unknown, missing or invalid",
            ),
        ] {
            operation.problem(status, cause);
        }
    }
}

impl<F: FormBody> FormRequest<F> {
    /// Splits the request, so that its head can be checked before the form is read.
    pub(crate) fn into_parts(self) -> (Parts, PendingForm<F>) {
        let (parts, body) = self.request.into_parts();
        let request = Request::from_parts(parts.clone(), body);
        let form = self.form;
        (parts, PendingForm { request, form })
    }
}

/// A form that has not been read.
pub(crate) struct PendingForm<F> {
    request: Request,
    form: PhantomData<fn() -> F>,
}

impl<F: FormBody> PendingForm<F> {
    /// Reads the form.
    ///
    /// # Errors
    /// Returns 400, 408, 413, 415 or 422 if it is not one with the fields of `F`.
    pub(crate) async fn read(mut self, state: &Arc<AppState>) -> Result<F, Problem> {
        let headers = self.request.headers_mut();
        if F::MAY_BE_EMPTY && !headers.contains_key(header::CONTENT_TYPE) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
        }
        must_be_form(self.request.headers())?;
        let (parts, body) = self.request.into_parts();
        // Nobody is known yet: the memory is that of webhooks.
        let memory = state.body_memory().hooks();
        let bytes = body::read(body, FORM_BYTES, &memory).await?;
        let request = Request::from_parts(parts, Body::from(bytes));
        let form = Form::<F>::from_request(request, state).await;
        form.map(|Form(form)| form).map_err(|error| refused(&error))
    }
}

fn refused(error: &FormRejection) -> Problem {
    let detail =
        "expected a form (application/x-www-form-urlencoded) with the fields of this route";
    match error.status() {
        StatusCode::UNPROCESSABLE_ENTITY => Problem::new(error.status(), "invalid", detail),
        _ => body::not_read(error),
    }
}

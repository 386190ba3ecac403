//! Forms that outlive their session: the sign-in keeps them, and offers to send them again.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use incident_core::actor::Caller;

use super::form::FormFields;
use super::held_form::after_sign_in;
use super::page::WebResult;
use super::reader::Reader;
use super::sign_in::{HeldForm, SignInTexts, form_page};
use crate::http::body;
use crate::http::cross_site;
use crate::http::form::{FORM_BYTES, must_be_form};
use crate::http::problem::Problem;
use crate::state::AppState;

/// Shows the sign-in after a form without a session, with the form in it.
///
/// # Errors
/// Returns 403 for a form of another site, and the problems of its body.
pub(crate) async fn show(state: &Arc<AppState>, reader: &Reader, request: Request) -> WebResult {
    let (parts, body) = request.into_parts();
    cross_site::check(&parts, state.origins())?;
    must_be_form(&parts.headers)?;
    let form = read(state, body).await?;
    let waiting = HeldForm {
        to: reader.here.clone(),
        form,
    };
    let texts = SignInTexts::of(reader.language);
    let status = StatusCode::UNAUTHORIZED;
    form_page(
        state,
        reader,
        status,
        "",
        Some(texts.expired),
        Some(&waiting),
    )
}

async fn read(state: &AppState, body: Body) -> Result<String, Problem> {
    // Nobody is known yet: the memory is that of webhooks, and half of what the sign-in takes.
    let memory = state.body_memory().hooks();
    let bytes = body::read(body, FORM_BYTES / 2, &memory).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Shows the form again after the sign-in, to be sent.
///
/// # Errors
/// Returns 400 if the form cannot be read.
pub(crate) fn resend(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    waiting: &HeldForm,
) -> WebResult {
    let fields = FormFields::parse(waiting.form.as_bytes())?;
    after_sign_in(state, reader, caller, &waiting.to, &fields)
}

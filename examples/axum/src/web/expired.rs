//! Forms that outlive their session: the sign-in keeps them, and offers to send them again.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use incident_core::actor::Caller;

use super::form::FormFields;
use super::frame::{Frame, Section};
use super::page::{WebPage, WebResult};
use super::reader::Reader;
use super::sign_in::{HeldForm, SignInTexts, form_page};
use super::texts::{fill, texts};
use crate::http::body;
use crate::http::cross_site;
use crate::http::form::{FORM_BYTES, must_be_form};
use crate::http::next_path::next_path;
use crate::state::AppState;

texts! {
    /// The texts of forms that outlived their session.
    ExpiredTexts {
        title: "Send your text now", "Envoyer votre texte", "Ihren Text jetzt senden";
        signed_in: "You are signed in as {name}. What you wrote before has not been sent yet.", "Vous êtes connecté en tant que {name}. Ce que vous aviez écrit n’est pas encore envoyé.", "Sie sind als {name} angemeldet. Was Sie vorher schrieben, ist noch nicht gesendet.";
        send: "Send it now", "Envoyer maintenant", "Jetzt senden";
        discard: "Discard it", "Abandonner", "Verwerfen";
    }
}

/// The page that sends a form again.
#[derive(Template)]
#[template(path = "resend.html")]
struct ResendPage<'a> {
    frame: Frame<'a>,
    texts: &'static ExpiredTexts,
    signed_in: String,
    to: &'a str,
    fields: &'a FormFields,
}

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

async fn read(state: &AppState, body: Body) -> Result<String, crate::http::problem::Problem> {
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
    let frame = Frame::of(state, reader, caller, Section::Other);
    let texts = ExpiredTexts::of(reader.language);
    let fields = FormFields::parse(waiting.form.as_bytes())?;
    let page = ResendPage {
        signed_in: fill(texts.signed_in, &[("name", caller.actor.name.as_str())]),
        to: next_path(&waiting.to).unwrap_or("/"),
        frame,
        texts,
        fields: &fields,
    };
    WebPage::ok(&page)
}

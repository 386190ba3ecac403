//! The pages of the sign-in.

use askama::Template;
use axum::http::StatusCode;
use incident_core::actor::Caller;

use super::common_texts::CommonTexts;
use super::frame::{Frame, Section};
use super::page::{WebPage, WebResult};
use super::reader::Reader;
use super::texts::{fill, texts};
use crate::state::AppState;
use crate::tokens::TOKEN_BYTES;

texts! {
    /// The texts of the sign-in.
    SignInTexts {
        title: "Sign in", "Se connecter", "Anmelden";
        token: "Token", "Jeton", "Token";
        hint: "The token that your administrator gave you. Pasting works.", "Le jeton que votre administrateur vous a donné. Vous pouvez le coller.", "Das Token, das Sie von der Verwaltung haben. Einfügen geht.";
        unknown: "This token is unknown. Check it and try again.", "Ce jeton est inconnu. Vérifiez-le et réessayez.", "Dieses Token ist unbekannt. Prüfen Sie es, und versuchen Sie es wieder.";
        missing: "Type or paste a token.", "Saisissez ou collez un jeton.", "Geben Sie ein Token ein.";
        too_many: "Too many unknown tokens came from your address. Wait a minute and try again.", "Trop de jetons inconnus depuis votre adresse. Réessayez dans une minute.", "Zu viele unbekannte Tokens von Ihrer Adresse. Versuchen Sie es in einer Minute wieder.";
        unavailable: "The sign-in is unavailable. Try again in a few seconds.", "La connexion est indisponible. Réessayez dans quelques secondes.", "Die Anmeldung ist gerade nicht möglich. Versuchen Sie es in einigen Sekunden wieder.";
        insecure: "Signing in needs HTTPS here. Ask your administrator to set the external address.", "La connexion exige HTTPS ici. Demandez à votre administrateur de définir l’adresse externe.", "Die Anmeldung braucht hier HTTPS. Bitten Sie die Verwaltung, die externe Adresse zu setzen.";
        refused: "The sign-in was refused.", "La connexion a été refusée.", "Die Anmeldung wurde abgelehnt.";
        expired: "Your session has ended. Nothing was sent, and your text is kept: sign in, then send it.", "Votre session est terminée. Rien n’a été envoyé et votre texte est conservé : connectez-vous, puis envoyez-le.", "Ihre Sitzung ist abgelaufen. Nichts wurde gesendet, Ihr Text ist noch da: Melden Sie sich an, und senden Sie ihn dann.";
        signed_in: "You are signed in", "Vous êtes connecté", "Sie sind angemeldet";
        as_person: "as {name} ({role})", "en tant que {name} ({role})", "als {name} ({role})";
    }
}

/// A form that waits for the sign-in.
#[derive(Clone, Debug)]
pub(crate) struct HeldForm {
    /// The path that it goes to.
    pub(crate) to: String,
    /// The form as it was sent.
    pub(crate) form: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: Frame<'a>,
    texts: &'static SignInTexts,
    next: &'a str,
    error: Option<&'a str>,
    waiting: Option<&'a HeldForm>,
    max: usize,
}

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage<'a> {
    frame: Frame<'a>,
    texts: &'static SignInTexts,
    person: String,
}

/// Creates the page with the form, and with the reason why it is shown again.
///
/// # Errors
/// Returns 500 if the template fails.
pub(crate) fn form_page(
    state: &AppState,
    reader: &Reader,
    status: StatusCode,
    next: &str,
    error: Option<&str>,
    waiting: Option<&HeldForm>,
) -> WebResult {
    let mut frame = Frame::open(state, reader);
    frame.is_sign_in = true;
    let page = SignInPage {
        frame,
        texts: SignInTexts::of(reader.language),
        next,
        error,
        waiting,
        max: TOKEN_BYTES,
    };
    WebPage::render(status, &page)
}

/// Creates the page of a person who is signed in.
///
/// # Errors
/// Returns 500 if the template fails.
pub(crate) fn signed_in_page(state: &AppState, reader: &Reader, caller: &Caller) -> WebResult {
    let texts = SignInTexts::of(reader.language);
    let role = CommonTexts::of(reader.language).role(caller.role);
    let name = caller.actor.name.as_str();
    let page = SignedInPage {
        frame: Frame::of(state, reader, caller, Section::Other),
        texts,
        person: fill(texts.as_person, &[("name", name), ("role", role)]),
    };
    WebPage::ok(&page)
}

impl SignInTexts {
    /// Returns the reason of a status with which a sign-in was refused.
    #[must_use]
    pub(crate) fn reason(&self, status: StatusCode) -> &'static str {
        match status {
            StatusCode::UNAUTHORIZED => self.unknown,
            StatusCode::UNPROCESSABLE_ENTITY => self.missing,
            StatusCode::TOO_MANY_REQUESTS => self.too_many,
            StatusCode::SERVICE_UNAVAILABLE => self.unavailable,
            StatusCode::FORBIDDEN => self.insecure,
            _ => self.refused,
        }
    }
}

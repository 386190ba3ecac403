//! A form that has not been run: shown with everything in it, to be sent as it is.

use askama::Template;
use incident_core::actor::Caller;

use super::form::FormFields;
use super::frame::{Frame, Section};
use super::page::{WebPage, WebResult};
use super::reader::Reader;
use super::texts::{fill, texts};
use crate::http::next_path::next_path;
use crate::http::problem::Problem;
use crate::state::AppState;

texts! {
    /// The texts of forms that have not been run.
    HeldFormTexts {
        after_sign_in: "Send your text now", "Envoyer votre texte", "Ihren Text jetzt senden";
        signed_in: "You are signed in as {name}. What you wrote before has not been sent yet.", "Vous êtes connecté en tant que {name}. Ce que vous aviez écrit n’est pas encore envoyé.", "Sie sind als {name} angemeldet. Was Sie vorher schrieben, ist noch nicht gesendet.";
        send: "Send it now", "Envoyer maintenant", "Jetzt senden";
        discard: "Discard it", "Abandonner", "Verwerfen";
        not_saved: "Your text is safe, and could not be saved yet", "Votre texte est conservé, mais pas encore enregistré", "Ihr Text ist noch da, aber noch nicht gespeichert";
        not_saved_help: "The console cannot reach its data. Send it again in a few seconds: if it was saved after all, it is not saved twice.", "La console n’atteint pas ses données. Renvoyez-le dans quelques secondes : s’il a été enregistré malgré tout, il ne le sera pas deux fois.", "Die Konsole erreicht ihre Daten nicht. Senden Sie ihn in einigen Sekunden noch einmal: Wurde er doch gespeichert, geschieht es nicht zweimal.";
        send_again: "Send it again", "Renvoyer", "Noch einmal senden";
    }
}

#[derive(Template)]
#[template(path = "held_form.html")]
struct HeldFormPage<'a> {
    frame: Frame<'a>,
    title: &'static str,
    help: String,
    to: &'a str,
    fields: &'a FormFields,
    send: &'static str,
    leave: &'static str,
    /// The words of the server, if it could not run the form.
    detail: Option<&'a str>,
}

/// Shows a form after the sign-in that its session had not lasted for.
///
/// # Errors
/// Returns 500 if the template fails.
pub(crate) fn after_sign_in(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    to: &str,
    fields: &FormFields,
) -> WebResult {
    let texts = HeldFormTexts::of(reader.language);
    let name = caller.actor.name.as_str();
    WebPage::ok(&HeldFormPage {
        frame: Frame::of(state, reader, caller, Section::Other).with_main_button(),
        title: texts.after_sign_in,
        help: fill(texts.signed_in, &[("name", name)]),
        to: next_path(to).unwrap_or("/"),
        fields,
        send: texts.send,
        leave: texts.discard,
        detail: None,
    })
}

/// Shows a form that met a problem of the server, under the same key.
///
/// # Errors
/// Returns 500 if the template fails.
pub(crate) fn after_problem(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    fields: &FormFields,
    problem: &Problem,
) -> WebResult {
    let texts = HeldFormTexts::of(reader.language);
    let frame = Frame::of(state, reader, caller, Section::Other).with_main_button();
    let page = HeldFormPage {
        title: texts.not_saved,
        help: texts.not_saved_help.to_owned(),
        to: &reader.here,
        fields,
        send: texts.send_again,
        leave: frame.common.active,
        detail: Some(problem.detail()),
        frame,
    };
    WebPage::render(problem.status(), &page)
}

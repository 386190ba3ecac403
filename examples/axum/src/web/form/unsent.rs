//! Forms that could not be run because the server or its data are away: shown again, to be sent
//! once more.

use askama::Template;
use incident_core::actor::Caller;

use super::fields::FormFields;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::frame::{Frame, Section};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::texts::texts;

texts! {
    /// The texts of forms that could not be run.
    UnsentTexts {
        title: "Your text is safe, and could not be saved yet", "Votre texte est conservé, mais pas encore enregistré", "Ihr Text ist noch da, aber noch nicht gespeichert";
        help: "The console cannot reach its data. Send it again in a few seconds: if it was saved after all, it is not saved twice.", "La console n’atteint pas ses données. Renvoyez-le dans quelques secondes : s’il a été enregistré malgré tout, il ne le sera pas deux fois.", "Die Konsole erreicht ihre Daten nicht. Senden Sie ihn in einigen Sekunden noch einmal: Wurde er doch gespeichert, geschieht es nicht zweimal.";
        send: "Send it again", "Renvoyer", "Noch einmal senden";
        details: "What the server says", "Réponse du serveur", "Antwort des Servers";
    }
}

#[derive(Template)]
#[template(path = "unsent.html")]
struct UnsentPage<'a> {
    frame: Frame<'a>,
    texts: &'static UnsentTexts,
    fields: &'a FormFields,
    detail: &'a str,
}

/// Shows a form that met a problem of the server, with everything in it and under the same key.
///
/// # Errors
/// Returns 500 if the template fails.
pub(crate) fn unsent_page(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    fields: &FormFields,
    problem: &Problem,
) -> WebResult {
    let page = UnsentPage {
        frame: Frame::of(state, reader, caller, Section::Other).with_main_button(),
        texts: UnsentTexts::of(reader.language),
        fields,
        detail: problem.detail(),
    };
    WebPage::render(problem.status(), &page)
}

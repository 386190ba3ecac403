//! `POST /incidents/suggestions/{id}/dismiss`: no incident is needed.

use crate::http::permission;
use crate::http::target::SuggestionTarget;
use crate::web::form::Submitted;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// The parameter with which the list says what became of a dismissal.
pub(super) const RESULT: &str = "dismissed";
/// The value of a suggestion that was no longer open.
pub(super) const NOT_OPEN: &str = "no";

/// Handles `POST /incidents/suggestions/{id}/dismiss`. A second dismissal changes nothing.
pub(crate) async fn dismiss(
    reader: Reader,
    submitted: Submitted<permission::DismissSuggestion, SuggestionTarget>,
) -> WebResult {
    let id = submitted.target.id()?;
    let done = submitted
        .run(|incidents, context, _| async move {
            incidents.signals().dismiss_suggestion(&context, id).await
        })
        .await;
    let result = match done {
        Ok(_) => "yes",
        Err(problem) if problem.code() == "suggestion_not_open" => NOT_OPEN,
        Err(problem) => return Err(problem),
    };
    let address = format!("{}?{RESULT}={result}", reader.home());
    Ok(WebPage::see_other(&address))
}

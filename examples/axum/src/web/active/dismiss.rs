//! `POST /incidents/suggestions/{id}/dismiss`: no incident is needed.

use crate::http::permission;
use crate::http::target::SuggestionTarget;
use crate::web::form::Submitted;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// The parameter with which the list says that a suggestion was dismissed.
pub(super) const DONE: &str = "dismissed";

/// Handles `POST /incidents/suggestions/{id}/dismiss`. A second dismissal changes nothing.
pub(crate) async fn dismiss(
    reader: Reader,
    submitted: Submitted<permission::DismissSuggestion, SuggestionTarget>,
) -> WebResult {
    let id = submitted.target.id()?;
    submitted
        .run(|incidents, context, _| async move {
            incidents.signals().dismiss_suggestion(&context, id).await
        })
        .await?;
    Ok(WebPage::see_other(&format!("{}?{DONE}=yes", reader.home())))
}

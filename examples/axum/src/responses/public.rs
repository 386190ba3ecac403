//! Response of the public page.

use incident_core::Timestamp;
use incident_core::status_page::PublicPage;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! {  ; PublicPageResponse }

/// The public page, with the time of its last change.
#[derive(JsonSchema, Serialize)]
pub(crate) struct PublicPageResponse<'a> {
    pub(crate) generated_at: Timestamp,
    #[serde(flatten)]
    pub(crate) page: &'a PublicPage,
}

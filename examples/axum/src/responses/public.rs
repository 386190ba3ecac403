//! Response of the public page.

use incident_core::Timestamp;
use incident_core::status_page::PublicPage;
use serde::Serialize;

/// The public page, with the time of its last change.
#[derive(Serialize)]
pub(crate) struct PublicPageResponse<'a> {
    pub(crate) generated_at: Timestamp,
    #[serde(flatten)]
    pub(crate) page: &'a PublicPage,
}

//! Deep links into other systems.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{HttpsUrl, IncidentId, ServiceId, Timestamp, ValidationError};

/// A link template with placeholders: `{id}`, the incident; `{from}`, the start of its impact;
/// `{services}`, the services it hits, separated by commas.
///
/// ```
/// use incident_core::LinkTemplate;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let map = LinkTemplate::new("https://dashboard.example/map?from={from}&on={services}")?;
/// let link = map.fill("0193a5c0-0000-7000-8000-000000000001".parse()?, "2026-11-20T22:15:00Z".parse()?, &["a b".parse()?]);
/// assert_eq!(link, "https://dashboard.example/map?from=2026-11-20T22:15:00Z&on=a%20b");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkTemplate(HttpsUrl);

impl LinkTemplate {
    /// Creates a template.
    ///
    /// # Errors
    /// Fails if `template` is not an https address.
    pub fn new(template: &str) -> Result<Self, ValidationError> {
        Ok(Self(HttpsUrl::new(template)?))
    }

    /// Returns the link of one incident, with the names of services percent-encoded.
    #[must_use]
    pub fn fill(&self, id: IncidentId, from: Timestamp, services: &[ServiceId]) -> String {
        let services: Vec<String> = services
            .iter()
            .map(|service| utf8_percent_encode(service.as_str(), RESERVED).to_string())
            .collect();
        self.0
            .as_str()
            .replace("{id}", &id.to_string())
            .replace("{from}", &from.to_string())
            .replace("{services}", &services.join(","))
    }
}

/// All characters except the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

//! The parts of every page that come from the host, not from the incident.

use std::collections::BTreeMap;

use incident_core::paging::PageEvent;
use incident_core::{LinkTemplate, ValidationError};

use crate::content::truncate;

/// The parts that the host adds to every page: its source, links, images and details.
///
/// One template serves every vendor; parts that a vendor has no field for are written into the
/// description.
///
/// ```
/// use incident_core::LinkTemplate;
/// use incident_pagers::PageTemplate;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let template = PageTemplate::default()
///     .source("petanque.life")?
///     .client("Petanque Life console")?
///     .client_url(LinkTemplate::new("https://console.example/incidents/{id}")?)
///     .link("System map", LinkTemplate::new("https://dashboard.example/map?from={from}")?)?
///     .detail("region", "eu-west")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageTemplate {
    pub(crate) source: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) client_url: Option<LinkTemplate>,
    pub(crate) links: Vec<(String, LinkTemplate)>,
    pub(crate) images: Vec<(String, LinkTemplate)>,
    pub(crate) details: BTreeMap<String, String>,
}

/// Names of the built-in details. The host's details may not use them.
pub(crate) const KEY_DETAILS: [&str; 11] = [
    "incident_id",
    "number",
    "epoch",
    "severity",
    "urgency",
    "mode",
    "environment",
    "started_at",
    "affected_tenants",
    "services",
    "summary",
];

/// Name of the detail that says how many details were left out.
pub(crate) const LEFT_OUT: &str = "left_out";

/// Maximum number of links, and of images, of a template.
const MAX_LINKS: usize = 20;

impl PageTemplate {
    /// Sets the affected system, such as a host name. Defaults to the incident's environment.
    ///
    /// # Errors
    /// Fails if it is blank, longer than 100 characters, or has control characters.
    pub fn source(self, source: &str) -> Result<Self, ValidationError> {
        let source = Some(visible("source", source, 100)?);
        Ok(Self { source, ..self })
    }

    /// Sets the name of the application that sends the page, as people know it.
    ///
    /// # Errors
    /// Fails if it is blank, longer than 100 characters, or has control characters.
    pub fn client(self, client: &str) -> Result<Self, ValidationError> {
        let client = Some(visible("client", client, 100)?);
        Ok(Self { client, ..self })
    }

    /// Sets the address of the incident in the application that sends the page.
    #[must_use]
    pub fn client_url(self, url: LinkTemplate) -> Self {
        let client_url = Some(url);
        Self { client_url, ..self }
    }

    /// Adds a link.
    ///
    /// # Errors
    /// Fails if the text is blank, longer than 100 characters or has control characters, or if
    /// there are already 20 links.
    pub fn link(mut self, text: &str, to: LinkTemplate) -> Result<Self, ValidationError> {
        let text = visible("link", text, 100)?;
        push("links", &mut self.links, (text, to))?;
        Ok(self)
    }

    /// Adds an image, for vendors that show images.
    ///
    /// # Errors
    /// Fails if the alternative text is blank, longer than 100 characters or has control
    /// characters, or if there are already 20 images.
    pub fn image(mut self, alt: &str, source: LinkTemplate) -> Result<Self, ValidationError> {
        let alt = visible("image", alt, 100)?;
        push("images", &mut self.images, (alt, source))?;
        Ok(self)
    }

    /// Adds a detail. If a page is too long for a vendor, these are left out first.
    ///
    /// # Errors
    /// Fails if the name is blank, longer than 100 characters, has control characters, or is the
    /// name of a built-in detail.
    pub fn detail(mut self, name: &str, value: &str) -> Result<Self, ValidationError> {
        let name = visible("detail", name, 100)?;
        if name == LEFT_OUT || KEY_DETAILS.contains(&name.as_str()) {
            let expected = format!("another name: `{name}` is reserved");
            return Err(ValidationError::new("detail", expected));
        }
        self.details.insert(name, value.to_owned());
        Ok(self)
    }

    /// Returns the source of a page.
    pub(crate) fn source_of(&self, page: &PageEvent) -> String {
        let source = self.source.as_deref();
        truncate::single_line(source.unwrap_or(page.environment.as_str()), 100)
    }

    /// Returns the client's address for a page.
    pub(crate) fn client_url_of(&self, page: &PageEvent) -> Option<String> {
        self.client_url.as_ref().map(|link| filled(link, page))
    }
}

fn visible(field: &'static str, text: &str, most: usize) -> Result<String, ValidationError> {
    if truncate::is_blank(text) || text.chars().count() > most || text.chars().any(char::is_control)
    {
        let expected = format!("1 to {most} characters on one line, not only whitespace");
        return Err(ValidationError::new(field, expected));
    }
    Ok(text.to_owned())
}

fn push<T>(field: &'static str, list: &mut Vec<T>, one: T) -> Result<(), ValidationError> {
    if list.len() == MAX_LINKS {
        return Err(ValidationError::new(
            field,
            format!("at most {MAX_LINKS} links"),
        ));
    }
    list.push(one);
    Ok(())
}

/// Returns a link with the placeholders filled in from a page.
pub(crate) fn filled(link: &LinkTemplate, page: &PageEvent) -> String {
    link.fill(page.incident_id, page.started_at, &page.services)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_is_refused_by_name() {
        let template = PageTemplate::default;
        for (wrong, field) in [
            (template().source(" "), "source"),
            (template().client("a\nb"), "client"),
            (template().detail("", "x"), "detail"),
            (template().detail("incident_id", "x"), "detail"),
            (template().detail("left_out", "x"), "detail"),
            (template().detail(&"x".repeat(101), "x"), "detail"),
        ] {
            assert_eq!(wrong.unwrap_err().field(), field);
        }
        let link = LinkTemplate::new("https://dashboard.example/{id}").unwrap();
        let full = (0..20).fold(template(), |template, _| {
            template.link("map", link.clone()).unwrap()
        });
        assert_eq!(full.link("map", link).unwrap_err().field(), "links");
    }
}

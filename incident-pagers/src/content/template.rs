//! What every page carries besides the incident itself.

use std::collections::BTreeMap;

use incident_core::paging::PageEvent;
use incident_core::{LinkTemplate, ValidationError};

use crate::content::truncate;

/// What the host adds to every page: where it comes from, where to look, and
/// details of its own. The same template serves every vendor; what a vendor has
/// no field for stands in its description.
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

/// Names of details that every page has; a host's own may not hide them.
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

/// The name under which a page tells that details were left out.
pub(crate) const LEFT_OUT: &str = "left_out";

/// Most links and images of a template.
const MAX_LINKS: usize = 20;

impl PageTemplate {
    /// The affected system, as a host name or the like; the incident's
    /// environment where none is given.
    ///
    /// # Errors
    /// Blank, or more than 100 characters.
    pub fn source(self, source: &str) -> Result<Self, ValidationError> {
        let source = Some(visible("source", source, 100)?);
        Ok(Self { source, ..self })
    }

    /// What sends the page, for people.
    ///
    /// # Errors
    /// Blank, or more than 100 characters.
    pub fn client(self, client: &str) -> Result<Self, ValidationError> {
        let client = Some(visible("client", client, 100)?);
        Ok(Self { client, ..self })
    }

    /// Where the incident is seen in what sends the page.
    #[must_use]
    pub fn client_url(self, url: LinkTemplate) -> Self {
        let client_url = Some(url);
        Self { client_url, ..self }
    }

    /// One more link.
    ///
    /// # Errors
    /// The text is blank or has more than 100 characters; or there are 20
    /// links already.
    pub fn link(mut self, text: &str, to: LinkTemplate) -> Result<Self, ValidationError> {
        let text = visible("link", text, 100)?;
        push("links", &mut self.links, (text, to))?;
        Ok(self)
    }

    /// One more image, shown where the vendor shows images.
    ///
    /// # Errors
    /// The text that stands for it is blank or has more than 100 characters; or
    /// there are 20 images already.
    pub fn image(mut self, alt: &str, source: LinkTemplate) -> Result<Self, ValidationError> {
        let alt = visible("image", alt, 100)?;
        push("images", &mut self.images, (alt, source))?;
        Ok(self)
    }

    /// One more detail. When a page is too long for a vendor, these go first.
    ///
    /// # Errors
    /// The name is blank, has more than 100 characters, or is one that every
    /// page has.
    pub fn detail(mut self, name: &str, value: &str) -> Result<Self, ValidationError> {
        let name = visible("detail", name, 100)?;
        if name == LEFT_OUT || KEY_DETAILS.contains(&name.as_str()) {
            let expected = format!("a name that no page has by itself; `{name}` is taken");
            return Err(ValidationError::new("detail", expected));
        }
        self.details.insert(name, value.to_owned());
        Ok(self)
    }

    /// The source of a page.
    pub(crate) fn source_of(&self, page: &PageEvent) -> String {
        let source = self.source.as_deref();
        truncate::single_line(source.unwrap_or(page.environment.as_str()), 100)
    }

    /// The client's address for a page.
    pub(crate) fn client_url_of(&self, page: &PageEvent) -> Option<String> {
        self.client_url.as_ref().map(|link| filled(link, page))
    }
}

fn visible(field: &'static str, text: &str, most: usize) -> Result<String, ValidationError> {
    if truncate::is_blank(text) || text.chars().count() > most || text.chars().any(char::is_control)
    {
        let expected = format!("1 to {most} characters on one line, not only blanks");
        return Err(ValidationError::new(field, expected));
    }
    Ok(text.to_owned())
}

fn push<T>(field: &'static str, list: &mut Vec<T>, one: T) -> Result<(), ValidationError> {
    if list.len() == MAX_LINKS {
        return Err(ValidationError::new(field, format!("at most {MAX_LINKS}")));
    }
    list.push(one);
    Ok(())
}

/// Returns a link with what a page fills in.
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

//! The look that a host gives the pages: its name, colours and links.

use std::fmt;

use incident_core::{HttpsUrl, Name, ValidationError};

/// Name of the pages of a host that sets none.
const DEFAULT_NAME: &str = "Incidents";
/// Maximum number of links.
const MAX_LINKS: usize = 8;
/// Least contrast of text (WCAG 2.2, 1.4.3), in hundredths.
const TEXT_CONTRAST: u64 = 450;

/// The look of the pages: the name of the host, its colours and its links.
///
/// ```
/// use incident_axum::Look;
///
/// let look = Look::named("Petanque Life".parse()?)
///     .accent("#7a1f5c", "#f0a6d8")?
///     .link("Handbook", "https://wiki.example/incidents".parse()?)?;
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Look {
    name: Option<Name>,
    accent: Option<(Colour, Colour)>,
    links: Vec<(String, HttpsUrl)>,
}

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

/// The paper of the light theme and that of the dark one, as the style sheet has them.
const PAPERS: [Colour; 2] = [Colour([0xf6, 0xf7, 0xf9]), Colour([0x12, 0x14, 0x18])];

impl Default for Look {
    /// Returns the look of a host that sets nothing.
    fn default() -> Self {
        Self {
            name: None,
            accent: None,
            links: Vec::new(),
        }
    }
}

impl Look {
    /// Creates a look with the name of the host: it stands in the head of each page, and before
    /// "status" on the public page.
    #[must_use]
    pub fn named(name: Name) -> Self {
        Self {
            name: Some(name),
            ..Self::default()
        }
    }

    /// Sets the colour of links and buttons in the light and in the dark theme, each as `#rrggbb`.
    ///
    /// # Errors
    /// Fails if a colour is not written so, or has less than 4.5:1 contrast with the paper of its
    /// theme (WCAG 2.2, 1.4.3).
    pub fn accent(mut self, light: &str, dark: &str) -> Result<Self, ValidationError> {
        let colour = |text: &str, paper: Colour| {
            let wrong = || {
                let expected = format!("a colour such as #0b5cad with 4.5:1 contrast with {paper}");
                ValidationError::new("accent", expected)
            };
            let colour = Colour::parse(text).ok_or_else(wrong)?;
            let is_readable = colour.contrast(paper) >= TEXT_CONTRAST;
            is_readable.then_some(colour).ok_or_else(wrong)
        };
        let [light_paper, dark_paper] = PAPERS;
        self.accent = Some((colour(light, light_paper)?, colour(dark, dark_paper)?));
        Ok(self)
    }

    /// Adds a link to the foot of the pages of signed-in people.
    ///
    /// # Errors
    /// Fails if the title is empty or longer than 40 characters, or there are 8 links already.
    pub fn link(mut self, title: &str, url: HttpsUrl) -> Result<Self, ValidationError> {
        let title = title.trim();
        if title.is_empty() || title.chars().count() > 40 {
            return Err(ValidationError::new("title", "1 to 40 characters"));
        }
        if self.links.len() >= MAX_LINKS {
            return Err(ValidationError::new("links", "at most 8 links"));
        }
        self.links.push((title.to_owned(), url));
        Ok(self)
    }

    /// Returns the name of the host.
    pub(crate) fn name(&self) -> &str {
        self.name.as_ref().map_or(DEFAULT_NAME, Name::as_str)
    }

    /// Returns the links, each with its title.
    pub(crate) fn links(&self) -> &[(String, HttpsUrl)] {
        &self.links
    }

    /// Returns the rule that sets the colours of the host; empty if it has none.
    pub(crate) fn style(&self) -> String {
        self.accent.map_or_else(String::new, |(light, dark)| {
            format!(":root{{--accent:light-dark({light},{dark})}}\n")
        })
    }
}

impl Colour {
    /// Parses `#rrggbb`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// Returns the contrast with another colour in hundredths, rounded down (WCAG 2.2, "contrast
    /// ratio").
    pub(crate) fn contrast(self, other: Self) -> u64 {
        let (one, two) = (self.luminance(), other.luminance());
        let (light, dark) = (one.max(two), one.min(two));
        let flare = SCALE / 20;
        (light + flare) * 100 / (dark + flare)
    }

    /// Returns the relative luminance in millionths.
    fn luminance(self) -> u64 {
        let [red, green, blue] = self.0.map(linear);
        (red * 2_126 + green * 7_152 + blue * 722) / 10_000
    }
}

/// The luminance of white.
const SCALE: u64 = 1_000_000;

/// Returns a channel in linear light, in millionths: the transfer function of sRGB (IEC 61966-2-1).
#[expect(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the standard defines it by a power; it decides nothing but the legibility of a colour"
)]
fn linear(channel: u8) -> u64 {
    let part = f64::from(channel) / 255.0;
    let linear = if part <= 0.040_45 {
        part / 12.92
    } else {
        ((part + 0.055) / 1.055).powf(2.4)
    };
    (linear * 1_000_000.0) as u64
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_standard() {
        let colour = |text| Colour::parse(text).unwrap();
        assert_eq!(colour("#000000").contrast(colour("#ffffff")), 2_100);
        assert_eq!(colour("#ffffff").contrast(colour("#ffffff")), 100);
        // The grey that is known to pass by a hair, and the next lighter one.
        assert!(colour("#767676").contrast(colour("#ffffff")) >= TEXT_CONTRAST);
        assert!(colour("#777777").contrast(colour("#ffffff")) < TEXT_CONTRAST);
    }

    #[test]
    fn colours_that_cannot_be_read_are_refused() {
        assert!(Look::default().accent("#0b5cad", "#7ab7ff").is_ok());
        for (light, dark) in [
            ("#ffff00", "#7ab7ff"),
            ("#0b5cad", "#0b5cad"),
            ("0b5cad", "#7ab7ff"),
            ("#0b5ca", "#7ab7ff"),
            ("#+b5cad", "#7ab7ff"),
            ("red", "blue"),
        ] {
            assert!(
                Look::default().accent(light, dark).is_err(),
                "{light} {dark}"
            );
        }
    }
}

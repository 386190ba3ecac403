//! The languages of the pages.

use axum::http::{HeaderMap, header};

/// A language that the pages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
    /// German.
    German,
}

impl Language {
    /// All languages, in the order of the texts.
    pub(crate) const ALL: [Self; 3] = [Self::English, Self::French, Self::German];

    /// Returns the tag of the language (BCP 47).
    #[must_use]
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::German => "de",
        }
    }

    /// Returns the name of the language in itself.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
            Self::German => "Deutsch",
        }
    }

    /// Returns the language of a tag, whatever its region.
    #[must_use]
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|one| one.tag().eq_ignore_ascii_case(primary))
    }

    /// Returns the language that a reader prefers most by `Accept-Language` (RFC 9110, 12.5.4);
    /// English if none of them is.
    #[must_use]
    pub(crate) fn preferred(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT_LANGUAGE).iter();
        let ranges = values.filter_map(|value| value.to_str().ok());
        let ranges = ranges.flat_map(|value| value.split(','));
        let mut best = None;
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let language = parts.next().and_then(Self::of_tag);
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.map_or(Some(1_000), thousandths).unwrap_or(0);
            let Some(language) = language.filter(|_| quality > 0) else {
                continue;
            };
            if best.is_none_or(|(highest, _)| quality > highest) {
                best = Some((quality, language));
            }
        }
        best.map_or(Self::English, |(_, language)| language)
    }
}

/// Returns a quality value (RFC 9110, 12.4.2) in thousandths; `None` if it is none.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let decimals: u32 = format!("{decimals:0<3}").parse().ok()?;
    Some((whole * 1_000 + decimals).min(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_preferred_most_is_chosen() {
        for (accepted, expected) in [
            ("", Language::English),
            ("fr", Language::French),
            ("FR-ch, en;q=0.9", Language::French),
            ("en;q=0.5, de;q=0.7, fr;q=0.6", Language::German),
            ("it, es", Language::English),
            ("de;q=0, fr;q=0.1", Language::French),
            ("de;q=x, fr;q=2", Language::English),
            ("*;q=0.1", Language::English),
            ("de;q=0.1234, fr;q=0.001", Language::French),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            assert_eq!(Language::preferred(&headers), expected, "{accepted}");
        }
    }
}

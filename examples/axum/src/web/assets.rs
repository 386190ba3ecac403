//! The style sheet, the script and the icon of the pages, served from the binary. A name contains a
//! hash of the content, so that browsers may keep it for ever.

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;

use super::look::Look;
use crate::http::content_hash::content_hash;
use crate::http::problem::NOSNIFF;

const STYLE: &str = include_str!("../../assets/style.css");
const SCRIPT: &str = include_str!("../../assets/script.js");
const STATUS: &str = include_str!("../../assets/status.css");
const ICON: &str = include_str!("../../assets/icon.svg");

/// Number of digits of the hash in a name.
const NAME_DIGITS: usize = 12;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A file of the pages.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The name below `/assets/`.
    pub(crate) name: String,
    media: HeaderValue,
    /// The content.
    pub(crate) bytes: Bytes,
}

/// The files of the pages, with the colours of the host.
#[derive(Debug)]
pub(crate) struct Assets {
    /// The style sheet.
    pub(crate) style: Asset,
    /// The style sheet of the status page.
    pub(crate) status: Asset,
    /// The script.
    pub(crate) script: Asset,
    /// The icon.
    pub(crate) icon: Asset,
}

impl Asset {
    fn new(stem: &str, extension: &str, media: &'static str, content: String) -> Self {
        let hash = content_hash(content.as_bytes(), NAME_DIGITS);
        Self {
            name: format!("{stem}-{hash}.{extension}"),
            media: HeaderValue::from_static(media),
            bytes: Bytes::from(content),
        }
    }

    /// Returns the headers of a response with the file.
    pub(crate) fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([
            (header::CONTENT_TYPE, self.media.clone()),
            (header::CACHE_CONTROL, FOR_EVER),
            (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        ])
    }
}

impl Assets {
    /// Returns the file of a name.
    pub(crate) fn named(&self, name: &str) -> Option<&Asset> {
        let all = [&self.style, &self.script, &self.icon];
        all.into_iter().find(|asset| asset.name == name)
    }

    /// Creates the files for a host.
    #[must_use]
    pub(crate) fn of(look: &Look) -> Self {
        let style = format!("{STYLE}{}", look.style());
        Self {
            style: Asset::new("style", "css", "text/css; charset=utf-8", style),
            status: Asset::new(
                "status",
                "css",
                "text/css; charset=utf-8",
                format!("{STATUS}{}", look.style()),
            ),
            script: Asset::new(
                "script",
                "js",
                "text/javascript; charset=utf-8",
                SCRIPT.to_owned(),
            ),
            icon: Asset::new("icon", "svg", "image/svg+xml", ICON.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::look::Colour;
    use super::*;

    /// Returns the colours of a style sheet by property: in the light and in the dark theme.
    fn colours(sheet: &'static str) -> BTreeMap<&'static str, [Colour; 2]> {
        let pairs = sheet.split("--").filter_map(|rest| {
            let (name, value) = rest.split_once(":light-dark(")?;
            let (light, rest) = value.split_once(',')?;
            let dark = rest.split_once(')')?.0;
            Some((name, [Colour::parse(light)?, Colour::parse(dark)?]))
        });
        pairs.collect()
    }

    /// WCAG 2.2, 1.4.3 (text, 4.5:1) and 1.4.11 (shapes and borders of fields, 3:1).
    #[test]
    fn every_pair_of_colours_has_contrast_in_both_themes() {
        let colours = colours(STYLE);
        let texts = [
            "ink", "muted", "accent", "sev1", "sev2", "sev3", "sev4", "ok",
        ];
        let papers = ["paper", "raised", "alarm", "note", "warn", "sunken"];
        let mut pairs: Vec<(&str, &str, u64)> = Vec::new();
        for paper in papers {
            pairs.extend(texts.map(|text| (text, paper, 450)));
            pairs.push(("edge", paper, 300));
        }
        pairs.push(("on-accent", "accent", 450));
        pairs.push(("on-loud", "loud", 450));
        let mut wrong = Vec::new();
        for (text, paper, least) in pairs {
            for theme in [0, 1] {
                let contrast = colours[text][theme].contrast(colours[paper][theme]);
                if contrast < least {
                    wrong.push((text, paper, theme, contrast, least));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    /// So the contrast of the status page is that of the other pages.
    #[test]
    fn the_status_page_has_the_same_colours() {
        let (all, of_status) = (colours(STYLE), colours(STATUS));
        for used in [
            "ink", "muted", "accent", "sev1", "sev2", "sev3", "ok", "warn",
        ] {
            assert!(of_status.contains_key(used), "{used}");
        }
        for (name, pair) in of_status {
            assert_eq!(all.get(name), Some(&pair), "{name}");
        }
    }

    /// The limits of the design: a host adds 60 bytes of colours at most.
    #[test]
    fn the_files_are_small_and_load_nothing() {
        assert!(STYLE.len() < 20_000, "{}", STYLE.len());
        assert!(SCRIPT.len() < 6_000, "{}", SCRIPT.len());
        assert!(STATUS.len() < 6_000, "{}", STATUS.len());
        for (name, text) in [("style", STYLE), ("script", SCRIPT), ("status", STATUS)] {
            for loads in [
                "http:",
                "https://",
                "url(",
                "@import",
                "eval(",
                "innerHTML = `",
            ] {
                assert!(!text.contains(loads), "{name}: {loads}");
            }
        }
    }
}

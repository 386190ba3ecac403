//! The reader of a page: language, time zone and theme.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use incident_core::Zone;

use super::language::Language;
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::mount_prefix::prefix_of;

/// Cookie with the tag of a language.
pub(crate) const LANGUAGE_COOKIE: &str = "incident_language";
/// Cookie with the name of a time zone.
pub(crate) const ZONE_COOKIE: &str = "incident_zone";
/// Cookie with the name of a theme.
pub(crate) const THEME_COOKIE: &str = "incident_theme";

/// A theme that a reader chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Returns the theme of a name.
    #[must_use]
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        match name {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    /// Returns the name of the theme.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The reader of a page. Preferences are in cookies of their own, which hold no secret.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    /// The language.
    pub(crate) language: Language,
    /// The zone in which times are shown and read; UTC until it is known.
    pub(crate) zone: Zone,
    /// `true` if the reader has chosen the zone, or the script of the pages has found it.
    pub(crate) knows_zone: bool,
    /// The theme, if the reader chose one.
    pub(crate) theme: Option<Theme>,
    /// The prefix under which the host mounts the pages.
    pub(crate) prefix: String,
    /// The path and the query of the request, as the browser has them.
    pub(crate) here: String,
    /// `true` if the request reads, so that its address can be opened again.
    pub(crate) is_read: bool,
}

impl Reader {
    /// Reads the preferences of a request.
    #[must_use]
    pub(crate) fn of(parts: &Parts) -> Self {
        let headers = &parts.headers;
        let zone = cookie(headers, ZONE_COOKIE).and_then(|name| name.parse().ok());
        let language = cookie(headers, LANGUAGE_COOKIE).and_then(Language::of_tag);
        let (prefix, here) = prefix_of(parts);
        Self {
            language: language.unwrap_or_else(|| Language::preferred(headers)),
            zone: zone.unwrap_or(Zone::UTC),
            knows_zone: zone.is_some(),
            theme: cookie(headers, THEME_COOKIE).and_then(Theme::of_name),
            prefix,
            here,
            is_read: parts.method.is_safe(),
        }
    }

    /// Returns the address of the first page.
    #[must_use]
    pub(crate) fn home(&self) -> &str {
        match self.prefix.as_str() {
            "" => "/",
            prefix => prefix,
        }
    }

    /// Returns the address of a path of ours.
    #[must_use]
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>();
        Ok(known.cloned().unwrap_or_else(|| Self::of(parts)))
    }
}

impl Describe for Reader {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

/// Returns the value of a cookie.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let values = headers.get_all(header::COOKIE).iter();
    let mut pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Returns the `Set-Cookie` of a preference for a year; of none to forget it.
#[must_use]
pub(crate) fn preference(name: &str, value: Option<&str>, secure: bool) -> Option<HeaderValue> {
    let flag = if secure { "; Secure" } else { "" };
    let age = if value.is_some() { 365 * 24 * 3_600 } else { 0 };
    let value = value.unwrap_or_default();
    let text = format!("{name}={value}; Path=/; SameSite=Lax; Max-Age={age}{flag}");
    HeaderValue::from_str(&text).ok()
}

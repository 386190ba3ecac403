//! `POST /preferences`: language, zone and theme of a reader, in cookies.

use std::sync::Arc;

use axum::extract::State;
use incident_core::Zone;
use schemars::JsonSchema;
use serde::Deserialize;

use super::language::Language;
use super::page::{WebPage, WebResult};
use super::reader::{LANGUAGE_COOKIE, Reader, THEME_COOKIE, Theme, ZONE_COOKIE, preference};
use crate::http::cross_site;
use crate::http::form::{FormBody, FormRequest};
use crate::http::next_path::next_path;
use crate::http::problem::Problem;
use crate::state::AppState;

/// The form of the preferences.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct PreferencesForm {
    #[serde(default)]
    language: String,
    #[serde(default)]
    zone: String,
    #[serde(default)]
    theme: String,
    #[serde(default)]
    next: String,
}

impl FormBody for PreferencesForm {}

/// Handles `POST /preferences`. An unknown zone is an error; the other fields are choices.
pub(crate) async fn save(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    request: FormRequest<PreferencesForm>,
) -> WebResult {
    let (parts, form) = request.into_parts();
    cross_site::check(&parts, state.origins())?;
    let form = form.read(&state).await?;
    let zone = form.zone.trim();
    let zone: Option<Zone> = match zone {
        "" => None,
        name => Some(name.parse().map_err(|_| {
            Problem::field("/zone", "expected the name of a zone, such as Europe/Paris")
        })?),
    };
    let secure = state.is_secure();
    let language = Language::of_tag(&form.language).map(Language::tag);
    let theme = Theme::of_name(&form.theme).map(Theme::name);
    Ok(
        WebPage::see_other(next_path(&form.next).unwrap_or(reader.home()))
            .cookie(preference(LANGUAGE_COOKIE, language, secure))
            .cookie(preference(ZONE_COOKIE, zone.map(Zone::name), secure))
            .cookie(preference(THEME_COOKIE, theme, secure)),
    )
}

//! `GET /assets/{name}`: the files of the pages.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::response::IntoResponse;

use super::assets::Asset;
use super::page::{WebPage, WebResult};
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::problem::Problem;
use crate::state::AppState;

/// The name of a file in the path.
pub(crate) struct AssetName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for AssetName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        name.map(|Path(name)| Self(name))
            .map_err(|_| Problem::not_found("file"))
    }
}

impl Describe for AssetName {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

/// Handles `GET /assets/{name}`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    AssetName(name): AssetName,
) -> WebResult {
    let asset = state.assets().named(&name);
    let asset = asset.ok_or_else(|| Problem::not_found("file"))?;
    Ok(respond(asset))
}

/// Responds with a file, which never changes under its name.
pub(crate) fn respond(asset: &Asset) -> WebPage {
    WebPage((asset.headers(), asset.bytes.clone()).into_response())
}

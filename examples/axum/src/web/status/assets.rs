//! The style sheet of the status page, which depends on no other page.

use std::sync::Arc;

use axum::extract::State;

use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::files::{AssetName, respond};
use crate::web::page::WebResult;

/// Handles `GET /status/assets/{name}`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    AssetName(name): AssetName,
) -> WebResult {
    let style = &state.assets().status;
    if style.name != name {
        return Err(Problem::not_found("file"));
    }
    Ok(respond(style))
}

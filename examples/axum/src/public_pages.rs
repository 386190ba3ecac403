//! The public page of an engine, through its cache.

use std::sync::Arc;

use crate::public_cache::{CachedPage, PublicContent, Unavailable};
use crate::state::AppState;

/// Returns the public page that may be served now.
///
/// # Errors
/// Returns [`Unavailable`] if there is none and it cannot be built.
pub(crate) async fn current(state: &Arc<AppState>) -> Result<Arc<CachedPage>, Unavailable> {
    match state.public_cache().fresh() {
        Some(ready) => Ok(ready),
        None => built(state).await,
    }
}

/// Waits for a page that has to be built first. This is rare, and boxed so that the futures of all
/// other requests stay small.
fn built(
    state: &Arc<AppState>,
) -> impl Future<Output = Result<Arc<CachedPage>, Unavailable>> + use<> {
    let (state, clock, store) = (Arc::clone(state), Arc::clone(state), Arc::clone(state));
    Box::pin(async move {
        let now = move || clock.incidents().reports().now();
        let build = move || async move {
            let pages = store.incidents().reports().public_pages().await;
            pages.map(|(page, history)| PublicContent {
                page,
                history,
                site: store.site(),
            })
        };
        state.public_cache().get(now, build).await
    })
}

//! The short numbers of incidents, by which people know them.

use std::collections::BTreeMap;

use incident_core::port::IncidentFilter;
use incident_core::{IncidentId, Month};

use crate::http::problem::Problem;
use crate::state::AppState;

/// Maximum number of incidents whose numbers are looked up; others are linked without one.
const NUMBERED: usize = 1_000;

/// Returns the numbers of the incidents with an outage in a month, or in the quarter or year that
/// credits of it are about.
///
/// # Errors
/// Returns the problem of a store that fails.
pub(super) async fn incident_numbers(
    state: &AppState,
    month: Month,
) -> Result<BTreeMap<IncidentId, u64>, Problem> {
    let filter = IncidentFilter {
        touching: Some(state.incidents().contracts().widest(month)),
        limit: NUMBERED,
        skip_unreadable: true,
        ..IncidentFilter::default()
    };
    let found = state.incidents().list(&filter).await?;
    Ok(found.into_iter().map(|one| (one.id, one.number)).collect())
}

//! The services and tenants that are known, as suggestions for typing.

use std::collections::BTreeSet;
use std::time::Duration;

use incident_core::incident::Affected;
use incident_core::port::IncidentFilter;

use crate::state::AppState;

/// Maximum number of suggestions of each kind.
const MAX_KNOWN: usize = 500;
/// Number of incidents whose names are known.
const RECENT: usize = 100;
/// Maximum time to find suggestions: the page works without them.
const WAIT: Duration = Duration::from_millis(500);

/// The known names, sorted.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    pub(super) services: Vec<String>,
    pub(super) tenants: Vec<String>,
}

/// Finds the names of services with a public name, of all tenants, and of recent incidents; fewer
/// where a source does not answer in half a second.
pub(super) async fn known_names(state: &AppState) -> KnownNames {
    let reports = state.incidents().reports();
    let filter = IncidentFilter {
        limit: RECENT,
        skip_unreadable: true,
        ..IncidentFilter::default()
    };
    let (recent, directory) = tokio::join!(
        tokio::time::timeout(WAIT, state.incidents().list(&filter)),
        tokio::time::timeout(WAIT, reports.tenants()),
    );
    let mut services: BTreeSet<String> =
        reports.named_services().map(ToString::to_string).collect();
    let mut tenants = BTreeSet::new();
    for outline in recent.ok().and_then(Result::ok).unwrap_or_default() {
        services.extend(outline.affected_services.iter().map(ToString::to_string));
        if let Affected::These(rows) = &outline.affected_tenants {
            tenants.extend(rows.iter().map(|row| row.tenant_id.to_string()));
        }
    }
    let listed = directory.ok().and_then(Result::ok).unwrap_or_default();
    let listed = listed.into_iter().map(|tenant| tenant.to_string());
    tenants.extend(listed.take(MAX_KNOWN));
    KnownNames {
        services: services.into_iter().take(MAX_KNOWN).collect(),
        tenants: tenants.into_iter().take(MAX_KNOWN).collect(),
    }
}

//! The newest entry of a timeline.

use serde_json::Value;

use super::harness::{Server, VIEWER};

/// Returns the newest entry of an incident's timeline that a person caused. Pagers and escalation rules
/// write theirs at any time.
pub(crate) async fn newest_by_people(server: &Server, path: &str) -> Value {
    let entries = server
        .pages(VIEWER, &format!("{path}/updates?limit=200"))
        .await;
    let by_people = |entry: &&Value| {
        !["page_outcome", "page_request"].contains(&entry["kind"].as_str().unwrap())
    };
    entries.iter().rfind(by_people).unwrap().clone()
}

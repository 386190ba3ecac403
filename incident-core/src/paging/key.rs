//! Deduplication keys under which pagers know incidents.

use crate::{IncidentId, RuleName};

/// Prefix of the keys of incidents.
const KEY: &str = "sys-incident:";

/// Returns the key under which every pager knows an incident: `sys-incident:<id>`. An
/// escalation has a key of its own, `sys-incident:<id>:<rule>`, so that it never touches the
/// incident's own alert.
#[must_use]
pub fn dedup_key(incident: IncidentId, rule: Option<&RuleName>) -> String {
    match rule {
        Some(rule) => format!("{KEY}{incident}:{rule}"),
        None => format!("{KEY}{incident}"),
    }
}

/// Parses a key into its incident, and into the rule if it belongs to an escalation. Returns
/// `None` for a key that this library did not make.
#[must_use]
pub fn incident_of_key(key: &str) -> Option<(IncidentId, Option<RuleName>)> {
    let rest = key.strip_prefix(KEY)?;
    match rest.split_once(':') {
        Some((id, rule)) => Some((id.parse().ok()?, Some(RuleName::new(rule).ok()?))),
        None => Some((rest.parse().ok()?, None)),
    }
}

//! Keys under which pagers know incidents.

use crate::{IncidentId, RuleName};

/// What the keys of incidents begin with.
const KEY: &str = "sys-incident:";

/// `sys-incident:<id>`: the key under which every pager knows an incident; and
/// `sys-incident:<id>:<rule>` for an escalation, so that it never touches the
/// incident's own alert.
#[must_use]
pub fn dedup_key(incident: IncidentId, rule: Option<&RuleName>) -> String {
    match rule {
        Some(rule) => format!("{KEY}{incident}:{rule}"),
        None => format!("{KEY}{incident}"),
    }
}

/// The incident that a key stands for, and the rule where it is that of an
/// escalation; none for a key that is not ours.
#[must_use]
pub fn incident_of_key(key: &str) -> Option<(IncidentId, Option<RuleName>)> {
    let rest = key.strip_prefix(KEY)?;
    match rest.split_once(':') {
        Some((id, rule)) => Some((id.parse().ok()?, Some(RuleName::new(rule).ok()?))),
        None => Some((rest.parse().ok()?, None)),
    }
}

//! The values of an incident as the form for its fields shows them.

use std::collections::BTreeMap;
use std::fmt::Display;

use incident_core::incident::{Affected, AffectedTenant, Incident};
use incident_core::{Name, Text, Timestamp};
use serde::Serialize;

use super::marks::Values;
use crate::web::amounts::typed_amount;
use crate::web::form::wire_word;
use crate::web::times::{Times, iso};

/// Number of tenants from which on a form does not list them.
pub(super) const MAX_LISTED: usize = 2_000;

/// Returns the values of all fields. Lists have an item per line.
#[must_use]
pub(super) fn values(times: &Times, incident: &Incident) -> Values {
    let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| times.field(at));
    let facts = &incident.facts;
    let mut values = Values::from([
        ("title", incident.title.to_string()),
        ("summary", incident.summary.to_string()),
        ("severity", incident.severity.to_string()),
        ("responder", text(incident.responder.as_ref())),
        ("affected_services", lines(&incident.affected_services)),
        ("started_at", times.field(incident.started_at)),
        ("detected_at", time(incident.detected_at)),
        ("impact_ended_at", time(incident.impact_ended_at)),
        ("eta", time(incident.eta)),
        ("next_update_due_at", time(incident.next_update_due_at)),
        ("tracker_url", text(incident.tracker_url.as_ref())),
        ("symptom", text(facts.symptom.as_ref())),
        ("impact_text", text(facts.impact_text.as_ref())),
        ("scope", word(facts.scope)),
        ("cause", text(facts.cause.as_ref())),
        ("resolution", text(facts.resolution.as_ref())),
        ("next_steps", text(facts.next_steps.as_ref())),
        ("users_hit_percent", text(facts.users_hit_percent)),
        ("impact", word(facts.impact)),
        ("urgency", word(facts.urgency)),
        ("failure_class", text(facts.failure_class.as_ref())),
        ("labels", labels(&facts.labels)),
        ("priority", word(incident.priority_override)),
        ("channel", text(facts.channel.as_ref())),
        ("bridge_url", text(facts.bridge_url.as_ref())),
        ("vendor_reference", text(facts.vendor_reference.as_ref())),
        ("post_mortem_at", time(facts.post_mortem_at)),
        ("customer_event_day", text(facts.customer_event_day)),
    ]);
    let loss = facts.data_loss.as_ref();
    let note = loss.and_then(|loss| loss.note.as_ref());
    values.insert("data_loss", word(loss.map(|loss| loss.state)));
    values.insert("data_loss_note", text(note));
    let leak = facts.data_leak.as_ref();
    let note = leak.and_then(|leak| leak.note.as_ref());
    values.insert("data_leak", word(leak.map(|leak| leak.state)));
    values.insert("data_leak_note", text(note));
    let revenue = facts.revenue_per_hour;
    let revenue = revenue.map(typed_amount);
    values.insert("revenue_per_hour", text(revenue));
    match &incident.affected_tenants {
        Affected::All => {
            values.insert("tenant_scope", "all".to_owned());
            values.insert("affected_tenants", String::new());
        }
        Affected::These(rows) if rows.len() <= MAX_LISTED => {
            values.insert("tenant_scope", "these".to_owned());
            let rows: Vec<String> = rows.iter().map(tenant_line).collect();
            values.insert("affected_tenants", rows.join("\n"));
        }
        // The form leaves a longer list alone.
        Affected::These(_) => {}
    }
    values
}

fn text(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn word(value: Option<impl Serialize>) -> String {
    value.map_or_else(String::new, |value| wire_word(&value))
}

fn lines(items: &[impl Display]) -> String {
    let lines = items.iter().map(ToString::to_string);
    lines.collect::<Vec<_>>().join("\n")
}

fn labels(labels: &BTreeMap<Name, Text>) -> String {
    let lines = labels.iter().map(|(name, text)| format!("{name}: {text}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes a tenant as a line: its name, and the times of its part of the outage in UTC.
fn tenant_line(row: &AffectedTenant) -> String {
    let mut line = row.tenant_id.to_string();
    for (word, at) in [(" from ", row.from), (" until ", row.until)] {
        if let Some(at) = at {
            line.push_str(word);
            line.push_str(&iso(at));
        }
    }
    line
}

/// A tenant as a person wrote it in a line.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct WrittenTenant<'l> {
    tenant_id: &'l str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// Reads a line as [`values`] writes it. Words that are followed by no time belong to the name.
#[must_use]
pub(super) fn read_tenant(line: &str) -> WrittenTenant<'_> {
    let part = |line: &mut &str, word: &str| {
        let (before, at) = line.rsplit_once(word)?;
        let at: Timestamp = at.trim().parse().ok()?;
        *line = before;
        Some(at)
    };
    let mut rest = line.trim();
    let until = part(&mut rest, " until ");
    let from = part(&mut rest, " from ");
    WrittenTenant {
        tenant_id: rest.trim(),
        from,
        until,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use incident_core::TenantId;

    #[test]
    fn tenants_are_read_as_they_are_written() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let (from, until) = (
            at("2026-11-20T21:00:00Z"),
            at("2026-11-20T22:00:00.000001Z"),
        );
        for (name, from, until) in [
            ("club-fr", None, None),
            ("club-fr", from, None),
            ("club-fr", None, until),
            ("club-fr", from, until),
            ("heard from Ada until now", from, until),
            ("heard from Ada until now", None, None),
        ] {
            let row = AffectedTenant {
                tenant_id: TenantId::new(name).unwrap(),
                from,
                until,
            };
            let line = tenant_line(&row);
            let expected = WrittenTenant {
                tenant_id: name,
                from,
                until,
            };
            assert_eq!(read_tenant(&line), expected, "{line}");
        }
    }
}

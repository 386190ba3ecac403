//! `incident-console sla`: statements computed from a file, without a server.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write;
use std::path::Path;

use incident_core::engine::{Error as EngineError, Incidents};
use incident_core::sla::{Contracts, IncidentShare, OutagePart, Outages, SlaStatement};
use incident_core::{IncidentId, Month, Percent, TenantId, Timestamp, Window, plain};
use serde::{Deserialize, Serialize};

use incident_axum::statements::{csv, json};

use crate::file::{IMPORT_BYTES, read_text};
use crate::terminal;

/// An outage of a tenant, as written in a file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    tenant_id: TenantId,
    incident_id: IncidentId,
    start: Timestamp,
    /// `None` while it is ongoing.
    #[serde(default)]
    end: Option<Timestamp>,
    /// Set if it was partial.
    #[serde(default)]
    partial: bool,
    /// Set if its incident is ongoing although the outage has ended.
    #[serde(default)]
    open: bool,
}

/// Returns the outages behind the statements of these months, each once, as input for
/// `incident-console sla`.
///
/// # Errors
/// Fails like [`ReportsHandle::statements`](incident_core::engine::ReportsHandle::statements).
pub async fn export(
    incidents: &Incidents,
    first: Month,
    last: Month,
) -> Result<Vec<Outage>, EngineError> {
    let mut outages = BTreeSet::new();
    let mut month = Some(first);
    while let Some(this) = month.filter(|this| *this <= last) {
        for (tenant, shares) in incidents.reports().outages(this, None).await? {
            for share in shares {
                outages.extend(of_share(&tenant, &share, this));
            }
        }
        month = this.next();
    }
    Ok(outages.into_iter().collect())
}

fn of_share(tenant: &TenantId, share: &IncidentShare, month: Month) -> Vec<Outage> {
    let windows = share.outage.as_slice().iter();
    let mut times: Vec<_> = windows.map(|one| (one.start(), one.end())).collect();
    if times.is_empty() && share.open {
        // It has no length yet, but makes its statement provisional.
        let start = month.window().start();
        times.push((start, start));
    }
    let outage = |(start, end)| Outage {
        tenant_id: tenant.clone(),
        incident_id: share.incident,
        start,
        // The end so far, if it is ongoing.
        end: Some(end),
        partial: share.weight != Percent::HUNDRED,
        open: share.open,
    };
    times.into_iter().map(outage).collect()
}

/// The effect of one incident on one tenant.
#[derive(Default)]
struct Hit {
    windows: Vec<Window>,
    open: bool,
}

/// The arguments of `incident-console sla`.
#[derive(Clone, Copy, Debug)]
pub struct SlaTask<'a> {
    /// File with a JSON array of outages.
    pub file: &'a Path,
    /// The month.
    pub month: Month,
    /// If `true`, prints a table instead of JSON.
    pub as_table: bool,
}

/// Prints the statements of a month, computed from a file of outages.
///
/// # Errors
/// Fails if the file cannot be read or parsed, with the place, if the month has not begun, or if
/// `out` cannot be written to.
pub fn print(
    task: SlaTask<'_>,
    contracts: &Contracts,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let shown = task.file.display();
    let text = read_text(task.file, IMPORT_BYTES).map_err(|error| format!("{shown}: {error}"))?;
    let mut reader = serde_json::Deserializer::from_str(&text);
    let outages: Vec<Outage> = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| format!("{shown}: {}: {}", error.path(), error.inner()))?;
    if !contracts.has_begun(task.month, now) {
        return Err("month: expected a month that is not in the future".into());
    }
    let made = from_outages(&outages, task.month, contracts, now)
        .map_err(|reason| format!("{shown}: {reason}"))?;
    if task.as_table {
        for row in csv(&made)?.split_terminator("\r\n") {
            write!(out, "{}\r\n", plain(row))?;
        }
    } else {
        let all: Vec<_> = made.iter().map(json).collect();
        terminal::json(out, &all)?;
    }
    Ok(())
}

fn from_outages(
    outages: &[Outage],
    month: Month,
    contracts: &Contracts,
    now: Timestamp,
) -> Result<Vec<SlaStatement>, String> {
    let mut shares: BTreeMap<TenantId, BTreeMap<(IncidentId, bool), Hit>> = BTreeMap::new();
    for (at, outage) in outages.iter().enumerate() {
        if outage.end.is_some_and(|end| end < outage.start) {
            return Err(format!(
                "[{at}].end: expected a time that is not before `start`"
            ));
        }
        for (field, time) in [("start", Some(outage.start)), ("end", outage.end)] {
            if time.is_some_and(|time| time > now) {
                return Err(format!(
                    "[{at}].{field}: expected a time that is not in the future"
                ));
            }
        }
        let window = Window::non_empty(outage.start, outage.end.unwrap_or(now));
        let of_tenant = shares.entry(outage.tenant_id.clone()).or_default();
        let hit = of_tenant
            .entry((outage.incident_id, outage.partial))
            .or_default();
        hit.windows.extend(window);
        hit.open |= outage.open || outage.end.is_none();
    }
    let mut all = Outages::new(contracts, month);
    for (tenant, incidents) in shares {
        for ((incident, is_partial), hit) in incidents {
            let part = OutagePart {
                incident,
                windows: hit.windows.into_iter().collect(),
                is_partial,
                is_open: hit.open,
            };
            all.add(tenant.clone(), part);
        }
    }
    Ok(all.statements(None, now))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_name_with_commas_and_quotes_is_one_cell() {
        let named = ONE.replace("tenant-fr", r#"=A1,\"fr\""#);
        let table = printed(&named, true).unwrap();
        let second = table.lines().nth(1).unwrap();
        assert!(
            second.starts_with(r#""'=A1,""fr""",2026-11,UTC,"#),
            "{second}"
        );
        assert!(table.ends_with("\r\n"));
    }

    fn printed(outages: &str, as_table: bool) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outages.json");
        std::fs::write(&file, outages).unwrap();
        let task = SlaTask {
            file: &file,
            month: "2026-11".parse().unwrap(),
            as_table,
        };
        let mut out = Vec::new();
        let now = "2026-12-01T00:00:00Z".parse().unwrap();
        let done = print(task, &Contracts::default(), now, &mut out);
        let text = String::from_utf8(out).unwrap();
        done.map(|()| text).map_err(|error| error.to_string())
    }

    const ONE: &str = r#"[
        {"tenant_id": "tenant-fr", "incident_id": "01a1fe7e-8565-7544-9512-dcd142c5f862",
         "start": "2026-11-20T22:00:00Z", "end": "2026-11-20T22:20:00Z"},
        {"tenant_id": "tenant-fr", "incident_id": "01a1fe7e-8565-7544-9512-dcd142c5f862",
         "start": "2026-11-20T23:00:00+01:00", "end": "2026-11-20T23:45:00+01:00"},
        {"tenant_id": "tenant-de", "incident_id": "01a1fe7e-8565-7544-9512-dcd142c5f862",
         "start": "2026-10-20T22:00:00Z", "end": "2026-10-20T23:20:00Z"}
    ]"#;

    #[test]
    fn statements_are_made_from_a_file() {
        let json: Value = serde_json::from_str(&printed(ONE, false).unwrap()).unwrap();
        assert_eq!(json.as_array().unwrap().len(), 1);
        assert_eq!(json[0]["outage_ms"], 45 * 60_000);
        assert_eq!(json[0]["credit_percent"], "10");
        let table = printed(ONE, true).unwrap();
        let second = table.lines().nth(1).unwrap();
        let expected = "tenant-fr,2026-11,UTC,per_incident,default-1,45,0,99.8958,true,10,,,false";
        assert_eq!(second, expected);
    }

    /// M10: an outage that was partial at first is one incident, on one line.
    #[test]
    fn an_incident_that_is_whole_and_partial_is_one_line() {
        let later = ONE.replace(
            r#""start": "2026-11-20T23:00:00+01:00", "end": "2026-11-20T23:45:00+01:00""#,
            r#""start": "2026-11-20T22:20:00Z", "end": "2026-11-20T22:50:00Z", "partial": true"#,
        );
        assert_ne!(later, ONE);
        let json: Value = serde_json::from_str(&printed(&later, false).unwrap()).unwrap();
        assert_eq!(json[0]["incidents"].as_array().unwrap().len(), 1);
        assert_eq!(json[0]["outage_ms"], 50 * 60_000);
        let lines = json[0]["derivation"].as_array().unwrap().iter();
        let of_incident = lines.filter(|line| line.as_str().unwrap().starts_with("incident "));
        assert_eq!(of_incident.count(), 1, "{}", json[0]["derivation"]);
    }

    /// M10: outages in the future are refused, as over HTTP.
    #[test]
    fn an_outage_in_the_future_is_refused() {
        for (text, named) in [
            (
                ONE.replace("2026-10-20T23:20:00Z", "2031-01-01T00:00:00Z"),
                "[2].end",
            ),
            (
                ONE.replace("2026-10-20T22:00:00Z", "2031-01-01T00:00:00Z"),
                "[2].",
            ),
        ] {
            let error = printed(&text, false).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (outages, named) in [
            ("{}", "expected a sequence"),
            (
                r#"[{"tenant_id": "x"}]"#,
                "[0]: missing field `incident_id`",
            ),
            (&ONE.replace("22:20:00Z", "21:20:00Z"), "[0].end"),
            (&ONE.replace("tenant-de", ""), "[2].tenant_id"),
        ] {
            let error = printed(outages, false).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}

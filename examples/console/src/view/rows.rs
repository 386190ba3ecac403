//! Reports with a row per tenant: written row by row, as there may be ten thousand.

use incident_core::engine::{ImpactReport, Method, SlaReport, SlaRow, TenantImpact};
use incident_core::sla::{Basis, SlaTerms, Tier};
use incident_core::{IncidentId, Name, Percent, Windows};
use serde::ser::{Serialize, Serializer};
use serde_json::{Value, json};

/// Rows, of which one is made at a time.
struct Rows<'a, T, F = fn(&T) -> Value>(&'a [T], F);

impl<T, F: Fn(&T) -> Value> Serialize for Rows<'_, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(rows, shown) = self;
        serializer.collect_seq(rows.iter().map(shown))
    }
}

/// How many users were hit.
#[must_use]
pub fn impact(id: IncidentId, report: &ImpactReport) -> impl Serialize + use<'_> {
    #[derive(serde::Serialize)]
    struct Shown<'a> {
        incident_id: IncidentId,
        window: &'a Windows,
        provisional: bool,
        method: &'a str,
        relative_error: Option<String>,
        total_unique_users: u64,
        by_tenant: Rows<'a, TenantImpact>,
        source: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        lower: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        upper: Option<u64>,
    }
    Shown {
        incident_id: id,
        window: &report.window,
        provisional: report.provisional,
        method: match report.method {
            Method::Exact => "exact",
            Method::Estimate => "estimate",
        },
        relative_error: report.relative_error_ppm.map(parts_of_one),
        total_unique_users: report.total_unique_users,
        by_tenant: Rows(&report.by_tenant, hit),
        source: report.source,
        lower: report.bounds.map(|(lower, _)| lower),
        upper: report.bounds.map(|(_, upper)| upper),
    }
}

/// With the bounds of what is estimated: the truth lies between them 95 times of 100.
fn hit(row: &TenantImpact) -> Value {
    let mut shown = json!({
        "tenant_id": row.tenant_id,
        "unique_users": row.unique_users,
        "baseline_unique_users": row.baseline_unique_users,
    });
    let Value::Object(map) = &mut shown else {
        return shown;
    };
    if row.baseline_weeks_left_out > 0 {
        let weeks = json!(row.baseline_weeks_left_out);
        map.insert("baseline_weeks_left_out".to_owned(), weeks);
    }
    if let Some((lower, upper)) = row.bounds {
        map.insert("lower".to_owned(), json!(lower));
        map.insert("upper".to_owned(), json!(upper));
    }
    shown
}

/// Less than a million parts of a million as a decimal: 16250 is `0.01625`, nothing `0`.
fn parts_of_one(ppm: u32) -> String {
    let decimals = format!("0.{ppm:06}");
    let decimals = decimals.trim_end_matches('0');
    decimals.trim_end_matches('.').to_owned()
}

/// What is owed.
#[must_use]
pub fn sla(id: IncidentId, report: &SlaReport) -> impl Serialize + use<'_> {
    #[derive(serde::Serialize)]
    #[serde(bound(serialize = "F: Fn(&SlaRow) -> Value"))]
    struct Shown<'a, F: Fn(&SlaRow) -> Value> {
        incident_id: IncidentId,
        provisional: bool,
        basis: Basis,
        target_percent: Percent,
        tiers: &'a [Tier],
        terms_version: &'a Name,
        rows: Rows<'a, SlaRow, F>,
        #[serde(skip_serializing_if = "Option::is_none")]
        excluded: Option<&'a str>,
    }
    Shown {
        incident_id: id,
        provisional: report.provisional,
        basis: report.terms.basis(),
        target_percent: report.terms.target(),
        tiers: report.terms.tiers(),
        terms_version: report.terms.version(),
        rows: Rows(&report.rows, |row: &SlaRow| owed(row, &report.terms)),
        excluded: report.excluded.as_deref(),
    }
}

/// With basis and target where the tenant's contract has other ones than the standard terms.
fn owed(row: &SlaRow, standard: &SlaTerms) -> Value {
    let mut shown = json!({
        "tenant_id": row.tenant_id,
        "outage_ms": row.outage_us / 1_000,
        "outage_minutes": row.outage_minutes,
        "period": row.period,
        "availability_percent": row.availability_percent,
        "target_breached": row.target_breached,
        "credit_percent": row.credit_percent,
        "state": row.state,
    });
    if let Value::Object(map) = &mut shown
        && (row.basis, row.target) != (standard.basis(), standard.target())
    {
        map.insert("basis".to_owned(), json!(row.basis));
        map.insert("target_percent".to_owned(), json!(row.target));
    }
    shown
}

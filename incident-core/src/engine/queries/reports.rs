//! Reports: the users that were hit, and the credits that are owed.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::billing::{CreditState, newest, newest_of};
use crate::engine::{Error, Incidents, ReportsHandle};
use crate::impact::{BASELINE_WEEKS, Breakdown, ImpactCounts, ImpactQuery, baseline_of};
use crate::incident::{Incident, SlaFacts, outage_by_tenant};
use crate::port::{UsageError, UsageSource};
use crate::sla::{Basis, NextTier, SlaTerms, credit_rows, left_of_target, next_tier};
use crate::{IncidentId, Month, Name, Percent, Period, TenantId, Windows};

/// The users of a tenant that were hit. Fields stand in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TenantImpact {
    /// The distinct users in the same windows of the weeks before; none without data.
    pub baseline_unique_users: Option<u64>,
    /// Number of those weeks into which the outage itself reaches: they were left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub baseline_weeks_left_out: usize,
    /// The lower bound of the number, if it is estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<u64>,
    /// The tenant.
    pub tenant_id: TenantId,
    /// Distinct users with an event in the tenant's outage.
    pub unique_users: u64,
    /// The upper bound of the number, if it is estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<u64>,
}

/// The method of counting users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Counts each of them.
    #[default]
    Exact,
    /// Estimates in the source's own way, whose error is known.
    Estimate,
}

/// The services whose events count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceScope {
    /// All of them.
    #[default]
    All,
    /// The affected services of the incident.
    Affected,
}

/// The events that count as a hit, and the method of counting users.
///
/// ```
/// use incident_core::engine::{ImpactRequest, Method};
/// let request = ImpactRequest::default().affected_services().failed_only();
/// assert_eq!(request.method, Method::Exact);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImpactRequest {
    /// The services whose events count; all by default.
    pub services: ServiceScope,
    /// If `true`, only failed requests count; all by default.
    pub failed_only: bool,
    /// The method of counting users; exact by default. A breakdown is always exact.
    pub method: Method,
}

impl ImpactRequest {
    /// Sets the scope to events of the affected services.
    #[must_use]
    pub const fn affected_services(mut self) -> Self {
        self.services = ServiceScope::Affected;
        self
    }

    /// Sets the scope to failed requests.
    #[must_use]
    pub const fn failed_only(mut self) -> Self {
        self.failed_only = true;
        self
    }

    /// Sets the method of counting users.
    #[must_use]
    pub const fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }
}

/// The users that an incident hit. Fields stand in the order in which they are written. The bounds
/// of an estimate contain the truth 95 times of 100.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ImpactReport {
    /// The incident.
    pub incident_id: IncidentId,
    /// The outage.
    pub window: Windows,
    /// `true` if it may still change by itself.
    pub provisional: bool,
    /// The method of counting users.
    pub method: Method,
    /// Two standard deviations in parts of a million, if it is estimated; written as a decimal.
    #[serde(rename = "relative_error", serialize_with = "decimal")]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<String>"))]
    pub relative_error_ppm: Option<u32>,
    /// Distinct users over all tenants; not the sum.
    pub total_unique_users: u64,
    /// Every affected tenant, by name, including those without users.
    pub by_tenant: Vec<TenantImpact>,
    /// The source that counted.
    pub source: &'static str,
    /// The lower bound of the total, if it is estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<u64>,
    /// The upper bound of the total, if it is estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<u64>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Writes parts of a million, less than a million, as a decimal: 16250 is `0.01625`, 0 is `0`.
fn decimal<S: Serializer>(ppm: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
    let decimal = ppm.map(|ppm| {
        let decimals = format!("0.{ppm:06}");
        let decimals = decimals.trim_end_matches('0');
        decimals.trim_end_matches('.').to_owned()
    });
    decimal.serialize(serializer)
}

/// The users that an incident hit, by the minute of their first hit, by service and by endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakdownReport {
    /// The outage.
    pub window: Windows,
    /// `true` if it may still change by itself.
    pub provisional: bool,
    /// The users by minute, by service and by endpoint.
    pub breakdown: Breakdown,
    /// The source that counted.
    pub source: &'static str,
}

/// The credit of a tenant for one incident.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlaRow {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The tenant's outage, in microseconds.
    pub outage_us: u64,
    /// The outage in minutes with at most four decimals, for display.
    pub outage_minutes: String,
    /// The basis of the tenant's contract.
    pub basis: Basis,
    /// The availability that was promised over such a period.
    pub target: Percent,
    /// The contract's month, quarter or year in which the outage ended.
    pub period: Period,
    /// Availability over that period from this incident alone, in percent: see
    /// [`SlaTerms::format_availability`].
    pub availability_percent: String,
    /// `true` if this incident alone breaches the target over that period.
    pub target_breached: bool,
    /// The time for which the outage may still last without a breach of the target, in
    /// microseconds, rounded down; none if it is breached.
    pub target_left_us: Option<u64>,
    /// The credit tier of this incident alone.
    pub credit_percent: Percent,
    /// The next higher tier of this incident alone, if there is one.
    pub next_tier: Option<NextTier>,
    /// The version of the terms.
    pub terms_version: Name,
    /// The state of the credit in the ledger; estimated while the incident goes on.
    pub state: CreditState,
}

/// The credits of an incident.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SlaReport {
    /// `true` if it may still change by itself.
    pub provisional: bool,
    /// The reason that the incident does not count, if it does not; then there are no rows.
    pub excluded: Option<String>,
    /// The standard terms; a tenant with a contract of its own has others.
    pub terms: SlaTerms,
    /// One row per affected tenant, by name.
    pub rows: Vec<SlaRow>,
}

impl ReportsHandle<'_> {
    /// Counts the users that an incident hit, with a baseline of the weeks before.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is no such incident, and [`Error::NotConfigured`] if
    /// there is no usage source. Fails if the source did not answer.
    pub async fn affected_users(
        self,
        id: IncidentId,
        request: ImpactRequest,
    ) -> Result<ImpactReport, Error> {
        let this = self.0;
        let incident = this.get(id).await?;
        let usage = this.usage()?;
        let window = incident.outage(this.inner.now());
        let query = this.asked(&incident, &window, request).await?;
        let deadline = this.inner.settings.usage_deadline;
        let found = counted(usage, &query, request.method, deadline).await?;
        let weeks = this.weeks_before(&query, &window);
        let mut before = Vec::with_capacity(weeks.len());
        for week in &weeks {
            before.push(counted(usage, week, request.method, deadline).await?);
        }
        let rows = found.by_tenant.into_iter().enumerate();
        let rows = rows.map(|(at, count)| TenantImpact {
            baseline_unique_users: baseline_of(&before, at),
            baseline_weeks_left_out: left_out(&query, &weeks, at),
            lower: count.bounds.map(|(lower, _)| lower),
            tenant_id: count.tenant,
            unique_users: count.unique_users,
            upper: count.bounds.map(|(_, upper)| upper),
        });
        Ok(ImpactReport {
            incident_id: id,
            window,
            provisional: incident.is_provisional(),
            method: request.method,
            relative_error_ppm: found.relative_error_ppm,
            total_unique_users: found.total_unique_users,
            by_tenant: rows.collect(),
            source: usage.name(),
            lower: found.total_bounds.map(|(lower, _)| lower),
            upper: found.total_bounds.map(|(_, upper)| upper),
        })
    }

    /// Counts the users of an incident by the minute of their first hit, by service and by
    /// endpoint.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is no such incident, and [`Error::NotConfigured`] if
    /// there is no usage source. Fails if the source did not answer.
    pub async fn impact_breakdown(
        self,
        id: IncidentId,
        request: ImpactRequest,
    ) -> Result<BreakdownReport, Error> {
        let this = self.0;
        let incident = this.get(id).await?;
        let usage = this.usage()?;
        let window = incident.outage(this.inner.now());
        let query = this.asked(&incident, &window, request).await?;
        let deadline = this.inner.settings.usage_deadline;
        Ok(BreakdownReport {
            window,
            provisional: incident.is_provisional(),
            breakdown: usage.breakdown(&query, deadline).await?,
            source: usage.name(),
        })
    }

    /// Computes the credits of an incident, tenant by tenant. Reading writes nothing.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is no such incident. Fails if it hits all tenants and
    /// these cannot be listed.
    pub async fn sla_impact(self, id: IncidentId) -> Result<SlaReport, Error> {
        let this = self.0;
        let incident = this.get(id).await?;
        let facts = SlaFacts::of(&incident);
        let mut report = SlaReport {
            provisional: facts.is_open(),
            excluded: facts.excluded(),
            terms: this.inner.settings.contracts.standard_terms().clone(),
            rows: Vec::new(),
        };
        if report.excluded.is_some() {
            return Ok(report);
        }
        let now = this.inner.now();
        let tenants = this.tenants_of(facts.tenants()).await?;
        let kept = if report.provisional {
            Vec::new()
        } else {
            this.rows_of(&incident).await?
        };
        let kept = newest(&kept);
        let (outage, end) = (facts.outage(now), facts.end(now));
        for credited in this.by_terms(&tenants, &outage, end) {
            let (terms, outage) = (credited.terms, credited.outage(&outage));
            let weight = terms.weight(facts.is_partial());
            let rows = credit_rows(terms, &outage, weight, credited.tenants, end);
            let rows = rows.map(|row| SlaRow {
                tenant_id: row.tenant.clone(),
                outage_us: row.outage_us,
                outage_minutes: row.outage_minutes(),
                basis: terms.basis(),
                target: terms.target(),
                period: row.period,
                availability_percent: terms.format_availability(row.availability),
                target_breached: row.target_breached,
                target_left_us: left_of_target(terms, row.availability, weight),
                next_tier: next_tier(terms, &row, weight),
                credit_percent: row.credit_percent,
                terms_version: terms.version().clone(),
                state: newest_of(&kept, row.tenant).map_or(CreditState::Estimated, |row| row.state),
            });
            report.rows.extend(rows);
        }
        Ok(report)
    }
}

impl Incidents {
    /// Returns the query for each of the weeks before, by the calendar of each tenant's contract.
    fn weeks_before(&self, query: &ImpactQuery, outage: &Windows) -> Vec<ImpactQuery> {
        let contracts = &self.inner.settings.contracts;
        let month = Month::of(outage.start().unwrap_or(self.inner.now()));
        let zone = |tenant: &TenantId| contracts.terms_of(tenant, month).zone();
        let weeks = 1..=BASELINE_WEEKS;
        weeks.map(|week| query.weeks_before(week, zone)).collect()
    }

    pub(super) fn usage(&self) -> Result<&dyn UsageSource, Error> {
        let usage = self.inner.usage.as_deref();
        usage.ok_or(Error::NotConfigured("no usage source is configured"))
    }

    /// Creates the query for the users of an outage.
    pub(super) async fn asked(
        &self,
        incident: &Incident,
        outage: &Windows,
        request: ImpactRequest,
    ) -> Result<ImpactQuery, Error> {
        let tenants = self.tenants_of(&incident.affected_tenants).await?;
        let by_tenant = outage_by_tenant(outage, &tenants);
        let mut query = ImpactQuery::new(by_tenant);
        query.services = match request.services {
            ServiceScope::All => None,
            ServiceScope::Affected => Some(incident.affected_services.iter().cloned().collect()),
        };
        query.failed_only = request.failed_only;
        Ok(query)
    }
}

async fn counted(
    usage: &dyn UsageSource,
    query: &ImpactQuery,
    method: Method,
    deadline: Duration,
) -> Result<ImpactCounts, UsageError> {
    match method {
        Method::Exact => usage.unique_users(query, deadline).await,
        Method::Estimate => usage.estimates(query, deadline).await,
    }
}

/// Counts the weeks in which the tenant at this index is left out, as its outage reaches into them.
fn left_out(query: &ImpactQuery, weeks: &[ImpactQuery], at: usize) -> usize {
    let windows = |query: &ImpactQuery| {
        let one = query.tenants().get(at);
        one.is_some_and(|one| !one.windows.is_empty())
    };
    let asked = weeks.iter().filter(|week| windows(week)).count();
    if windows(query) {
        weeks.len() - asked
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::impact::TenantWindows;
    use crate::{Window, Windows};

    /// Readers of the JSON as text find each member in its place.
    #[test]
    fn the_report_is_written_in_the_order_of_its_fields() {
        let report = |found: Option<(u64, u64)>, weeks: usize| {
            let (lower, upper) = found.unzip();
            ImpactReport {
                incident_id: IncidentId::from_uuid(uuid::Uuid::nil()),
                window: Windows::empty(),
                provisional: true,
                method: found.map_or(Method::Exact, |_| Method::Estimate),
                relative_error_ppm: found.map(|_| 16_250),
                total_unique_users: 4,
                by_tenant: vec![TenantImpact {
                    baseline_unique_users: None,
                    baseline_weeks_left_out: weeks,
                    lower,
                    tenant_id: "fr".parse().unwrap(),
                    unique_users: 4,
                    upper,
                }],
                source: "memory",
                lower,
                upper,
            }
        };
        for (report, expected) in [
            (
                report(None, 0),
                r#"{"incident_id":"00000000-0000-0000-0000-000000000000","window":[],"provisional":true,"method":"exact","relative_error":null,"total_unique_users":4,"by_tenant":[{"baseline_unique_users":null,"tenant_id":"fr","unique_users":4}],"source":"memory"}"#,
            ),
            (
                report(Some((3, 5)), 2),
                r#"{"incident_id":"00000000-0000-0000-0000-000000000000","window":[],"provisional":true,"method":"estimate","relative_error":"0.01625","total_unique_users":4,"by_tenant":[{"baseline_unique_users":null,"baseline_weeks_left_out":2,"lower":3,"tenant_id":"fr","unique_users":4,"upper":5}],"source":"memory","lower":3,"upper":5}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&report).unwrap(), expected);
        }
    }

    #[test]
    fn a_week_is_left_out_where_an_asked_tenant_has_no_window_in_it() {
        let hour = Window::new(
            "2026-11-20T10:00:00Z".parse().unwrap(),
            "2026-11-20T11:00:00Z".parse().unwrap(),
        );
        let hour = Windows::from(hour.unwrap());
        let query = |hit: [bool; 2]| {
            let tenants = ["fr", "us"].into_iter().zip(hit);
            let tenants = tenants.map(|(name, hit)| TenantWindows {
                tenant: name.parse().unwrap(),
                windows: if hit { hour.clone() } else { Windows::empty() },
            });
            ImpactQuery::new(tenants.collect())
        };
        let asked = query([true, false]);
        let weeks = [[true, true], [false, true], [false, false]].map(query);
        assert_eq!(left_out(&asked, &weeks, 0), 2);
        assert_eq!(left_out(&asked, &weeks, 1), 0, "it is not asked about");
        assert_eq!(left_out(&asked, &weeks, 2), 0, "there is none");
    }
}

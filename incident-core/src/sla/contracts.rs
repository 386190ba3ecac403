//! Contracts: the terms that apply to each tenant and period.

use std::collections::BTreeMap;
use std::time::Duration;

use super::statement::clip_shares;
use super::statement::of_period;
use super::{Basis, IncidentShare, SlaStatement, SlaTerms};
use crate::{
    Money, Month, Name, Period, PeriodKind, TenantId, Timestamp, ValidationError, Window, Zone,
};

/// The terms of one kind of contract, by validity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract(Vec<SlaTerms>);

impl Contract {
    /// Creates a contract whose terms never change.
    #[must_use]
    pub fn always(terms: SlaTerms) -> Self {
        Self(vec![terms])
    }

    /// Creates a contract with several versions of its terms.
    ///
    /// # Errors
    /// Fails if there are no terms, if two are valid at the same time, or if two that follow each
    /// other have the same version.
    pub fn versions(mut versions: Vec<SlaTerms>) -> Result<Self, ValidationError> {
        if versions.is_empty() {
            return Err(ValidationError::new("terms", "at least one version"));
        }
        versions.sort_by_key(|terms| terms.validity().0);
        for (at, pair) in versions.windows(2).enumerate() {
            let [earlier, later] = pair else { continue };
            let (until, from) = (earlier.validity().1, later.validity().0);
            let apart = until.zip(from).is_some_and(|(until, from)| until <= from);
            if !apart {
                return Err(ValidationError::new(
                    format!("terms/{}/valid_from", at + 1),
                    "a time at which no other version of the contract takes effect",
                ));
            }
            let mut before = versions.iter().take(at + 1);
            if before.any(|one| one.version() == later.version()) {
                return Err(ValidationError::new(
                    format!("terms/{}/version", at + 1),
                    "a version that is unique within the contract",
                ));
            }
        }
        Ok(Self(versions))
    }

    /// Returns the terms, by validity ascending.
    #[must_use]
    pub fn all(&self) -> &[SlaTerms] {
        &self.0
    }
}

/// A contract, with the month from which each version of its terms applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scheduled {
    contract: Contract,
    /// Number of the first month, and index of the version; `None` for the standard terms.
    ///
    /// Ascending; the first entry applies from the beginning.
    changes: Vec<(u32, Option<usize>)>,
}

impl Scheduled {
    fn new(contract: Contract, standard: &SlaTerms) -> Self {
        let mut changes: Vec<(u32, Option<usize>)> = Vec::new();
        let mut longest = 1;
        for (place, from, until) in stretches(&contract) {
            let terms = place.and_then(|at| contract.0.get(at)).unwrap_or(standard);
            let months = u32::from(terms.basis().period().months());
            // No period of either version is cut: the old one is finished, and the new one begins
            // with a whole period. Months, quarters and years nest.
            let step = months.max(longest);
            let first = from.map_or(0, |from| first_month_from(from, terms.zone()));
            let first = first.div_ceil(step) * step;
            let begins = |month: Month| month.window_in(terms.zone()).start();
            let start = month_of(first).map_or(Timestamp::MIN, begins);
            // Some versions end before their first period begins.
            if until.is_none_or(|until| start < until) {
                changes.push((first, place));
                longest = months;
            }
        }
        Self { contract, changes }
    }

    /// Lists the number of the month from which each version applies, with its terms.
    ///
    /// Ascending; the first version applies from the beginning. The terms are `None` where the
    /// standard ones apply.
    pub(super) fn changes(&self) -> impl ExactSizeIterator<Item = (u32, Option<&SlaTerms>)> {
        let terms = |place: usize| self.contract.0.get(place);
        let changes = self.changes.iter();
        changes.map(move |(first, place)| (*first, place.and_then(terms)))
    }

    /// Returns the terms for the period that contains a month; `None` for the standard ones.
    fn terms_of(&self, month: Month) -> Option<&SlaTerms> {
        let number = number_of(month);
        let after = self.changes.partition_point(|(first, _)| *first <= number);
        let (_, place) = self.changes.get(after.checked_sub(1)?)?;
        self.contract.0.get((*place)?)
    }
}

/// Lists the time ranges in which one version of a contract, or none, is valid.
///
/// They are ascending and without gaps.
fn stretches(contract: &Contract) -> Vec<(Option<usize>, Option<Timestamp>, Option<Timestamp>)> {
    let mut all = Vec::new();
    let mut covered = None;
    for (place, terms) in contract.0.iter().enumerate() {
        let (from, until) = terms.validity();
        if from.is_some() && from != covered {
            all.push((None, covered, from));
        }
        all.push((Some(place), from, until));
        covered = until;
    }
    if covered.is_some() {
        all.push((None, covered, None));
    }
    all
}

/// Returns the number of a month, counted from January of the year 0.
pub(super) fn number_of(month: Month) -> u32 {
    let (year, number) = month.parts();
    u32::from(year) * 12 + u32::from(number) - 1
}

pub(super) fn month_of(number: u32) -> Option<Month> {
    let year = u16::try_from(number / 12).ok()?;
    Month::from_parts(year, u8::try_from(number % 12 + 1).ok()?)
}

/// Returns the number of the first month that begins at or after a time, in a zone.
fn first_month_from(time: Timestamp, zone: Zone) -> u32 {
    let just_after = time.saturating_add(Duration::from_micros(1));
    let month = Month::of_end_in(just_after, zone);
    let begins_then = month.window_in(zone).start() == time;
    number_of(month) + u32::from(!begins_then)
}

/// The agreement with one tenant: its contract and its monthly fee.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Agreed {
    contract: Option<Name>,
    monthly_fee: Option<Money>,
}

/// The contracts of all tenants.
///
/// A tenant has the standard terms if it has no contract, or if its contract is not valid.
///
/// ```
/// use incident_core::sla::{Contract, Contracts, SlaTerms};
/// use incident_core::{Name, TenantId};
/// let gold: SlaTerms = serde_json::from_str(r#"{"target_percent": "99.95", "version": "gold-1",
///     "tiers": [{"from_minutes": 0, "credit_percent": "0"}, {"from_minutes": 30, "credit_percent": "15"}]}"#)?;
/// let tenant = TenantId::new("tenant-fr")?;
/// let contracts = Contracts::standard(SlaTerms::default())
///     .with_contract(Name::new("gold")?, Contract::always(gold))
///     .with_tenant(tenant.clone(), Some(Name::new("gold")?), None)?;
/// let month = "2026-11".parse()?;
/// assert_eq!(contracts.terms_of(&tenant, month).version().as_str(), "gold-1");
/// assert_eq!(contracts.terms_of(&TenantId::new("other")?, month).version().as_str(), "default-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contracts {
    standard: SlaTerms,
    named: BTreeMap<Name, Scheduled>,
    tenants: BTreeMap<TenantId, Agreed>,
}

impl Contracts {
    /// Creates contracts with the same terms for every tenant.
    #[must_use]
    pub const fn standard(terms: SlaTerms) -> Self {
        Self {
            standard: terms,
            named: BTreeMap::new(),
            tenants: BTreeMap::new(),
        }
    }

    /// Adds a kind of contract.
    #[must_use]
    pub fn with_contract(mut self, name: Name, contract: Contract) -> Self {
        let scheduled = Scheduled::new(contract, &self.standard);
        self.named.insert(name, scheduled);
        self
    }

    /// Sets the contract and the monthly fee of a tenant.
    ///
    /// # Errors
    /// Fails if there is no contract of this name, or if the fee is negative.
    pub fn with_tenant(
        mut self,
        tenant: TenantId,
        contract: Option<Name>,
        monthly_fee: Option<Money>,
    ) -> Result<Self, ValidationError> {
        if contract
            .as_ref()
            .is_some_and(|name| !self.named.contains_key(name))
        {
            let field = format!("tenants/{tenant}/contract");
            return Err(ValidationError::new(
                field,
                "the name of an existing contract",
            ));
        }
        if monthly_fee.is_some_and(|fee| fee.minor < 0) {
            let field = format!("tenants/{tenant}/monthly_fee");
            return Err(ValidationError::new(
                field,
                "an amount that is not negative",
            ));
        }
        let agreed = Agreed {
            contract,
            monthly_fee,
        };
        self.tenants.insert(tenant, agreed);
        Ok(self)
    }

    /// Returns the standard terms.
    #[must_use]
    pub const fn standard_terms(&self) -> &SlaTerms {
        &self.standard
    }

    /// Returns the terms of a tenant for the period that contains a month.
    ///
    /// They are the terms valid at the period's start, in their own zone. Every figure about a
    /// tenant and a period is computed with them.
    ///
    /// A period that has begun is finished under the terms of its start. A change to longer periods
    /// in the middle of one (from months to quarters in May) takes effect with the first whole one;
    /// until then the terms before it go on.
    #[must_use]
    pub fn terms_of(&self, tenant: &TenantId, month: Month) -> &SlaTerms {
        let terms = self.agreed(tenant).map(|agreed| agreed.terms_of(month));
        terms.flatten().unwrap_or(&self.standard)
    }

    /// Returns the terms and the period under which a tenant's outage that ended at a time is
    /// credited.
    #[must_use]
    pub fn terms_at_end(&self, tenant: &TenantId, end: Timestamp) -> (&SlaTerms, Period) {
        let mut terms = self.terms_of(tenant, Month::of_end(end));
        // The month of the end depends on the zone of the terms.
        for _ in 0..2 {
            terms = self.terms_of(tenant, Month::of_end_in(end, terms.zone()));
        }
        (
            terms,
            Period::of_end(end, terms.basis().period(), terms.zone()),
        )
    }

    /// Returns the contract of a tenant, unless it has the standard terms.
    pub(super) fn agreed(&self, tenant: &TenantId) -> Option<&Scheduled> {
        let agreed = self.tenants.get(tenant)?;
        self.named.get(agreed.contract.as_ref()?)
    }

    /// Returns the fee of a tenant for a period of a kind, if it is known.
    #[must_use]
    pub fn fee(&self, tenant: &TenantId, kind: PeriodKind) -> Option<Money> {
        let monthly = self.tenants.get(tenant)?.monthly_fee?;
        Some(Money {
            minor: monthly.minor.saturating_mul(i64::from(kind.months())),
            ..monthly
        })
    }

    /// Returns `true` if a month has begun by the calendar of any contract.
    #[must_use]
    pub fn has_begun(&self, month: Month, now: Timestamp) -> bool {
        let begun = |terms: &SlaTerms| month.window_in(terms.zone()).start() <= now;
        self.all().any(begun)
    }

    /// Returns `true` if any terms credit whole periods of a kind.
    #[must_use]
    pub fn credits_by(&self, kind: PeriodKind) -> bool {
        self.all()
            .any(|terms| terms.basis() != Basis::PerIncident && terms.basis().period() == kind)
    }

    /// Returns `true` if any terms of a tenant credit whole periods.
    #[must_use]
    pub fn is_by_period(&self, tenant: &TenantId) -> bool {
        let agreed = self.agreed(tenant).into_iter();
        let versions = agreed.flat_map(|one| one.contract.all());
        // While none of its versions is valid, the standard terms apply.
        versions
            .chain([&self.standard])
            .any(|terms| terms.basis() != Basis::PerIncident)
    }

    /// Lists all terms, the standard ones first.
    fn all(&self) -> impl Iterator<Item = &SlaTerms> {
        let named = self.named.values().flat_map(|one| one.contract.all());
        std::iter::once(&self.standard).chain(named)
    }

    /// Returns `true` if any terms measure the length of outages before they count.
    ///
    /// A statement then also needs the outages that touch those of its period across its edge.
    #[must_use]
    pub fn measures_runs(&self) -> bool {
        self.all().any(SlaTerms::measures_runs)
    }

    /// Computes the statement of a tenant for the month, quarter or year that contains a month.
    ///
    /// The terms are those of that period ([`terms_of`](Self::terms_of)). Under terms per incident
    /// an outage is cut where terms of another basis apply before or after. See [`statement`].
    ///
    /// [`statement`]: super::statement()
    #[must_use]
    pub fn statement(
        &self,
        tenant: &TenantId,
        month: Month,
        mut shares: Vec<IncidentShare>,
        now: Timestamp,
    ) -> SlaStatement {
        let terms = self.terms_of(tenant, month);
        let period = Period::of_month(month, terms.basis().period());
        if terms.basis() == Basis::PerIncident {
            clip_shares(&mut shares, self.credited_by_incident(tenant, month));
        }
        // Incidents are ordered by their outages, whatever the caller's order.
        shares.sort_by_key(|share| (share.outage.start(), share.incident));
        let fee = self.fee(tenant, period.kind());
        of_period(terms, tenant, period, &shares, fee, now)
    }

    /// Returns the time range that the statements of all tenants for a month cover.
    ///
    /// It spans the month, quarter or year of every contract, each in its zone.
    #[must_use]
    pub fn widest(&self, month: Month) -> Window {
        let bounds =
            |terms: &SlaTerms| Period::of_month(month, terms.basis().period()).window(terms.zone());
        let windows = self.all().map(bounds);
        let whole =
            |a: Window, b: Window| Window::spanning(a.start().min(b.start()), a.end().max(b.end()));
        windows.reduce(whole).unwrap_or_else(|| month.window())
    }
}

impl Default for Contracts {
    fn default() -> Self {
        Self::standard(SlaTerms::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(name: &str, from: Option<&str>, until: Option<&str>) -> SlaTerms {
        let at = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let tiers = SlaTerms::default().tiers().to_vec();
        let terms = SlaTerms::new("99.9".parse().unwrap(), tiers, Name::new(name).unwrap());
        terms.unwrap().valid(at(from), at(until)).unwrap()
    }

    /// Creates contracts with a tenant whose contract has these versions.
    fn agreed(standard: SlaTerms, versions: Vec<SlaTerms>) -> (Contracts, TenantId) {
        let name = Name::new("gold").unwrap();
        let tenant = TenantId::new("tenant-fr").unwrap();
        let contracts = Contracts::standard(standard)
            .with_contract(name.clone(), Contract::versions(versions).unwrap())
            .with_tenant(tenant.clone(), Some(name), None)
            .unwrap();
        (contracts, tenant)
    }

    /// The ledger tells terms apart by their version.
    #[test]
    fn no_two_terms_of_a_contract_have_one_version() {
        let (spring, summer) = ("2027-04-01T00:00:00Z", "2027-07-01T00:00:00Z");
        let versions = |names: [&str; 3]| {
            let [first, second, third] = names;
            Contract::versions(vec![
                version(first, None, Some(spring)),
                version(second, Some(spring), Some(summer)),
                version(third, Some(summer), None),
            ])
        };
        assert!(versions(["a", "b", "c"]).is_ok());
        for (names, field) in [
            (["a", "a", "b"], "terms/1/version"),
            (["a", "b", "b"], "terms/2/version"),
            (["a", "b", "a"], "terms/2/version"),
        ] {
            assert_eq!(versions(names).unwrap_err().field(), field, "{names:?}");
        }
    }

    /// M2: each period has the terms of its start.
    #[test]
    fn each_period_has_the_terms_of_its_start() {
        let (new_year, summer) = (
            Some("2027-01-01T00:00:00Z"),
            // In the middle of a month, which is finished under its first terms.
            Some("2027-07-15T00:00:00Z"),
        );
        let versions = vec![version("b", new_year, summer), version("a", None, new_year)];
        let (contracts, tenant) = agreed(SlaTerms::default(), versions);
        for (month, expected) in [
            ("2026-12", "a"),
            ("2027-01", "b"),
            ("2027-07", "b"),
            // The contract has expired: the standard terms apply.
            ("2027-08", "default-1"),
        ] {
            let terms = contracts.terms_of(&tenant, month.parse().unwrap());
            assert_eq!(terms.version().as_str(), expected, "{month}");
        }
    }

    /// M2: an outage that ends exactly at a month's start belongs to the month before, and so do
    /// its terms, by the zone of those valid then.
    #[test]
    fn an_outage_has_the_terms_of_the_period_in_which_it_ended() {
        let new_year = Some("2027-01-01T00:00:00Z");
        let versions = vec![version("a", None, new_year), version("b", new_year, None)];
        let (contracts, tenant) = agreed(SlaTerms::default(), versions);
        for (end, expected) in [
            ("2027-01-01T00:00:00Z", ("a", "2026-12")),
            ("2027-01-01T00:00:00.000001Z", ("b", "2027-01")),
        ] {
            let (terms, period) = contracts.terms_at_end(&tenant, end.parse().unwrap());
            let found = (terms.version().as_str(), period.to_string());
            assert_eq!((found.0, found.1.as_str()), expected, "{end}");
        }
        let east = "Pacific/Auckland".parse().unwrap();
        let start = Some("2026-12-31T11:00:00Z");
        let versions = vec![
            version("a", None, start).in_zone(east),
            version("b", start, None).in_zone(east),
        ];
        let (contracts, tenant) = agreed(SlaTerms::default(), versions);
        let (terms, period) =
            contracts.terms_at_end(&tenant, "2026-12-31T11:00:01Z".parse().unwrap());
        assert_eq!(
            (terms.version().as_str(), period.to_string().as_str()),
            ("b", "2027-01")
        );
    }

    /// M2 and "one quarter has two answers": for any lengths of the periods before and after a
    /// change, each month is in one period, and every month of a period names it.
    #[test]
    fn each_month_is_in_one_period_whatever_changes() {
        let kinds = [
            Basis::PerIncident,
            Basis::PerMonth,
            Basis::PerQuarter,
            Basis::PerYear,
        ];
        let months = || {
            (2026..2029).flat_map(|year| (1..=12).filter_map(move |n| Month::from_parts(year, n)))
        };
        let changes = [
            "2026-10-01T00:00:00Z",
            "2026-11-15T12:00:00Z",
            "2027-01-01T00:00:00Z",
            "2027-05-01T00:00:00Z",
        ];
        for standard in kinds {
            for (first, second) in kinds.iter().flat_map(|a| kinds.map(|b| (*a, b))) {
                for at in changes {
                    let end = Some("2028-02-10T00:00:00Z");
                    let versions = vec![
                        version("a", Some("2026-02-01T00:00:00Z"), Some(at))
                            .per(first)
                            .unwrap(),
                        version("b", Some(at), end).per(second).unwrap(),
                    ];
                    let standard = SlaTerms::default().per(standard).unwrap();
                    let (contracts, tenant) = agreed(standard, versions);
                    let period = |month| {
                        let terms = contracts.terms_of(&tenant, month);
                        (Period::of_month(month, terms.basis().period()), terms)
                    };
                    for month in months() {
                        let (here, terms) = period(month);
                        for other in months() {
                            let (there, other_terms) = period(other);
                            let inside = Period::of_month(other, here.kind()) == here;
                            if inside {
                                assert_eq!(
                                    (there, other_terms.version()),
                                    (here, terms.version()),
                                    "{first:?} {second:?} {at}: {month} and {other}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_month_begins_where_its_contract_is() {
        let auckland = SlaTerms::default().in_zone("Pacific/Auckland".parse().unwrap());
        let (utc, east) = (Contracts::default(), Contracts::standard(auckland));
        let (december, now) = (
            "2026-12".parse().unwrap(),
            "2026-11-30T11:00:00Z".parse().unwrap(),
        );
        assert!(east.has_begun(december, now) && !utc.has_begun(december, now));
    }

    #[test]
    fn contracts_that_contradict_themselves_are_refused() {
        let new_year = Some("2027-01-01T00:00:00Z");
        for (versions, field) in [
            (vec![], "terms"),
            (
                vec![version("a", None, None), version("b", new_year, None)],
                "terms/1/valid_from",
            ),
            (
                vec![version("a", None, new_year), version("a", new_year, None)],
                "terms/1/version",
            ),
        ] {
            assert_eq!(Contract::versions(versions).unwrap_err().field(), field);
        }
        let tenant = TenantId::new("x").unwrap();
        let unknown = Contracts::default().with_tenant(
            tenant.clone(),
            Some(Name::new("gold").unwrap()),
            None,
        );
        assert_eq!(unknown.unwrap_err().field(), "tenants/x/contract");
        let fee = Money {
            minor: -1,
            currency: crate::Currency::new("EUR").unwrap(),
        };
        let negative = Contracts::default().with_tenant(tenant, None, Some(fee));
        assert_eq!(negative.unwrap_err().field(), "tenants/x/monthly_fee");
    }
}

//! Which terms hold for whom.

use std::collections::BTreeMap;

use super::{Basis, IncidentShare, SlaStatement, SlaTerms, statement};
use crate::{
    Invalid, Money, Month, Name, Percent, Period, PeriodKind, TenantId, Timestamp, Window,
};

/// The terms of one kind of contract, by validity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract(Vec<SlaTerms>);

impl Contract {
    /// A contract whose terms never change.
    #[must_use]
    pub fn always(terms: SlaTerms) -> Self {
        Self(vec![terms])
    }

    /// A contract with several versions of its terms.
    ///
    /// # Errors
    /// None; two that hold at the same time; two of one version.
    pub fn versions(mut versions: Vec<SlaTerms>) -> Result<Self, Invalid> {
        if versions.is_empty() {
            return Err(Invalid::new("terms", "at least one version"));
        }
        versions.sort_by_key(|terms| terms.validity().0);
        for (at, pair) in versions.windows(2).enumerate() {
            let [earlier, later] = pair else { continue };
            let (until, from) = (earlier.validity().1, later.validity().0);
            let apart = until.zip(from).is_some_and(|(until, from)| until <= from);
            if !apart {
                return Err(Invalid::new(
                    format!("terms/{}/valid_from", at + 1),
                    "a time from which no other version holds",
                ));
            }
            if earlier.version() == later.version() {
                return Err(Invalid::new(
                    format!("terms/{}/version", at + 1),
                    "a version that no other terms of the contract have",
                ));
            }
        }
        Ok(Self(versions))
    }

    /// Its terms, by validity ascending.
    #[must_use]
    pub fn all(&self) -> &[SlaTerms] {
        &self.0
    }

    /// The terms that hold at a time, if any do.
    #[must_use]
    pub fn at(&self, time: Timestamp) -> Option<&SlaTerms> {
        self.0.iter().find(|terms| terms.holds_at(time))
    }
}

/// What was agreed with one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Agreed {
    contract: Option<Name>,
    monthly_fee: Option<Money>,
}

/// The contracts of all tenants. A tenant without one, or whose contract does not
/// hold any more, has the standard one.
///
/// ```
/// use incident_core::sla::{Contract, Contracts, SlaTerms};
/// use incident_core::{Name, TenantId, Timestamp};
/// let gold: SlaTerms = serde_json::from_str(r#"{"target_percent": "99.95", "version": "gold-1",
///     "tiers": [{"from_minutes": 0, "credit_percent": "0"}, {"from_minutes": 30, "credit_percent": "15"}]}"#)?;
/// let tenant = TenantId::new("tenant-fr")?;
/// let contracts = Contracts::standard(SlaTerms::default())
///     .with_contract(Name::new("gold")?, Contract::always(gold))
///     .with_tenant(tenant.clone(), Some(Name::new("gold")?), None)?;
/// assert_eq!(contracts.terms(&tenant, Timestamp::MIN).version().as_str(), "gold-1");
/// assert_eq!(contracts.terms(&TenantId::new("other")?, Timestamp::MIN).version().as_str(), "default-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contracts {
    standard: SlaTerms,
    named: BTreeMap<Name, Contract>,
    tenants: BTreeMap<TenantId, Agreed>,
}

impl Contracts {
    /// The same terms for everybody.
    #[must_use]
    pub const fn standard(terms: SlaTerms) -> Self {
        Self {
            standard: terms,
            named: BTreeMap::new(),
            tenants: BTreeMap::new(),
        }
    }

    /// One more kind of contract.
    #[must_use]
    pub fn with_contract(mut self, name: Name, contract: Contract) -> Self {
        self.named.insert(name, contract);
        self
    }

    /// What was agreed with a tenant: its contract, and what it pays a month.
    ///
    /// # Errors
    /// There is no contract of this name, or the fee is negative.
    pub fn with_tenant(
        mut self,
        tenant: TenantId,
        contract: Option<Name>,
        monthly_fee: Option<Money>,
    ) -> Result<Self, Invalid> {
        if contract
            .as_ref()
            .is_some_and(|name| !self.named.contains_key(name))
        {
            let field = format!("tenants/{tenant}/contract");
            return Err(Invalid::new(field, "the name of a contract"));
        }
        if monthly_fee.is_some_and(|fee| fee.minor < 0) {
            let field = format!("tenants/{tenant}/monthly_fee");
            return Err(Invalid::new(field, "an amount that is not negative"));
        }
        let agreed = Agreed {
            contract,
            monthly_fee,
        };
        self.tenants.insert(tenant, agreed);
        Ok(self)
    }

    /// The standard terms.
    #[must_use]
    pub const fn standard_terms(&self) -> &SlaTerms {
        &self.standard
    }

    /// The terms that hold for a tenant at a time.
    #[must_use]
    pub fn terms(&self, tenant: &TenantId, time: Timestamp) -> &SlaTerms {
        let agreed = self.tenants.get(tenant);
        let named = agreed.and_then(|agreed| self.named.get(agreed.contract.as_ref()?));
        named
            .and_then(|contract| contract.at(time))
            .unwrap_or(&self.standard)
    }

    /// What a tenant pays for a period, where that is known.
    #[must_use]
    pub fn fee(&self, tenant: &TenantId, kind: PeriodKind) -> Option<Money> {
        let monthly = self.tenants.get(tenant)?.monthly_fee?;
        Some(Money {
            minor: monthly.minor.saturating_mul(i64::from(kind.months())),
            ..monthly
        })
    }

    /// Whether a month has begun by the calendar of any contract.
    #[must_use]
    pub fn has_begun(&self, month: Month, now: Timestamp) -> bool {
        let begun = |terms: &SlaTerms| month.window_in(terms.zone()).start() <= now;
        self.all().any(begun)
    }

    /// Whether any terms credit periods of a kind as a whole.
    #[must_use]
    pub fn credits_by(&self, kind: PeriodKind) -> bool {
        self.all()
            .any(|terms| terms.basis() != Basis::PerIncident && terms.basis().period() == kind)
    }

    /// Whether some terms of a tenant credit periods as a whole.
    #[must_use]
    pub fn is_by_period(&self, tenant: &TenantId) -> bool {
        let agreed = self.tenants.get(tenant);
        let named = agreed.and_then(|agreed| self.named.get(agreed.contract.as_ref()?));
        let versions = named.into_iter().flat_map(Contract::all);
        // Where none of its versions holds, the standard terms do.
        versions
            .chain([&self.standard])
            .any(|terms| terms.basis() != Basis::PerIncident)
    }

    /// All terms there are.
    fn all(&self) -> impl Iterator<Item = &SlaTerms> {
        let named = self.named.values().flat_map(Contract::all);
        std::iter::once(&self.standard).chain(named)
    }

    /// The most that a tenant is credited in the period of a time.
    #[must_use]
    pub fn cap(&self, tenant: &TenantId, time: Timestamp) -> Percent {
        self.terms(tenant, time).cap()
    }

    /// The statement of a tenant for the month, quarter or year that a month lies in,
    /// under the terms that hold when the month begins. See [`statement`].
    #[must_use]
    pub fn statement(
        &self,
        tenant: &TenantId,
        month: Month,
        mut shares: Vec<IncidentShare>,
        now: Timestamp,
    ) -> SlaStatement {
        let terms = self.terms(tenant, month.window().start());
        let period = Period::of_month(month, terms.basis().period());
        // The order of the incidents is that of their outages, whoever asks.
        shares.sort_by_key(|share| (share.outage.start(), share.incident));
        let fee = self.fee(tenant, period.kind());
        statement(terms, tenant, period, &shares, fee, now)
    }

    /// The longest stretch that a statement of anybody about a month looks at: its
    /// month, quarter or year, in whatever zone.
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

    #[test]
    fn each_time_has_the_terms_that_hold_then() {
        let new_year = Some("2027-01-01T00:00:00Z");
        let summer = Some("2027-07-01T00:00:00Z");
        let versions = vec![version("b", new_year, summer), version("a", None, new_year)];
        let name = Name::new("gold").unwrap();
        let tenant = TenantId::new("tenant-fr").unwrap();
        let contracts = Contracts::default()
            .with_contract(name.clone(), Contract::versions(versions).unwrap())
            .with_tenant(tenant.clone(), Some(name), None)
            .unwrap();
        for (time, expected) in [
            ("2026-12-31T23:59:59.999999Z", "a"),
            ("2027-01-01T00:00:00Z", "b"),
            // It ran out: the standard terms hold.
            ("2027-07-01T00:00:00Z", "default-1"),
        ] {
            let terms = contracts.terms(&tenant, time.parse().unwrap());
            assert_eq!(terms.version().as_str(), expected, "{time}");
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

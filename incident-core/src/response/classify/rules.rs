//! The thresholds of the rules of classification, as data.

use serde::{Deserialize, Serialize};

use crate::{Currency, Money, Percent, ValidationError};

/// The thresholds of classification.
///
/// The default: more than 90 % of users, or more than 1,000,000 XAF an hour, are SEV1; from 20 % or
/// 100,000 XAF on they are SEV2. A value that is read replaces only what it names: this is the table
/// `[classification]` of a policy file. All revenue is in one currency, and none is converted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "NamedThresholds", into = "NamedThresholds")]
pub struct ClassificationRules {
    most_users: Percent,
    many_users: Percent,
    critical_revenue: Money,
    major_revenue: Money,
}

impl ClassificationRules {
    /// Creates rules: SEV1 for more than `most_users` or `critical_revenue` per hour, SEV2 from
    /// `many_users` or `major_revenue` per hour on.
    ///
    /// # Errors
    /// Names the field: `many_users_percent` of zero or above `most_users_percent`,
    /// `major_revenue_per_hour` above `critical_revenue_per_hour`, in another currency, or not above zero.
    pub fn new(
        most_users: Percent,
        many_users: Percent,
        critical_revenue: Money,
        major_revenue: Money,
    ) -> Result<Self, ValidationError> {
        if many_users == Percent::ZERO || many_users > most_users {
            let expected = "a percentage above zero and at most `most_users_percent`";
            return Err(ValidationError::new("many_users_percent", expected));
        }
        if major_revenue.currency != critical_revenue.currency {
            let expected = "the currency of `critical_revenue_per_hour`";
            return Err(ValidationError::new("major_revenue_per_hour", expected));
        }
        if major_revenue.minor <= 0 || major_revenue.minor > critical_revenue.minor {
            let expected = "an amount above zero and at most `critical_revenue_per_hour`";
            return Err(ValidationError::new("major_revenue_per_hour", expected));
        }
        Ok(Self {
            most_users,
            many_users,
            critical_revenue,
            major_revenue,
        })
    }

    /// Returns the share of users; more than it is SEV1.
    #[must_use]
    pub const fn most_users(&self) -> Percent {
        self.most_users
    }

    /// Returns the share of users that is SEV2.
    #[must_use]
    pub const fn many_users(&self) -> Percent {
        self.many_users
    }

    /// Returns the revenue per hour; more than it is SEV1.
    #[must_use]
    pub const fn critical_revenue(&self) -> Money {
        self.critical_revenue
    }

    /// Returns the revenue per hour that is SEV2.
    #[must_use]
    pub const fn major_revenue(&self) -> Money {
        self.major_revenue
    }

    /// Returns the currency in which revenue is compared.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.major_revenue.currency
    }

    /// Returns `true` if all thresholds are those that ship.
    pub(crate) fn is_shipped(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for ClassificationRules {
    fn default() -> Self {
        Self {
            most_users: Percent::of_thousandths(90_000),
            many_users: Percent::of_thousandths(20_000),
            critical_revenue: Money::new(1_000_000, Currency::XAF),
            major_revenue: Money::new(100_000, Currency::XAF),
        }
    }
}

/// Thresholds as they are written down: only the differences from the default.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedThresholds {
    #[serde(default)]
    most_users_percent: Option<Percent>,
    #[serde(default)]
    many_users_percent: Option<Percent>,
    #[serde(default)]
    critical_revenue_per_hour: Option<Money>,
    #[serde(default)]
    major_revenue_per_hour: Option<Money>,
}

impl TryFrom<NamedThresholds> for ClassificationRules {
    type Error = ValidationError;

    fn try_from(named: NamedThresholds) -> Result<Self, ValidationError> {
        let shipped = Self::default();
        Self::new(
            named.most_users_percent.unwrap_or(shipped.most_users),
            named.many_users_percent.unwrap_or(shipped.many_users),
            named
                .critical_revenue_per_hour
                .unwrap_or(shipped.critical_revenue),
            named
                .major_revenue_per_hour
                .unwrap_or(shipped.major_revenue),
        )
    }
}

impl From<ClassificationRules> for NamedThresholds {
    fn from(rules: ClassificationRules) -> Self {
        Self {
            most_users_percent: Some(rules.most_users),
            many_users_percent: Some(rules.many_users),
            critical_revenue_per_hour: Some(rules.critical_revenue),
            major_revenue_per_hour: Some(rules.major_revenue),
        }
    }
}

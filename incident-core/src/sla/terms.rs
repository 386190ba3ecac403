//! What was promised.

use serde::{Deserialize, Serialize};

use crate::time::MINUTE_US;
use crate::{Invalid, Name, Percent};

/// A credit from a length of outage on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// From so many whole minutes on, inclusive.
    pub from_minutes: u32,
    /// The credit, in percent of the month's fee.
    pub credit_percent: Percent,
}

impl Tier {
    /// The threshold in microseconds.
    #[must_use]
    pub const fn from_us(self) -> u64 {
        self.from_minutes as u64 * MINUTE_US
    }
}

/// A target and the credits for missing it by how much: validated.
///
/// Thresholds rise strictly from 0, credits never fall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct SlaTerms {
    target: Percent,
    tiers: Vec<Tier>,
    version: Name,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    target_percent: Percent,
    tiers: Vec<Tier>,
    version: Name,
}

impl SlaTerms {
    /// The terms of a contract; `version` is stored with every credit.
    ///
    /// # Errors
    /// No tier, a first threshold other than 0, thresholds that do not rise, or
    /// credits that fall.
    pub fn new(target: Percent, tiers: Vec<Tier>, version: Name) -> Result<Self, Invalid> {
        match tiers.first() {
            None => return Err(Invalid::new("tiers", "at least one tier")),
            Some(first) if first.from_minutes != 0 => {
                return Err(Invalid::new("tiers/0/from_minutes", "0"));
            }
            Some(_) => {}
        }
        for (at, (lower, upper)) in tiers.iter().zip(tiers.iter().skip(1)).enumerate() {
            let at = at + 1;
            if upper.from_minutes <= lower.from_minutes {
                return Err(Invalid::new(
                    format!("tiers/{at}/from_minutes"),
                    "more than that of the tier before",
                ));
            }
            if upper.credit_percent < lower.credit_percent {
                return Err(Invalid::new(
                    format!("tiers/{at}/credit_percent"),
                    "at least that of the tier before",
                ));
            }
        }
        Ok(Self {
            target,
            tiers,
            version,
        })
    }

    /// The availability that was promised.
    #[must_use]
    pub const fn target(&self) -> Percent {
        self.target
    }

    /// The tiers, ascending.
    #[must_use]
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// Which terms these are.
    #[must_use]
    pub const fn version(&self) -> &Name {
        &self.version
    }

    /// The highest credit: the cap of a tenant's month.
    #[must_use]
    pub fn top_credit(&self) -> Percent {
        self.tiers
            .last()
            .map_or(Percent::ZERO, |tier| tier.credit_percent)
    }

    /// The credit for an outage in microseconds: that of the highest threshold
    /// it reaches (`>=`). Nothing is rounded before.
    #[must_use]
    pub fn credit_for(&self, outage_us: u64) -> Percent {
        let reached = self
            .tiers
            .iter()
            .rev()
            .find(|tier| tier.from_us() <= outage_us);
        reached.map_or(Percent::ZERO, |tier| tier.credit_percent)
    }
}

impl Default for SlaTerms {
    /// 99.9 %; 0, 10, 25, 50 % from 0, 45, 240, 720 minutes on.
    fn default() -> Self {
        let tier = |from_minutes, percent| Tier {
            from_minutes,
            credit_percent: Percent::of_whole(percent).unwrap_or_default(),
        };
        Self {
            target: Percent::HUNDRED.saturating_sub(Percent::of_thousandths(100)),
            tiers: vec![tier(0, 0), tier(45, 10), tier(240, 25), tier(720, 50)],
            version: Name::made("default-1"),
        }
    }
}

impl TryFrom<Raw> for SlaTerms {
    type Error = Invalid;

    fn try_from(raw: Raw) -> Result<Self, Invalid> {
        Self::new(raw.target_percent, raw.tiers, raw.version)
    }
}

impl From<SlaTerms> for Raw {
    fn from(terms: SlaTerms) -> Self {
        Self {
            target_percent: terms.target,
            tiers: terms.tiers,
            version: terms.version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(tiers: &[(u32, u32)]) -> Result<SlaTerms, Invalid> {
        let tier = |(from_minutes, percent): &(u32, u32)| Tier {
            from_minutes: *from_minutes,
            credit_percent: Percent::of_whole(*percent).unwrap(),
        };
        SlaTerms::new(
            "99.9".parse().unwrap(),
            tiers.iter().map(tier).collect(),
            Name::new("t").unwrap(),
        )
    }

    #[test]
    fn thresholds_are_inclusive_and_exact() {
        let terms = SlaTerms::default();
        let minutes = |minutes: u64| minutes * MINUTE_US;
        for (outage, credit) in [
            (0, 0),
            (minutes(45) - 1, 0),
            (minutes(45), 10),
            (minutes(240) - 1, 10),
            (minutes(240), 25),
            (minutes(720) - 1, 25),
            (minutes(720), 50),
            (u64::MAX, 50),
        ] {
            assert_eq!(
                terms.credit_for(outage),
                Percent::of_whole(credit).unwrap(),
                "{outage} us"
            );
        }
        assert_eq!(terms.target().to_string(), "99.9");
    }

    #[test]
    fn crooked_tables_are_refused_by_name() {
        for (tiers, field) in [
            (&[][..], "tiers"),
            (&[(1, 0)], "tiers/0/from_minutes"),
            (&[(0, 0), (45, 10), (45, 25)], "tiers/2/from_minutes"),
            (&[(0, 10), (45, 5)], "tiers/1/credit_percent"),
        ] {
            assert_eq!(terms(tiers).unwrap_err().field(), field);
        }
        assert!(terms(&[(0, 0)]).is_ok());
    }
}

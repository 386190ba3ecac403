//! Tables that map a downtime to a credit.

use serde::{Deserialize, Serialize};

use super::Downtime;
use crate::time::MINUTE_US;
use crate::{Percent, ValidationError};

/// A credit that applies from a length of outage on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The threshold in whole minutes, inclusive.
    pub from_minutes: u32,
    /// The credit, in percent of the period's fee.
    pub credit_percent: Percent,
}

impl Tier {
    /// Returns the threshold in microseconds.
    #[must_use]
    pub const fn from_us(self) -> u64 {
        self.from_minutes as u64 * MINUTE_US
    }
}

/// A credit that applies below an availability, as in most published contracts.
///
/// Only the upper bound of each row is stated, so that no availability falls between two rows, as
/// exactly 99.0 % does in a published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawRow", into = "RawRow")]
pub struct AvailabilityTier {
    /// The upper bound.
    pub bound: Percent,
    /// If `true`, an availability of exactly the bound earns the credit too ("less than or equal
    /// to").
    pub inclusive: bool,
    /// The credit, in percent of the period's fee.
    pub credit_percent: Percent,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below_percent: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_or_below_percent: Option<Percent>,
    credit_percent: Percent,
}

impl TryFrom<RawRow> for AvailabilityTier {
    type Error = ValidationError;

    fn try_from(raw: RawRow) -> Result<Self, ValidationError> {
        let (bound, inclusive) = match (raw.below_percent, raw.at_or_below_percent) {
            (Some(bound), None) => (bound, false),
            (None, Some(bound)) => (bound, true),
            _ => {
                let expected = "either `below_percent` or `at_or_below_percent`";
                return Err(ValidationError::new("availability_tiers", expected));
            }
        };
        Ok(Self {
            bound,
            inclusive,
            credit_percent: raw.credit_percent,
        })
    }
}

impl From<AvailabilityTier> for RawRow {
    fn from(tier: AvailabilityTier) -> Self {
        Self {
            below_percent: (!tier.inclusive).then_some(tier.bound),
            at_or_below_percent: tier.inclusive.then_some(tier.bound),
            credit_percent: tier.credit_percent,
        }
    }
}

impl AvailabilityTier {
    /// Returns `true` if a downtime reaches this row; exact, nothing is divided or rounded.
    fn is_reached(self, down: Downtime, period_us: u64) -> bool {
        let up = Downtime::of(period_us).minus(down).weighted();
        let bound = u128::from(period_us) * u128::from(self.bound.ppm());
        up < bound || (self.inclusive && up == bound)
    }
}

/// The validated rows of a table of credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Rows by the length of the outage.
    ///
    /// Thresholds rise strictly from 0, credits never fall; the highest threshold reached (`>=`)
    /// applies.
    ByOutage(Vec<Tier>),
    /// Rows by the availability over the period.
    ///
    /// Bounds fall strictly, credits never fall; the row with the lowest bound that is reached
    /// applies.
    ByAvailability(Vec<AvailabilityTier>),
}

impl Scale {
    /// Creates a table by the length of the outage.
    ///
    /// # Errors
    /// Fails if there is no tier, if the first threshold is not 0, if thresholds do not rise, or if
    /// credits fall.
    pub fn by_outage(tiers: Vec<Tier>) -> Result<Self, ValidationError> {
        match tiers.first() {
            None => return Err(ValidationError::new("tiers", "at least one tier")),
            Some(first) if first.from_minutes != 0 => {
                return Err(ValidationError::new("tiers/0/from_minutes", "0"));
            }
            Some(_) => {}
        }
        for (at, (lower, upper)) in pairs(&tiers) {
            if upper.from_minutes <= lower.from_minutes {
                return Err(ValidationError::new(
                    format!("tiers/{at}/from_minutes"),
                    "more than that of the previous tier",
                ));
            }
            rising("tiers", at, lower.credit_percent, upper.credit_percent)?;
        }
        Ok(Self::ByOutage(tiers))
    }

    /// Creates a table by availability.
    ///
    /// # Errors
    /// Fails if there is no row, if bounds do not fall, or if credits fall.
    pub fn by_availability(rows: Vec<AvailabilityTier>) -> Result<Self, ValidationError> {
        if rows.is_empty() {
            return Err(ValidationError::new(
                "availability_tiers",
                "at least one row",
            ));
        }
        for (at, (upper, lower)) in pairs(&rows) {
            if upper.bound <= lower.bound {
                return Err(ValidationError::new(
                    format!("availability_tiers/{at}"),
                    "a bound below that of the previous row",
                ));
            }
            rising(
                "availability_tiers",
                at,
                upper.credit_percent,
                lower.credit_percent,
            )?;
        }
        Ok(Self::ByAvailability(rows))
    }

    /// Returns the highest credit of the table.
    #[must_use]
    pub fn top(&self) -> Percent {
        let top = match self {
            Self::ByOutage(tiers) => tiers.last().map(|tier| tier.credit_percent),
            Self::ByAvailability(rows) => rows.last().map(|row| row.credit_percent),
        };
        top.unwrap_or(Percent::ZERO)
    }

    /// Returns the bounds of a table by availability, which no displayed value may cross.
    pub(super) fn bounds(&self) -> impl Iterator<Item = Percent> + '_ + Clone {
        let rows = match self {
            Self::ByOutage(_) => &[],
            Self::ByAvailability(rows) => rows.as_slice(),
        };
        rows.iter().map(|row| row.bound)
    }

    /// Computes the credit for a downtime in a period of `period_us` microseconds; zero without
    /// downtime.
    #[must_use]
    pub fn credit(&self, down: Downtime, period_us: u64) -> Percent {
        let reached = self.reached(down, period_us);
        reached.map_or(Percent::ZERO, TierRow::credit)
    }

    /// Returns the row that a downtime reaches.
    ///
    /// Without downtime there is none, even if the table gives a credit from 0 minutes on.
    pub(super) fn reached(&self, down: Downtime, period_us: u64) -> Option<TierRow> {
        if down == Downtime::ZERO {
            return None;
        }
        match self {
            Self::ByOutage(tiers) => {
                let reached = |tier: &&Tier| Downtime::of(tier.from_us()) <= down;
                tiers
                    .iter()
                    .rev()
                    .find(reached)
                    .copied()
                    .map(TierRow::Outage)
            }
            Self::ByAvailability(rows) => {
                let reached = |row: &&AvailabilityTier| row.is_reached(down, period_us);
                let row = rows.iter().rev().find(reached).copied();
                row.map(TierRow::Availability)
            }
        }
    }
}

/// A row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TierRow {
    Outage(Tier),
    Availability(AvailabilityTier),
}

impl TierRow {
    pub(super) const fn credit(self) -> Percent {
        match self {
            Self::Outage(tier) => tier.credit_percent,
            Self::Availability(row) => row.credit_percent,
        }
    }
}

fn pairs<T>(rows: &[T]) -> impl Iterator<Item = (usize, (&T, &T))> {
    let pairs = rows.iter().zip(rows.iter().skip(1));
    pairs.enumerate().map(|(at, pair)| (at + 1, pair))
}

fn rising(table: &str, at: usize, before: Percent, credit: Percent) -> Result<(), ValidationError> {
    if credit < before {
        return Err(ValidationError::new(
            format!("{table}/{at}/credit_percent"),
            "at least that of the previous row",
        ));
    }
    Ok(())
}

//! Terms of a contract: the target, the credits and the rules for counting outages.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::count::Counting;
use super::{Availability, AvailabilityTier, Downtime, Exclusion, Scale, Tier};
use crate::{Name, Percent, PeriodKind, Timestamp, ValidationError, Windows, Zone};

/// The basis of one credit: an incident or a whole period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Each incident by itself; those of one tenant and month together at most the cap.
    #[default]
    PerIncident,
    /// The union of a tenant's outages in a calendar month.
    PerMonth,
    /// The union of a tenant's outages in a calendar quarter.
    PerQuarter,
    /// The union of a tenant's outages in a calendar year.
    PerYear,
}

impl Basis {
    /// Returns the name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PerIncident => "per_incident",
            Self::PerMonth => "per_month",
            Self::PerQuarter => "per_quarter",
            Self::PerYear => "per_year",
        }
    }

    /// Returns the length of a statement's periods.
    #[must_use]
    pub const fn period(self) -> PeriodKind {
        match self {
            Self::PerIncident | Self::PerMonth => PeriodKind::Month,
            Self::PerQuarter => PeriodKind::Quarter,
            Self::PerYear => PeriodKind::Year,
        }
    }
}

/// Validated terms: a target and the credits for missing it.
///
/// Read from TOML or JSON; everything but target, table and version has a default:
///
/// ```
/// use incident_core::sla::SlaTerms;
/// let terms: SlaTerms = serde_json::from_str(r#"{
///     "target_percent": "99.9", "version": "gold-2026", "basis": "per_month", "timezone": "Europe/Paris",
///     "availability_tiers": [{ "below_percent": "99.9", "credit_percent": "10" },
///                            { "below_percent": "99", "credit_percent": "25" }]
/// }"#)?;
/// assert_eq!(terms.cap().to_string(), "25");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct SlaTerms {
    target: Percent,
    scale: Scale,
    basis: Basis,
    zone: Zone,
    counting: Counting,
    partial_weight: Percent,
    cap: Option<Percent>,
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    version: Name,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    target_percent: Percent,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<Tier>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    availability_tiers: Vec<AvailabilityTier>,
    #[serde(default)]
    basis: Option<Basis>,
    #[serde(default)]
    timezone: Zone,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exclusions: Vec<Exclusion>,
    #[serde(default)]
    minimum_outage_seconds: u32,
    #[serde(default)]
    whole_minutes: bool,
    #[serde(default = "hundred")]
    partial_weight_percent: Percent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cap_percent: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
    version: Name,
}

const BY_PERIOD: &str =
    "per_month, per_quarter or per_year, because `availability_tiers` apply to a whole period";

const fn hundred() -> Percent {
    Percent::HUNDRED
}

impl SlaTerms {
    /// Creates terms that credit by the length of outages; `version` is stored with every credit.
    ///
    /// # Errors
    /// Fails if [`Scale::by_outage`] does.
    pub fn new(target: Percent, tiers: Vec<Tier>, version: Name) -> Result<Self, ValidationError> {
        Ok(Self::with_scale(target, Scale::by_outage(tiers)?, version))
    }

    /// Creates terms with any table, in UTC, without exclusions.
    ///
    /// The basis is per incident, or per month for a table by availability, which is that of a
    /// period.
    #[must_use]
    pub fn with_scale(target: Percent, scale: Scale, version: Name) -> Self {
        let basis = match scale {
            Scale::ByOutage(_) => Basis::PerIncident,
            Scale::ByAvailability(_) => Basis::PerMonth,
        };
        Self {
            target,
            scale,
            basis,
            zone: Zone::UTC,
            counting: Counting::default(),
            partial_weight: Percent::HUNDRED,
            cap: None,
            valid_from: None,
            valid_until: None,
            version,
        }
    }

    /// Sets the basis of one credit.
    ///
    /// # Errors
    /// Fails for per incident with a table by availability, as an availability is that of a period.
    pub fn per(self, basis: Basis) -> Result<Self, ValidationError> {
        if basis == Basis::PerIncident && matches!(self.scale, Scale::ByAvailability(_)) {
            return Err(ValidationError::new("basis", BY_PERIOD));
        }
        Ok(Self { basis, ..self })
    }

    /// Sets the zone whose calendar defines months, quarters and years.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// Sets the windows in which downtime does not count.
    ///
    /// # Errors
    /// Fails if a window is empty or reversed, or if two overlap.
    pub fn excluding(mut self, exclusions: Vec<Exclusion>) -> Result<Self, ValidationError> {
        self.counting.excluding(exclusions)?;
        Ok(self)
    }

    /// Sets the minimum length of an outage that counts.
    #[must_use]
    pub fn counting_from(mut self, minimum: Duration) -> Self {
        self.counting.minimum = minimum;
        self
    }

    /// Counts only whole consecutive minutes of an outage.
    #[must_use]
    pub fn in_whole_minutes(mut self) -> Self {
        self.counting.whole_minutes = true;
        self
    }

    /// Sets the weight of a partial outage; 100 % by default.
    ///
    /// An incident is partial if its scope is regions or segments.
    #[must_use]
    pub fn weighing_partial(self, weight: Percent) -> Self {
        Self {
            partial_weight: weight,
            ..self
        }
    }

    /// Sets the cap: the maximum credit of one tenant in a period, in percent of its fee.
    #[must_use]
    pub fn capped_at(self, cap: Percent) -> Self {
        let cap = Some(cap);
        Self { cap, ..self }
    }

    /// Sets the time range in which the terms are valid; `until` is exclusive.
    ///
    /// # Errors
    /// Fails if `until` is not after `from`.
    pub fn valid(
        self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Self, ValidationError> {
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            return Err(ValidationError::new(
                "valid_until",
                "a time after `valid_from`",
            ));
        }
        Ok(Self {
            valid_from: from,
            valid_until: until,
            ..self
        })
    }

    /// Returns the promised availability.
    #[must_use]
    pub const fn target(&self) -> Percent {
        self.target
    }

    /// Returns the table of credits.
    #[must_use]
    pub const fn scale(&self) -> &Scale {
        &self.scale
    }

    /// Returns the tiers by length of outage, ascending; empty for a table by availability.
    #[must_use]
    pub fn tiers(&self) -> &[Tier] {
        match &self.scale {
            Scale::ByOutage(tiers) => tiers,
            Scale::ByAvailability(_) => &[],
        }
    }

    /// Returns the basis of one credit.
    #[must_use]
    pub const fn basis(&self) -> Basis {
        self.basis
    }

    /// Returns the zone of the calendar.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// Returns the weight of a partial outage.
    #[must_use]
    pub const fn partial_weight(&self) -> Percent {
        self.partial_weight
    }

    /// Returns the weight of an incident's downtime, which was partial or not.
    #[must_use]
    pub const fn weight(&self, is_partial: bool) -> Percent {
        if is_partial {
            self.partial_weight()
        } else {
            Percent::HUNDRED
        }
    }

    /// Returns the windows in which downtime does not count.
    #[must_use]
    pub fn exclusions(&self) -> &[Exclusion] {
        &self.counting.exclusions
    }

    /// Returns the version of the terms.
    #[must_use]
    pub const fn version(&self) -> &Name {
        &self.version
    }

    /// Returns the start and the end (exclusive) of the time range in which the terms are valid.
    #[must_use]
    pub const fn validity(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        (self.valid_from, self.valid_until)
    }

    /// Returns the maximum credit of one tenant in a period.
    ///
    /// This is the highest credit of the table unless another cap was agreed.
    #[must_use]
    pub fn cap(&self) -> Percent {
        self.cap.unwrap_or_else(|| self.scale.top())
    }

    /// Returns the part of an outage that counts.
    #[must_use]
    pub fn counted<'a>(&self, outage: &'a Windows) -> Cow<'a, Windows> {
        self.counting.counted(outage)
    }

    /// Returns `true` if outages are measured from start to end before they count.
    ///
    /// This is so if short outages do not count, or only whole minutes do.
    #[must_use]
    pub fn measures_runs(&self) -> bool {
        !self.counting.minimum.is_zero() || self.counting.whole_minutes
    }

    pub(super) const fn counting(&self) -> &Counting {
        &self.counting
    }

    /// Computes the credit for a downtime in a period of `period_us` microseconds, before the cap.
    ///
    /// A threshold is reached at `>=`; nothing is rounded before. Without downtime there is no
    /// credit.
    #[must_use]
    pub fn credit_for(&self, down: Downtime, period_us: u64) -> Percent {
        self.scale.credit(down, period_us)
    }
}

impl SlaTerms {
    /// Formats an availability for display under these terms.
    ///
    /// The text is on the same side of the target and of every bound of the table as the exact
    /// value. See [`Availability::format_against`].
    #[must_use]
    pub fn format_availability(&self, availability: Availability) -> String {
        availability.format_against(self.scale.bounds().chain([self.target]))
    }
}

impl Default for SlaTerms {
    /// Creates terms of 99.9 % with 0, 10, 25, 50 % from 0, 45, 240, 720 minutes on; per incident,
    /// in UTC.
    fn default() -> Self {
        let tier = |from_minutes, percent| Tier {
            from_minutes,
            credit_percent: Percent::of_whole(percent).unwrap_or_default(),
        };
        let tiers = vec![tier(0, 0), tier(45, 10), tier(240, 25), tier(720, 50)];
        let target = Percent::HUNDRED.saturating_sub(Percent::of_thousandths(100));
        Self::with_scale(target, Scale::ByOutage(tiers), Name::made("default-1"))
    }
}

impl TryFrom<Raw> for SlaTerms {
    type Error = ValidationError;

    fn try_from(raw: Raw) -> Result<Self, ValidationError> {
        let scale = match (raw.tiers.is_empty(), raw.availability_tiers.is_empty()) {
            (false, false) => {
                return Err(ValidationError::new(
                    "availability_tiers",
                    "either `tiers` (by outage) or `availability_tiers`, not both",
                ));
            }
            (_, true) => Scale::by_outage(raw.tiers)?,
            (true, false) => Scale::by_availability(raw.availability_tiers)?,
        };
        let mut terms = Self::with_scale(raw.target_percent, scale, raw.version)
            .per(raw.basis.unwrap_or_default())?
            .in_zone(raw.timezone)
            .counting_from(Duration::from_secs(raw.minimum_outage_seconds.into()))
            .weighing_partial(raw.partial_weight_percent)
            .excluding(raw.exclusions)?
            .valid(raw.valid_from, raw.valid_until)?;
        terms.counting.whole_minutes = raw.whole_minutes;
        terms.cap = raw.cap_percent;
        Ok(terms)
    }
}

impl From<SlaTerms> for Raw {
    fn from(terms: SlaTerms) -> Self {
        let (tiers, availability_tiers) = match terms.scale {
            Scale::ByOutage(tiers) => (tiers, Vec::new()),
            Scale::ByAvailability(rows) => (Vec::new(), rows),
        };
        let seconds = terms.counting.minimum.as_secs();
        Self {
            target_percent: terms.target,
            tiers,
            availability_tiers,
            basis: Some(terms.basis),
            timezone: terms.zone,
            exclusions: terms.counting.exclusions,
            minimum_outage_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
            whole_minutes: terms.counting.whole_minutes,
            partial_weight_percent: terms.partial_weight,
            cap_percent: terms.cap,
            valid_from: terms.valid_from,
            valid_until: terms.valid_until,
            version: terms.version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MINUTE_US;

    fn terms(tiers: &[(u32, u32)]) -> Result<SlaTerms, ValidationError> {
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
    fn credits_of_a_table_rise_or_stay() {
        assert!(terms(&[(0, 10), (45, 10), (60, 25)]).is_ok());
        let wrong = terms(&[(0, 10), (45, 25), (60, 10)]).unwrap_err();
        assert_eq!(wrong.field(), "tiers/2/credit_percent");
    }

    #[test]
    fn another_cap_may_be_agreed() {
        let terms = SlaTerms::default();
        assert_eq!(terms.cap(), Percent::of_whole(50).unwrap());
        let five = Percent::of_whole(5).unwrap();
        assert_eq!(terms.capped_at(five).cap(), five);
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
                terms.credit_for(Downtime::of(outage), u64::MAX),
                Percent::of_whole(credit).unwrap(),
                "{outage} us"
            );
        }
        assert_eq!(terms.target().to_string(), "99.9");
    }

    #[test]
    fn invalid_tables_are_refused_by_name() {
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

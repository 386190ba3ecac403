//! Calendar periods of contracts: months, quarters and years.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Month, Timestamp, ValidationError, Window, Zone};

/// The length of a contract's periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodKind {
    /// A calendar month.
    Month,
    /// Three calendar months, starting in January, April, July or October.
    Quarter,
    /// A calendar year.
    Year,
}

impl PeriodKind {
    /// Returns the name: `month`, `quarter` or `year`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// Returns the number of calendar months in the period.
    #[must_use]
    pub const fn months(self) -> u8 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }
}

/// A month, a quarter or a year of the calendar: `2026-11`, `2026-Q4`, `2026`.
///
/// ```
/// use incident_core::{Period, PeriodKind, Zone};
/// let quarter: Period = "2026-Q4".parse()?;
/// assert_eq!(quarter.window(Zone::UTC).start().to_string(), "2026-10-01T00:00:00Z");
/// assert_eq!(quarter.kind(), PeriodKind::Quarter);
/// assert_eq!(Period::of_month("2026-11".parse()?, PeriodKind::Quarter), quarter);
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    first: Month,
    kind: PeriodKind,
}

const EXPECTED: &str = "a month, a quarter or a year, such as 2026-11, 2026-Q4 or 2026";

impl Period {
    /// Returns the period of a kind that contains a month.
    #[must_use]
    pub fn of_month(month: Month, kind: PeriodKind) -> Self {
        let (year, number) = month.parts();
        let first = number - (number - 1) % kind.months();
        Self {
            first: Month::from_parts(year, first).unwrap_or(month),
            kind,
        }
    }

    /// Returns the period to which an end belongs, by the calendar of a zone.
    ///
    /// An end exactly at a period's start belongs to the period before, as `end` is exclusive.
    #[must_use]
    pub fn of_end(end: Timestamp, kind: PeriodKind, zone: Zone) -> Self {
        Self::of_month(Month::of_end_in(end, zone), kind)
    }

    /// Returns the first month of the period.
    #[must_use]
    pub const fn first_month(self) -> Month {
        self.first
    }

    /// Returns the length of the period.
    #[must_use]
    pub const fn kind(self) -> PeriodKind {
        self.kind
    }

    /// Returns the whole period by the calendar of a zone, as a half-open window.
    #[must_use]
    pub fn window(self, zone: Zone) -> Window {
        let start = self.first.window_in(zone).start();
        let (year, first) = self.first.parts();
        let last = Month::from_parts(year, first + self.kind.months() - 1);
        let end = last.unwrap_or(self.first).window_in(zone).end();
        Window::spanning(start, end)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, first) = self.first.parts();
        match self.kind {
            PeriodKind::Month => fmt::Display::fmt(&self.first, f),
            PeriodKind::Quarter => write!(f, "{year:04}-Q{}", first / 3 + 1),
            PeriodKind::Year => write!(f, "{year:04}"),
        }
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Period {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let wrong = || ValidationError::new("period", EXPECTED);
        let (first, kind) = match text.split_once("-Q") {
            Some((year, quarter @ ("1" | "2" | "3" | "4"))) => {
                let number = quarter.parse::<u8>().map_err(|_| wrong())? * 3 - 2;
                (format!("{year}-{number:02}"), PeriodKind::Quarter)
            }
            Some(_) => return Err(wrong()),
            None if text.len() == 4 => (format!("{text}-01"), PeriodKind::Year),
            None => (text.to_owned(), PeriodKind::Month),
        };
        let first = first.parse::<Month>().map_err(|_| wrong())?;
        Ok(Self { first, kind })
    }
}

impl TryFrom<String> for Period {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names() {
        let named = |kind: PeriodKind| (kind.name(), kind.months());
        assert_eq!(named(PeriodKind::Month), ("month", 1));
        assert_eq!(named(PeriodKind::Quarter), ("quarter", 3));
        assert_eq!(named(PeriodKind::Year), ("year", 12));
    }

    #[test]
    fn periods_are_read_and_printed() {
        for (text, kind) in [
            ("2026-11", PeriodKind::Month),
            ("2026-Q1", PeriodKind::Quarter),
            ("2026-Q4", PeriodKind::Quarter),
            ("2026", PeriodKind::Year),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!((period.to_string().as_str(), period.kind()), (text, kind));
            assert_eq!(format!("{period:?}"), text);
        }
        for bad in [
            "", "2026-Q0", "2026-Q5", "2026-Q04", "26-Q1", "1969", "2026-13", "2026-1",
        ] {
            assert_eq!(
                bad.parse::<Period>().unwrap_err().field(),
                "period",
                "{bad}"
            );
        }
    }

    #[test]
    fn quarters_and_years_are_made_of_their_months() {
        for zone in [Zone::UTC, "America/New_York".parse().unwrap()] {
            for (period, months) in [
                ("2026-Q2", &["2026-04", "2026-05", "2026-06"][..]),
                ("2026-11", &["2026-11"]),
            ] {
                let whole = period.parse::<Period>().unwrap().window(zone).micros();
                let parts = months.iter().map(|month| month.parse::<Month>().unwrap());
                let sum: u64 = parts.map(|month| month.window_in(zone).micros()).sum();
                assert_eq!(whole, sum, "{period} {zone}");
            }
        }
        let year: Period = "2028".parse().unwrap();
        assert_eq!(year.window(Zone::UTC).micros() / crate::time::DAY_US, 366);
        let end = "2026-10-01T00:00:00Z".parse().unwrap();
        let quarter = Period::of_end(end, PeriodKind::Quarter, Zone::UTC);
        assert_eq!(quarter.to_string(), "2026-Q3");
    }
}

//! Percentages as integers: parts per million, so 99.95 % is 999 500.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ValidationError;

/// A percentage from 0 to 100, exact to four decimals.
///
/// Reads and prints a decimal string without trailing zeros. The wire format is that string, never
/// a float.
///
/// ```
/// use incident_core::Percent;
/// let target: Percent = "99.9".parse()?;
/// assert_eq!(target.ppm(), 999_000);
/// assert_eq!(target.to_string(), "99.9");
/// assert_eq!(Percent::of_whole(10)?.to_string(), "10");
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent(u32);

const EXPECTED: &str = "a percentage from 0 to 100 with at most four decimals, such as \"99.95\"";

impl Percent {
    /// 0 %.
    pub const ZERO: Self = Self(0);
    /// 100 %.
    pub const HUNDRED: Self = Self(1_000_000);

    /// Creates a percentage from parts per million; 1 000 000 is 100 %.
    ///
    /// # Errors
    /// Fails above 100 %.
    pub fn from_ppm(ppm: u32) -> Result<Self, ValidationError> {
        if ppm <= Self::HUNDRED.0 {
            Ok(Self(ppm))
        } else {
            Err(ValidationError::new("percent", EXPECTED))
        }
    }

    /// Creates a percentage from whole percents.
    ///
    /// # Errors
    /// Fails above 100 %.
    pub fn of_whole(percent: u32) -> Result<Self, ValidationError> {
        Self::from_ppm(percent.saturating_mul(10_000))
    }

    /// Creates a percentage below 100 % from thousandths of a percent, for constants of this crate.
    pub(crate) const fn of_thousandths(thousandths: u32) -> Self {
        Self(thousandths * 10)
    }

    /// Returns parts per million.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// Returns the sum, at most 100 %.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self((self.0 + other.0).min(Self::HUNDRED.0))
    }

    /// Returns the difference, at least 0 %.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Formats all four decimals, as availabilities are displayed: `99.9120`.
    #[must_use]
    pub fn to_fixed(self) -> String {
        format!("{}.{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

impl FromStr for Percent {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let wrong = || ValidationError::new("percent", EXPECTED);
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str, most: usize| {
            (1..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit())
        };
        if !digits(whole, 3) || !digits(decimals, 4) {
            return Err(wrong());
        }
        let padded = format!("{decimals:0<4}");
        match (whole.parse::<u32>(), padded.parse::<u32>()) {
            (Ok(whole), Ok(decimals)) => Self::from_ppm(whole * 10_000 + decimals),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Percent {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        text.parse()
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        percent.to_string()
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fixed = self.to_fixed();
        f.write_str(fixed.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl fmt::Debug for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_decimals() {
        for (text, ppm, printed) in [
            ("0", 0, "0"),
            ("100", 1_000_000, "100"),
            ("99.9", 999_000, "99.9"),
            ("0.0001", 1, "0.0001"),
            ("10.50", 105_000, "10.5"),
        ] {
            let percent: Percent = text.parse().unwrap();
            assert_eq!(
                (percent.ppm(), percent.to_string().as_str()),
                (ppm, printed)
            );
        }
    }

    #[test]
    fn refuses_what_is_no_percentage() {
        for bad in [
            "", "-1", "101", "100.0001", "1.00001", "1.", ".5", "1e1", "+1", "٣",
        ] {
            assert!(bad.parse::<Percent>().is_err(), "{bad} was accepted");
        }
    }
}

//! Severity, and the priority derived from impact and urgency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ValidationError;

/// The severity of an incident. `Sev1 < Sev2` as in the names: the lower number is worse, see
/// [`Severity::is_worse_than`].
///
/// Reads `SEV1`, `SEV-1`, `sev1` and `P1`; prints `SEV1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Severity {
    /// Critical.
    Sev1,
    /// Major.
    Sev2,
    /// Minor.
    Sev3,
    /// Low.
    Sev4,
}

impl Severity {
    /// All severities, worst first.
    pub const ALL: [Self; 4] = [Self::Sev1, Self::Sev2, Self::Sev3, Self::Sev4];

    /// Returns `true` if this is worse than `other`.
    #[must_use]
    pub fn is_worse_than(self, other: Self) -> bool {
        self < other
    }

    /// Returns the name, `SEV1` to `SEV4`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sev1 => "SEV1",
            Self::Sev2 => "SEV2",
            Self::Sev3 => "SEV3",
            Self::Sev4 => "SEV4",
        }
    }
}

impl FromStr for Severity {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let lower = text.to_ascii_lowercase();
        let digit = lower
            .strip_prefix("sev-")
            .or_else(|| lower.strip_prefix("sev"))
            .or_else(|| lower.strip_prefix('p'));
        match digit {
            Some("1") => Ok(Self::Sev1),
            Some("2") => Ok(Self::Sev2),
            Some("3") => Ok(Self::Sev3),
            Some("4") => Ok(Self::Sev4),
            _ => Err(ValidationError::new(
                "severity",
                "one of SEV1, SEV2, SEV3, SEV4",
            )),
        }
    }
}

impl TryFrom<String> for Severity {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        text.parse()
    }
}

impl From<Severity> for String {
    fn from(severity: Severity) -> Self {
        severity.name().to_owned()
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A level of user impact or of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// The order of work, derived from impact and urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum Priority {
    /// First.
    P1,
    /// Second.
    P2,
    /// Third.
    P3,
    /// Last.
    P4,
}

impl Priority {
    /// Returns the name, `P1` to `P4`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
        }
    }

    /// Returns the priority by the matrix of impact and urgency.
    #[must_use]
    pub const fn of(impact: Level, urgency: Level) -> Self {
        match (urgency, impact) {
            (Level::High, Level::High) => Self::P1,
            (Level::High, Level::Medium) | (Level::Medium, Level::High) => Self::P2,
            (Level::High, Level::Low)
            | (Level::Medium, Level::Medium)
            | (Level::Low, Level::High) => Self::P3,
            (Level::Medium, Level::Low) | (Level::Low, Level::Medium | Level::Low) => Self::P4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_read_in_every_common_spelling() {
        for text in ["SEV2", "SEV-2", "sev2", "Sev-2", "P2", "p2"] {
            assert_eq!(text.parse::<Severity>().unwrap(), Severity::Sev2);
        }
        for bad in [
            "", "2", "SEV0", "SEV5", "SEV22", " SEV2", "critical", "SEV--2",
        ] {
            assert!(bad.parse::<Severity>().is_err(), "{bad:?} was accepted");
        }
        assert_eq!(Severity::Sev3.to_string(), "SEV3");
    }

    #[test]
    fn the_matrix_is_the_published_one() {
        use Level::{High, Low, Medium};
        use Priority::{P1, P2, P3, P4};
        let rows = [
            (High, [P3, P2, P1]),
            (Medium, [P4, P3, P2]),
            (Low, [P4, P4, P3]),
        ];
        for (urgency, expected) in rows {
            assert_eq!(
                [Low, Medium, High].map(|impact| Priority::of(impact, urgency)),
                expected
            );
        }
    }
}

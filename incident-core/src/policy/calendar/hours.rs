//! Opening hours of a day.

use std::fmt;
use std::str::FromStr;

use crate::ValidationError;

const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// Opening hours of a day by the clocks on the wall: `[start, end)`, in minutes since midnight.
///
/// Reads and prints `09:00-12:30`. The end may be `24:00`, the midnight after the day.
///
/// ```
/// use incident_core::policy::OpeningHours;
/// let morning: OpeningHours = "09:00-12:30".parse()?;
/// assert_eq!(morning, OpeningHours::new(9 * 60, 12 * 60 + 30)?);
/// assert!("12:30-09:00".parse::<OpeningHours>().is_err());
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpeningHours {
    start: u16,
    end: u16,
}

impl OpeningHours {
    /// Creates opening hours from two minutes of the day, 0..=1440.
    ///
    /// # Errors
    /// Fails if the end is not after the start, or after 24:00.
    pub fn new(start: u16, end: u16) -> Result<Self, ValidationError> {
        if start < end && end <= MINUTES_OF_A_DAY {
            Ok(Self { start, end })
        } else {
            Err(wrong_hours())
        }
    }

    /// Returns the minute of the day at which they begin.
    #[must_use]
    pub const fn start(self) -> u16 {
        self.start
    }

    /// Returns the first minute of the day after them; at most 1440.
    #[must_use]
    pub const fn end(self) -> u16 {
        self.end
    }
}

fn wrong_hours() -> ValidationError {
    ValidationError::new(
        "hours",
        "a start and a later end in hours and minutes, such as \"09:00-12:30\"",
    )
}

/// Reads `09:30` as a minute of the day; `24:00` is one.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (minutes < 60).then_some(hours * 60 + minutes)
}

impl FromStr for OpeningHours {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let (start, end) = text.split_once('-').ok_or_else(wrong_hours)?;
        let start = minute_of_day(start).ok_or_else(wrong_hours)?;
        Self::new(start, minute_of_day(end).ok_or_else(wrong_hours)?)
    }
}

impl fmt::Display for OpeningHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [start, end] = [self.start, self.end].map(|minute| (minute / 60, minute % 60));
        write!(f, "{:02}:{:02}-{:02}:{:02}", start.0, start.1, end.0, end.1)
    }
}

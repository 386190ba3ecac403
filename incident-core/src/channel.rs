//! The name of the chat channel of a new incident, by configuration.

use std::str::FromStr;

use chrono::TimeDelta;

use crate::{Name, Timestamp, ValidationError, Zone};

/// Number of digits that the number of an incident has at least in the name of its channel.
const DIGITS: usize = 3;

/// A pattern for the channels of new incidents, such as `#incident-{date}-{number}`.
///
/// `{date}` is the day of the declaration in the zone of the team, `YYYY-MM-DD`; `{number}` is the
/// number of the incident, with three digits at least. Without either of them, all incidents share
/// a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPattern {
    text: String,
    zone: Zone,
}

impl ChannelPattern {
    /// Creates a pattern; days begin as in `zone`.
    ///
    /// # Errors
    /// Fails if the pattern has another placeholder or a brace outside of one, or if it makes a
    /// name that is invalid or, for a large number, too long.
    pub fn new(text: &str, zone: Zone) -> Result<Self, ValidationError> {
        let pattern = Self {
            text: text.to_owned(),
            zone,
        };
        let longest = pattern.fill(u64::MAX, Timestamp::MAX);
        if longest.contains(['{', '}']) {
            let expected = "a name with no other placeholders than {date} and {number}";
            return Err(ValidationError::new("channel", expected));
        }
        Name::new(&longest).map_err(|wrong| wrong.at("channel"))?;
        Ok(pattern)
    }

    /// Returns the name of the channel of an incident.
    #[must_use]
    pub fn name(&self, number: u64, declared_at: Timestamp) -> Name {
        // The longest name was checked, and none has other characters.
        Name::made(&self.fill(number, declared_at))
    }

    fn fill(&self, number: u64, declared_at: Timestamp) -> String {
        let offset = TimeDelta::seconds(self.zone.offset_at(declared_at).into());
        let declared_at = declared_at.to_chrono();
        let local = declared_at.checked_add_signed(offset);
        let day = local.unwrap_or(declared_at).format("%Y-%m-%d").to_string();
        let number = format!("{number:0DIGITS$}");
        self.text
            .replace("{date}", &day)
            .replace("{number}", &number)
    }
}

impl FromStr for ChannelPattern {
    type Err = ValidationError;

    /// Creates a pattern whose days are those of UTC.
    fn from_str(text: &str) -> Result<Self, ValidationError> {
        Self::new(text, Zone::UTC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn both_forms_of_a_name_are_made() {
        let utc = |text: &str| text.parse::<ChannelPattern>().unwrap();
        let late = at("2026-11-20T23:30:00Z");
        for (pattern, number, expected) in [
            ("#incident-{date}-{number}", 7, "#incident-2026-11-20-007"),
            ("#incident-{date}", 7, "#incident-2026-11-20"),
            ("inc-{number}", 1234, "inc-1234"),
            ("{number}{number}", 1, "001001"),
            ("#war-room", 7, "#war-room"),
        ] {
            assert_eq!(utc(pattern).name(number, late).as_str(), expected);
        }
    }

    /// The day is that of the team, also where it has begun already or not yet.
    #[test]
    fn the_day_is_that_of_the_zone() {
        let late = at("2026-11-20T23:30:00Z");
        for (zone, expected) in [
            ("Europe/Paris", "2026-11-21"),
            ("America/New_York", "2026-11-20"),
            ("UTC", "2026-11-20"),
        ] {
            let pattern = ChannelPattern::new("{date}", zone.parse().unwrap()).unwrap();
            assert_eq!(pattern.name(1, late).as_str(), expected, "{zone}");
        }
        let last = ChannelPattern::new("{date}", "Asia/Tokyo".parse().unwrap()).unwrap();
        assert!(!last.name(1, Timestamp::MAX).as_str().is_empty());
    }

    #[test]
    fn patterns_that_make_no_name_are_refused() {
        let long = "x".repeat(191);
        for wrong in [
            "",
            "#{day}",
            "#{date",
            "#date}",
            "{}",
            "#{Number}",
            "\u{200b}",
            "a\nb",
            &format!("{long}{{date}}"),
            &format!("{long}{{number}}"),
        ] {
            let refused = wrong.parse::<ChannelPattern>().unwrap_err();
            assert_eq!(refused.field(), "channel", "{wrong:?}");
        }
    }
}

//! The id of a pager: its name and its account at the vendor.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ValidationError;

/// A configured pager: a name for people (`log`, `pagerduty`, `opsgenie`, ...) and, if the
/// vendor has several, the account in which its alerts are open.
///
/// Vendors deduplicate per key: PagerDuty knows an alert by routing key and `dedup_key`,
/// OpsGenie by integration and alias. An alert opened under an older key can only be closed
/// under that key, so the account is part of the stored id. It is a fingerprint, never the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetId {
    name: String,
    account: Option<String>,
}

impl TargetId {
    /// Creates the id of a pager without an account.
    ///
    /// # Errors
    /// Fails unless the name has 1 to 64 characters of `a-z`, `0-9`, `-` and `_`.
    pub fn new(name: &str) -> Result<Self, ValidationError> {
        let fits = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if fits {
            Ok(Self {
                name: name.to_owned(),
                account: None,
            })
        } else {
            Err(ValidationError::new(
                "target",
                "1 to 64 characters from a-z, 0-9, `-` and `_`",
            ))
        }
    }

    /// Sets the account.
    ///
    /// # Errors
    /// Fails unless the fingerprint has 1 to 64 characters of `a-z` and `0-9`.
    pub fn in_account(self, fingerprint: &str) -> Result<Self, ValidationError> {
        let fits = (1..=64).contains(&fingerprint.len())
            && fingerprint
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if fits {
            Ok(Self {
                account: Some(fingerprint.to_owned()),
                ..self
            })
        } else {
            Err(ValidationError::new(
                "account",
                "1 to 64 characters from a-z and 0-9",
            ))
        }
    }

    /// Returns the id of the log pager: `log`.
    #[must_use]
    pub fn log() -> Self {
        Self {
            name: "log".to_owned(),
            account: None,
        }
    }

    /// Returns the id of billing if no sink is configured: `billing`.
    #[must_use]
    pub(crate) fn billing() -> Self {
        Self {
            name: "billing".to_owned(),
            account: None,
        }
    }

    /// Returns the name, which timeline, audit and metrics use.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the fingerprint of the account.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }
}

/// Parses `name` or `name#account`.
impl TryFrom<String> for TargetId {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        match text.split_once('#') {
            Some((name, account)) => Self::new(name)?.in_account(account),
            None => Self::new(&text),
        }
    }
}

impl From<TargetId> for String {
    fn from(target: TargetId) -> Self {
        match target.account {
            Some(account) => format!("{}#{account}", target.name),
            None => target.name,
        }
    }
}

/// Writes the name, without the account.
impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_part_of_what_is_kept_and_not_of_what_is_shown() {
        let target = TargetId::new("pagerduty")
            .unwrap()
            .in_account("3f9a")
            .unwrap();
        let kept = serde_json::to_string(&target).unwrap();
        assert_eq!(
            (kept.as_str(), target.to_string().as_str()),
            ("\"pagerduty#3f9a\"", "pagerduty")
        );
        assert_eq!(serde_json::from_str::<TargetId>(&kept).unwrap(), target);
        assert_eq!(
            (target.name(), target.account()),
            ("pagerduty", Some("3f9a"))
        );
        assert_eq!(TargetId::new("pagerduty").unwrap().account(), None);
        assert_ne!(TargetId::new("pagerduty").unwrap(), target);
        for wrong in ["", "Pager", "a#", "a#B", "a b", "a#b#c"] {
            assert!(TargetId::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}

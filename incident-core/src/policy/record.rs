//! A policy as it is stored, with the time from which it holds.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Policy;
use crate::Timestamp;
use crate::chain::Hash;

/// A policy that is or was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRecord {
    /// SHA-256 of the body.
    pub hash: Hash,
    /// Time from which it holds, until that of the next record.
    pub since: Timestamp,
    /// The policy as JSON, as it was hashed.
    pub body: Arc<str>,
}

impl PolicyRecord {
    /// Creates the record of a policy that holds from `since`.
    ///
    /// # Errors
    /// Fails if the policy cannot be written as JSON, which holds for no policy that was read.
    pub fn new(policy: &Policy, since: Timestamp) -> Result<Self, serde_json::Error> {
        let body: Arc<str> = serde_json::to_string(policy)?.into();
        let hash = Hash(Sha256::digest(body.as_bytes()).into());
        Ok(Self { hash, since, body })
    }

    /// Returns the policy.
    ///
    /// # Errors
    /// Fails if the body is not that of a policy.
    pub fn policy(&self) -> Result<Policy, serde_json::Error> {
        serde_json::from_str(&self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tables::tests::read;

    /// Policies that were stored before they had thresholds of classification are read with those that
    /// ship, and one that names none has the hash that it had.
    #[test]
    fn thresholds_that_ship_are_not_in_the_body() {
        let shipped = PolicyRecord::new(&Policy::default(), Timestamp::MIN).unwrap();
        assert!(!shipped.body.contains("classification"), "{}", shipped.body);
        assert_eq!(shipped.policy().unwrap(), Policy::default());
        for named in [
            r#"{"classification": {}}"#,
            r#"{"classification": {"many_users_percent": "20"}}"#,
        ] {
            let record = PolicyRecord::new(&read(named).unwrap(), Timestamp::MIN).unwrap();
            assert_eq!(record, shipped, "{named}");
        }
        let other = r#"{"classification": {"many_users_percent": "10"}}"#;
        let other = read(other).unwrap();
        let record = PolicyRecord::new(&other, Timestamp::MIN).unwrap();
        assert_ne!(record.hash, shipped.hash);
        // All of them are written, so that the record says what held.
        let body: serde_json::Value = serde_json::from_str(&record.body).unwrap();
        let expected = serde_json::json!({
            "most_users_percent": "90", "many_users_percent": "10",
            "critical_revenue_per_hour": {"minor": 1_000_000, "currency": "XAF"},
            "major_revenue_per_hour": {"minor": 100_000, "currency": "XAF"}
        });
        assert_eq!(body["classification"], expected);
        assert_eq!(record.policy().unwrap(), other);
    }
}

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

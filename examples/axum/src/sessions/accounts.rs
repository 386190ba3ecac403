//! The accounts of people who sign in.

use std::fmt;

use async_trait::async_trait;
use incident_core::PersonName;
use incident_core::actor::Caller;

use crate::authenticate::AuthError;

/// A caller, with a fingerprint of the credential that proves it.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The caller.
    pub caller: Caller,
    /// A value that changes with the credential, such as its SHA-256. Sessions hold only a keyed
    /// digest of it, and end when the fingerprint is no longer among those of the person.
    pub fingerprint: [u8; 32],
}

/// Without the fingerprint.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Login").field(&self.caller).finish()
    }
}

/// The accounts of people who sign in. [`Tokens`](crate::Tokens) implements it.
///
/// The accounts are consulted for every request with a session, so that a withdrawn credential ends
/// its sessions and a new role holds at once.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Returns the login of a token that a person has typed in.
    ///
    /// # Errors
    /// Returns [`AuthError::Invalid`] for an unknown token, and [`AuthError::Unavailable`] if the
    /// accounts cannot be read now.
    async fn login(&self, token: &str) -> Result<Login, AuthError>;

    /// Returns the logins of a person that are valid now, in any order; none for a person without
    /// access.
    ///
    /// # Errors
    /// Returns [`AuthError::Unavailable`] if the accounts cannot be read now.
    async fn logins_of(&self, person: &PersonName) -> Result<Vec<Login>, AuthError>;
}

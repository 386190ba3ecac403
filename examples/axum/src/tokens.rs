//! Tokens: identification of callers and their roles.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use incident_core::PersonName;
use incident_core::actor::{Actor, Caller, Role};
use sha2::{Digest, Sha256};

use crate::authenticate::{AuthError, Authenticate};
use crate::http::headers::single;
use crate::sessions::{Accounts, Login};

/// Maximum number of tokens.
pub const MAX_TOKENS: usize = 1_000;
/// Maximum length of a token, in bytes.
pub const TOKEN_BYTES: usize = 512;

/// The known tokens, as digests: the timing of a look-up by digest reveals nothing, and a memory
/// dump contains no token.
#[derive(Clone, Default)]
pub struct Tokens(HashMap<[u8; 32], Caller>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

impl Tokens {
    /// Parses `actor:role:token` entries separated by commas.
    ///
    /// # Errors
    /// Returns a sentence that names the invalid part, without the token.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut tokens = Self::default();
        if list.split(',').count() > MAX_TOKENS {
            return Err(format!("expected at most {MAX_TOKENS} tokens"));
        }
        for (at, entry) in list.split(',').enumerate() {
            let at = at + 1;
            let mut parts = entry.trim().splitn(3, ':');
            let (Some(actor), Some(role), Some(token)) = (parts.next(), parts.next(), parts.next())
            else {
                return Err(format!("entry {at}: expected ACTOR:ROLE:TOKEN"));
            };
            let name = PersonName::new(actor).map_err(|error| format!("entry {at}: {error}"))?;
            let role: Role = role
                .parse()
                .map_err(|error| format!("entry {at}: {error}"))?;
            if token.len() > TOKEN_BYTES {
                return Err(format!(
                    "entry {at}: token: expected at most {TOKEN_BYTES} bytes"
                ));
            }
            if token.len() < 16 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(format!(
                    "entry {at}: token: expected at least 16 visible ASCII characters"
                ));
            }
            if tokens
                .insert(
                    token,
                    Caller {
                        actor: Actor::person(name),
                        role,
                    },
                )
                .is_some()
            {
                return Err(format!("entry {at} repeats the token of an earlier entry"));
            }
        }
        Ok(tokens)
    }

    /// Returns `true` if there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a token and returns its previous caller, if any.
    pub fn insert(&mut self, token: &str, caller: Caller) -> Option<Caller> {
        self.0
            .insert(Sha256::digest(token.as_bytes()).into(), caller)
    }

    /// Finds the caller of the bearer token in the headers of a request.
    ///
    /// # Errors
    /// Fails if there is no bearer token, an unknown one, or more than one.
    pub fn find(&self, headers: &HeaderMap) -> Result<Caller, AuthError> {
        let value = single(headers, header::AUTHORIZATION.as_str())
            .map_err(|_| AuthError::Repeated)?
            .ok_or(AuthError::Missing)?;
        let (scheme, token) = value.split_once(' ').ok_or(AuthError::Invalid)?;
        // The scheme is case-insensitive (RFC 9110, 11.1).
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(AuthError::Invalid);
        }
        let digest: [u8; 32] = Sha256::digest(token.trim().as_bytes()).into();
        self.0.get(&digest).cloned().ok_or(AuthError::Invalid)
    }
}

/// The people of the tokens sign in with them.
#[async_trait]
impl Accounts for Tokens {
    async fn login(&self, token: &str) -> Result<Login, AuthError> {
        let fingerprint: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let caller = self.0.get(&fingerprint).cloned();
        let caller = caller.ok_or(AuthError::Invalid)?;
        Ok(Login {
            caller,
            fingerprint,
        })
    }

    async fn logins_of(&self, person: &PersonName) -> Result<Vec<Login>, AuthError> {
        let of_person = |(fingerprint, caller): (&[u8; 32], &Caller)| {
            (caller.actor.name == *person).then(|| Login {
                caller: caller.clone(),
                fingerprint: *fingerprint,
            })
        };
        Ok(self.0.iter().filter_map(of_person).collect())
    }
}

#[async_trait]
impl Authenticate for Tokens {
    async fn authenticate(&self, parts: &mut Parts) -> Result<Caller, AuthError> {
        self.find(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_lists_are_refused_without_telling_the_token() {
        for bad in [
            "",
            "anna",
            "anna:admin",
            "anna:boss:0123456789abcdef",
            ":admin:0123456789abcdef",
            "anna:admin:secret",
            "a:admin:0123456789abcdef,b:viewer:0123456789abcdef",
        ] {
            let error = Tokens::parse(bad).unwrap_err();
            assert!(
                !error.contains("secret") && !error.contains("0123"),
                "{error}"
            );
        }
        let tokens =
            Tokens::parse("anna:admin:0123456789abcdef, bob:viewer:fedcba9876543210").unwrap();
        assert!(!format!("{tokens:?}").contains("0123"));
    }

    /// S16: one header, with a case-insensitive scheme.
    #[test]
    fn one_token_is_read_and_two_are_refused() {
        let tokens = Tokens::parse("bob:viewer:fedcba9876543210").unwrap();
        let right = "Bearer fedcba9876543210";
        for (values, expected) in [
            (&[][..], Err(AuthError::Missing)),
            (&[right], Ok(Role::Viewer)),
            (&["bearer fedcba9876543210"], Ok(Role::Viewer)),
            (&["BEARER   fedcba9876543210 "], Ok(Role::Viewer)),
            (&["Basic fedcba9876543210"], Err(AuthError::Invalid)),
            (&["fedcba9876543210"], Err(AuthError::Invalid)),
            (&["Bearer fedcba987654321"], Err(AuthError::Invalid)),
            (&["Bearer \u{e9}"], Err(AuthError::Invalid)),
            (&[right, right], Err(AuthError::Repeated)),
            (&["Bearer x", right], Err(AuthError::Repeated)),
        ] {
            let headers = values.iter().map(|value| {
                let value = axum::http::HeaderValue::from_bytes(value.as_bytes());
                (header::AUTHORIZATION, value.unwrap())
            });
            let found = tokens.find(&HeaderMap::from_iter(headers));
            assert_eq!(found.map(|caller| caller.role), expected, "{values:?}");
        }
    }
}

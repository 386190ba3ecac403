//! Tokens: who calls, and in which role.

use std::collections::HashMap;
use std::fmt;

use axum::http::{HeaderMap, StatusCode, header};
use incident_core::PersonName;
use incident_core::actor::{Actor, Caller, Role};
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// The tokens the console knows, as digests: a look-up by digest tells nothing
/// by its timing, and a dump of memory holds no token.
#[derive(Clone, Default)]
pub struct Tokens(HashMap<[u8; 32], Caller>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

impl Tokens {
    /// Reads `actor:role:token` separated by commas.
    ///
    /// # Errors
    /// A sentence that says which part is wrong, without the token.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut tokens = Self::default();
        for (at, entry) in list.split(',').enumerate() {
            let at = at + 1;
            let mut parts = entry.trim().splitn(3, ':');
            let (Some(actor), Some(role), Some(token)) = (parts.next(), parts.next(), parts.next())
            else {
                return Err(format!("entry {at} is not actor:role:token"));
            };
            let name = PersonName::new(actor)
                .map_err(|error| format!("the actor of entry {at} is not acceptable: {error}"))?;
            let role: Role = role
                .parse()
                .map_err(|error| format!("the role of entry {at} is not acceptable: {error}"))?;
            if token.len() < 16 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(format!(
                    "the token of entry {at} needs at least 16 visible ASCII characters"
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
                return Err(format!("the token of entry {at} stands there twice"));
            }
        }
        Ok(tokens)
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a token; returns whose it was before.
    pub fn insert(&mut self, token: &str, caller: Caller) -> Option<Caller> {
        self.0
            .insert(Sha256::digest(token.as_bytes()).into(), caller)
    }

    /// Who sent a request.
    ///
    /// # Errors
    /// 401 without a known bearer token.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let refused = || {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "send a known token: Authorization: Bearer TOKEN",
            )
        };
        let value = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(refused)?;
        let (scheme, token) = value.split_once(' ').ok_or_else(refused)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused());
        }
        let digest: [u8; 32] = Sha256::digest(token.trim().as_bytes()).into();
        self.0.get(&digest).cloned().ok_or_else(refused)
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
        let mut headers = HeaderMap::new();
        assert_eq!(
            tokens.authenticate(&headers).unwrap_err().status(),
            StatusCode::UNAUTHORIZED
        );
        headers.insert(
            header::AUTHORIZATION,
            "bearer fedcba9876543210".parse().unwrap(),
        );
        assert_eq!(tokens.authenticate(&headers).unwrap().role, Role::Viewer);
        assert!(!format!("{tokens:?}").contains("0123"));
    }
}

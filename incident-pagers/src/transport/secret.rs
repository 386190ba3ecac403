//! Keys of vendors: validated once, never shown.

use incident_core::ValidationError;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The integration key of a PagerDuty service (Events API v2).
#[derive(Clone, Debug)]
pub struct RoutingKey(SecretString);

/// The key of an OpsGenie or Jira Service Management API integration.
#[derive(Clone, Debug)]
pub struct ApiKey(SecretString);

impl RoutingKey {
    /// Creates a routing key.
    ///
    /// # Errors
    /// Fails if the key is not 32 ASCII letters and digits. The error does not repeat the input.
    pub fn new(key: impl Into<String>) -> Result<Self, ValidationError> {
        let key = key.into();
        if key.len() == 32 && key.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(SecretString::from(key)))
        } else {
            let expected = "a PagerDuty Events API v2 integration key: 32 letters and digits";
            Err(ValidationError::new("routing_key", expected))
        }
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl ApiKey {
    /// Creates an API key.
    ///
    /// # Errors
    /// Fails if the key is not 1 to 200 visible ASCII characters, or contains a quotation mark, a
    /// backslash or a comma. The error does not repeat the input.
    pub fn new(key: impl Into<String>) -> Result<Self, ValidationError> {
        let key = key.into();
        if (1..=200).contains(&key.len()) && key.bytes().all(is_key_byte) {
            Ok(Self(SecretString::from(key)))
        } else {
            let expected = "an OpsGenie API integration key: 1 to 200 visible ASCII characters";
            Err(ValidationError::new("api_key", expected))
        }
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Returns `true` for visible ASCII without quotation marks, backslashes and commas: the key must
/// look the same in every text that [`scrub`] removes it from.
const fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',')
}

/// Computes the account of a key: a digest of address and key that names the space in which its
/// alerts are open.
///
/// Keys are random, so the digest reveals nothing of them.
pub(crate) fn account(base: &str, key: &str) -> String {
    let digest = Sha256::new()
        .chain_update(base)
        .chain_update([0])
        .chain_update(key)
        .finalize();
    digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Removes a key from a text that the vendor wrote.
pub(crate) fn scrub(text: &str, key: &str) -> String {
    text.replace(key, "[key]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_checked_and_never_shown() {
        let canary = "c4n4ry00c4n4ry00c4n4ry00c4n4ry00";
        let routing = RoutingKey::new(canary).unwrap();
        let api = ApiKey::new(canary).unwrap();
        assert!(!format!("{routing:?} {api:?}").contains("c4n4ry"));
        for wrong in [
            "",
            "short",
            &canary[1..],
            "c4n4ry00c4n4ry00c4n4ry00c4n4ry0!",
        ] {
            let error = RoutingKey::new(wrong).unwrap_err();
            assert!(wrong.is_empty() || !error.to_string().contains(wrong));
        }
        for wrong in ["", "two words", "line\nfeed", "clé"] {
            assert!(ApiKey::new(wrong).is_err());
        }
        assert_ne!(account("https://a", "k"), account("https://b", "k"));
        assert_ne!(account("https://a", "k"), account("https://a", "l"));
    }
}

//! Secrets that webhook deliveries are verified with.

use std::str::FromStr;

use incident_core::ValidationError;
use secrecy::{ExposeSecret, SecretString};

/// The secret of a webhook: the key of its signatures, or the token that it carries.
///
/// Several are valid while one is replaced by another.
#[derive(Clone, Debug)]
pub struct WebhookSecret(SecretString);

impl WebhookSecret {
    /// Creates a secret.
    ///
    /// # Errors
    /// Fails if the secret is not 16 to 200 visible ASCII characters. The error does not repeat
    /// the input.
    pub fn new(secret: impl Into<String>) -> Result<Self, ValidationError> {
        let secret = secret.into();
        let fits = (16..=200).contains(&secret.len());
        if fits && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(SecretString::from(secret)))
        } else {
            let expected = "16 to 200 visible ASCII characters";
            Err(ValidationError::new("webhook_secret", expected))
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl FromStr for WebhookSecret {
    type Err = ValidationError;

    fn from_str(secret: &str) -> Result<Self, ValidationError> {
        Self::new(secret)
    }
}

//! Secrets that deliveries are proven with.

use incident_core::ValidationError;
use secrecy::{ExposeSecret, SecretString};

/// The secret of a webhook: the key of its signatures, or the token that it
/// carries. Several are known while one is replaced by another.
#[derive(Clone, Debug)]
pub struct WebhookSecret(SecretString);

impl WebhookSecret {
    /// A secret.
    ///
    /// # Errors
    /// Not 16 to 200 visible ASCII characters. The error does not repeat what was
    /// given.
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

//! The secret that batches of credits and notices are signed with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use incident_core::ValidationError;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// A symmetric secret of Standard Webhooks: `whsec_` and the base64 of 24 to 64 random bytes.
#[derive(Clone, Debug)]
pub struct SigningSecret(SecretSlice<u8>);

impl SigningSecret {
    /// Parses a secret.
    ///
    /// # Errors
    /// Fails if the secret has another form. The error does not repeat the input.
    pub fn new(secret: &str) -> Result<Self, ValidationError> {
        let wrong = || {
            ValidationError::new(
                "secret",
                "whsec_ followed by 24 to 64 random bytes in base64",
            )
        };
        let encoded = secret.trim().strip_prefix("whsec_").ok_or_else(wrong)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| wrong())?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(wrong());
        }
        Ok(Self(bytes.into()))
    }

    /// Returns the base64 of the bytes, to remove it from a text that the receiver wrote.
    pub(crate) fn expose(&self) -> String {
        STANDARD.encode(self.0.expose_secret())
    }

    /// Computes the signature header of a message: `v1,` and the base64 of the HMAC-SHA256 of id,
    /// timestamp in seconds and body, separated by dots.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        // Never fails: HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else {
            return String::new();
        };
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = secret.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(!format!("{secret:?}").contains("Mf"));
        for wrong in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            let error = SigningSecret::new(wrong).unwrap_err().to_string();
            assert!(!error.contains("c2hvcnQ") && !error.contains("MfKQ"));
        }
    }
}

//! Sessions, and the secrets that name them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use incident_core::{PersonName, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::accounts::Login;

/// The id of a session in a store: the SHA-256 of the secret in the browser's cookie. A store, its
/// backups and its logs hold nothing that signs anyone in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub [u8; 32]);

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.0;
        write!(f, "SessionId({first:02x}{second:02x}..)")
    }
}

/// A stored session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// The person who signed in.
    pub person: PersonName,
    /// The login, as HMAC-SHA-256 of its fingerprint under the secret of the session.
    pub login: [u8; 32],
    /// Time of the sign-in.
    pub created_at: Timestamp,
    /// Time of the last use, up to a few minutes ago.
    pub used_at: Timestamp,
}

/// The secret of a session: 32 bytes of two random UUIDs (RFC 9562, version 4), 244 of their bits
/// random.
#[derive(Clone)]
pub(crate) struct Secret([u8; 32]);

impl Secret {
    /// Generates a secret.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 32];
        let (front, back) = bytes.split_at_mut(16);
        front.copy_from_slice(Uuid::new_v4().as_bytes());
        back.copy_from_slice(Uuid::new_v4().as_bytes());
        Self(bytes)
    }

    /// Parses the value of a cookie.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Returns the value of the cookie.
    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Returns the id under which the session is stored.
    pub(crate) fn id(&self) -> SessionId {
        SessionId(Sha256::digest(self.0).into())
    }

    /// Returns the digest of a login that the session stores.
    pub(crate) fn digest(&self, login: &Login) -> [u8; 32] {
        self.mac(login).finalize().into_bytes().into()
    }

    /// Returns `true` if a stored digest is that of a login, in constant time.
    pub(crate) fn proves(&self, login: &Login, digest: &[u8; 32]) -> bool {
        self.mac(login).verify_slice(digest).is_ok()
    }

    fn mac(&self, login: &Login) -> Hmac<Sha256> {
        // A key that is shorter than a block is padded with zeros (RFC 2104, 2).
        let mut key = Key::<Hmac<Sha256>>::default();
        for (to, from) in key.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut mac = Hmac::<Sha256>::new(&key);
        mac.update(&login.fingerprint);
        mac
    }
}

#[cfg(test)]
mod tests {
    use incident_core::actor::Role;
    use incident_core::testing::caller;

    use super::*;

    fn login(fingerprint: u8) -> Login {
        Login {
            caller: caller("anna", Role::Responder).unwrap(),
            fingerprint: [fingerprint; 32],
        }
    }

    #[test]
    fn a_secret_is_read_back_and_proves_its_login_only() {
        let secret = Secret::random();
        let read = Secret::parse(&secret.text()).unwrap();
        assert_eq!(read.id(), secret.id());
        let digest = secret.digest(&login(1));
        assert!(read.proves(&login(1), &digest));
        assert!(!read.proves(&login(2), &digest));
        let other = Secret::random();
        assert_ne!(other.id(), secret.id());
        assert!(!other.proves(&login(1), &digest));
        assert_ne!(secret.id().0, secret.0, "the store holds no secret");
    }

    #[test]
    fn other_texts_are_no_secrets() {
        let short = Secret::random().text()[1..].to_owned();
        for text in ["", "a", &short, &"A".repeat(44), &"=".repeat(43), "\u{e9}"] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }
}

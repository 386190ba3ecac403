//! A mock of PagerDuty's webhook delivery: signed, and disabled after repeated drops.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use sha2::Sha256;

/// Number of drops in a row after which deliveries are disabled (at PagerDuty, for a day).
const DROPS: u32 = 3;

/// A sender of events to one address, following PagerDuty's documentation ("Behavior").
#[derive(Debug)]
pub struct Webhooks {
    client: Client,
    url: String,
    secret: String,
    dropped: u32,
}

/// The outcome of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Answered 2xx.
    Taken(u16),
    /// Answered 5xx or 429, or (as 0) not at all. PagerDuty sends it again, for two days.
    Again(u16),
    /// Answered another status, such as 4xx. The event is dropped for good.
    Dropped(u16),
    /// Not sent: three deliveries in a row were dropped.
    Disabled,
}

impl Webhooks {
    /// Creates a sender to an address that signs with a secret.
    ///
    /// # Errors
    /// Fails if no HTTP client can be built.
    pub fn to(url: String, secret: &str) -> reqwest::Result<Self> {
        Ok(Self {
            client: Client::builder().no_proxy().build()?,
            url,
            secret: secret.to_owned(),
            dropped: 0,
        })
    }

    /// Computes the signature header of a body.
    #[must_use]
    pub fn sign(secret: &str, body: &[u8]) -> String {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            return String::new();
        };
        let bytes = mac.chain_update(body).finalize().into_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("v1={hex}")
    }

    /// Sends a body, and returns the outcome.
    pub async fn deliver(&mut self, body: &str) -> Delivered {
        if self.dropped >= DROPS {
            return Delivered::Disabled;
        }
        let request = self
            .client
            .post(&self.url)
            .header("content-type", "application/json")
            .header(
                "x-pagerduty-signature",
                Self::sign(&self.secret, body.as_bytes()),
            )
            .body(body.to_owned())
            .timeout(std::time::Duration::from_secs(5));
        let status = match request.send().await {
            Ok(answer) => answer.status().as_u16(),
            Err(_) => return Delivered::Again(0),
        };
        match status {
            200..=299 => {
                self.dropped = 0;
                Delivered::Taken(status)
            }
            429 | 500..=599 => Delivered::Again(status),
            _ => {
                self.dropped += 1;
                Delivered::Dropped(status)
            }
        }
    }
}

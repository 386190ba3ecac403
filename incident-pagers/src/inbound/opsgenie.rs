//! Webhooks of OpsGenie and Jira Service Management.
//!
//! Source of the rules: Atlassian's documentation of the webhook integration. Deliveries are not
//! signed: a token in a header of the integration is the only proof, so they must come over TLS.

use hmac::{Hmac, KeyInit, Mac};
use incident_core::paging::{VendorEvent, VendorEventKind};
use incident_core::{Name, PersonName, Timestamp};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{InboundWebhook, NotProven, NotReadable, WebhookSecret};

const VENDOR: &str = "opsgenie";

/// Verifies that a delivery carries a known token, in constant time.
///
/// The header is `Authorization`, with or without `Bearer`, or another one of the host's choice.
///
/// # Errors
/// Returns [`NotProven`] if the token is none of `secrets`.
pub fn verify_opsgenie(header: Option<&str>, secrets: &[WebhookSecret]) -> Result<(), NotProven> {
    let given = header.unwrap_or_default().trim();
    // The scheme is case-insensitive (RFC 9110, 11.1).
    let token = given
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let given = token.map_or(given, |(_, token)| token).trim();
    let fits = |secret: &WebhookSecret| {
        let mac = |token: &[u8]| {
            let mac = Hmac::<Sha256>::new_from_slice(b"incident-pagers").ok()?;
            Some(mac.chain_update(token))
        };
        let told = mac(given.as_bytes()).map(|mac| mac.finalize().into_bytes());
        match (mac(secret.bytes()), told) {
            (Some(mac), Some(told)) => mac.verify_slice(&told).is_ok(),
            _ => false,
        }
    };
    if secrets.iter().any(fits) {
        Ok(())
    } else {
        Err(NotProven)
    }
}

#[derive(Deserialize)]
struct WebhookAction {
    action: String,
    alert: WebhookAlert,
    #[serde(default)]
    source: WebhookSource,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookAlert {
    #[serde(default)]
    alert_id: Option<String>,
    #[serde(default)]
    alias: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    priority: Option<String>,
    /// The time of the event: nanoseconds in the vendor's samples, whatever unit `createdAt` has.
    #[serde(default)]
    updated_at: Option<i64>,
}

#[derive(Default, Deserialize)]
struct WebhookSource {
    #[serde(default)]
    r#type: String,
}

/// Parses a body that was proven to be OpsGenie's.
///
/// The vendor gives events no id: a digest of the body stands for it, so a repeated delivery has
/// one effect. `Create` is also sent for an old alert when a team is added to it, and opens
/// nothing here.
///
/// # Errors
/// Returns [`NotReadable`] if the body is not an action on an alert.
pub fn read_opsgenie(body: &[u8]) -> Result<InboundWebhook, NotReadable> {
    let wrong = |reason: String| NotReadable {
        vendor: VENDOR,
        reason,
    };
    let WebhookAction {
        action,
        alert,
        source,
    } = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    let Some(what) = what(&action, &alert) else {
        return Ok(InboundWebhook::Other(action));
    };
    let digest: [u8; 32] = Sha256::digest(body).into();
    let id: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = |text: &str| Name::new(text).map_err(|error| wrong(error.to_string()));
    Ok(InboundWebhook::Event(Box::new(VendorEvent {
        vendor: name(VENDOR)?,
        event_id: name(&id)?,
        // Actions over the API are our own; people use the app or the web.
        echo: source.r#type.eq_ignore_ascii_case("api"),
        dedup_key: alert.alias,
        vendor_id: alert.alert_id,
        what,
        by: alert.username.and_then(|name| PersonName::new(&name).ok()),
        at: alert.updated_at.and_then(time_of),
        digest,
    })))
}

/// Converts a time of unclear unit: nanoseconds, microseconds or milliseconds, by its size.
fn time_of(number: i64) -> Option<Timestamp> {
    let micros = match number {
        ..100_000_000_000_000 => number.checked_mul(1_000)?,
        100_000_000_000_000..100_000_000_000_000_000 => number,
        _ => number / 1_000,
    };
    Timestamp::from_micros(micros).ok()
}

fn what(action: &str, alert: &WebhookAlert) -> Option<VendorEventKind> {
    let owner = || alert.owner.clone().into_iter().collect();
    Some(match action {
        "Create" => VendorEventKind::Opened,
        "Acknowledge" => VendorEventKind::Acknowledged,
        "UnAcknowledge" => VendorEventKind::Unacknowledged,
        "Close" => VendorEventKind::Resolved,
        "AssignOwnership" | "TakeOwnership" => VendorEventKind::Reassigned(owner()),
        "Escalate" | "EscalateToNext" => VendorEventKind::Escalated(Vec::new()),
        "UpdatePriority" => VendorEventKind::Reprioritised(alert.priority.clone()),
        "AddNote" => VendorEventKind::Noted(alert.note.clone()?),
        _ => return None,
    })
}

//! Webhooks of PagerDuty, version 3.
//!
//! Source of the rules: PagerDuty's developer documentation, "Webhooks": Overview, Behavior,
//! Verifying Signatures.

use hmac::{Hmac, KeyInit, Mac};
use incident_core::paging::{VendorEvent, VendorEventKind};
use incident_core::{Name, PersonName};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{InboundWebhook, NotProven, NotReadable, WebhookSecret};

const VENDOR: &str = "pagerduty";

/// Verifies that PagerDuty sent a body, in constant time.
///
/// `header` is `X-PagerDuty-Signature`: `v1=` and the hexadecimal HMAC-SHA256 of the raw body;
/// several of them, separated by commas, while a secret is being replaced. The key is the secret
/// as it is shown, not decoded. One matching signature is enough; other versions are ignored.
///
/// # Errors
/// Returns [`NotProven`] if no signature matches.
pub fn verify_pagerduty(
    body: &[u8],
    header: Option<&str>,
    secrets: &[WebhookSecret],
) -> Result<(), NotProven> {
    let signatures: Vec<Vec<u8>> = signatures(header).collect();
    for secret in secrets {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.bytes()) else {
            continue;
        };
        let mac = mac.chain_update(body);
        let fits = |signature: &Vec<u8>| mac.clone().verify_slice(signature).is_ok();
        if signatures.iter().any(fits) {
            return Ok(());
        }
    }
    Err(NotProven)
}

/// Returns `true` if `X-PagerDuty-Signature` holds a signature that can be verified.
///
/// Check it before reading the body: a delivery without a signature is not PagerDuty's.
#[must_use]
pub fn has_signature(header: Option<&str>) -> bool {
    signatures(header).next().is_some()
}

fn signatures(header: Option<&str>) -> impl Iterator<Item = Vec<u8>> + '_ {
    let parts = header.unwrap_or_default().split(',');
    parts.filter_map(|part| unhex(part.trim().strip_prefix("v1=")?))
}

/// Decodes 64 hexadecimal digits of either case.
fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pair = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}

#[derive(Deserialize)]
struct Envelope {
    event: Value,
}

#[derive(Deserialize)]
struct WebhookEvent {
    id: String,
    event_type: String,
    #[serde(default)]
    occurred_at: Option<String>,
    #[serde(default)]
    agent: Option<Reference>,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    summary: Option<String>,
}

/// Parses a body that was proven to be PagerDuty's.
///
/// Incidents opened over the Events API may come without their key (`incident_key` is null):
/// [`VendorEvent::dedup_key`] is `None` then, and [`VendorEvent::vendor_id`] is the PagerDuty
/// incident whose alerts hold the key.
///
/// # Errors
/// Returns [`NotReadable`] if the body is not an event of version 3.
pub fn read_pagerduty(body: &[u8]) -> Result<InboundWebhook, NotReadable> {
    let wrong = |reason: String| NotReadable {
        vendor: VENDOR,
        reason,
    };
    let Envelope { event } =
        serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    let digest = Sha256::digest(event.to_string().as_bytes()).into();
    let event: WebhookEvent =
        serde_json::from_value(event).map_err(|error| wrong(error.to_string()))?;
    let Some(what) = what(&event) else {
        return Ok(InboundWebhook::Other(event.event_type));
    };
    let agent = event.agent.as_ref();
    let by = agent.filter(|agent| agent.r#type.starts_with("user"));
    let by = by.and_then(|agent| PersonName::new(agent.summary.as_deref()?).ok());
    // Our own Events API calls come back with the integration as their agent. A merge carries the
    // person who merged.
    let ours = agent.is_some_and(|agent| agent.r#type.starts_with("inbound_integration"));
    let text = |pointer: &str| {
        let found = event.data.pointer(pointer).and_then(Value::as_str);
        found.map(str::to_owned)
    };
    Ok(InboundWebhook::Event(Box::new(VendorEvent {
        vendor: name(VENDOR).map_err(wrong)?,
        event_id: name(&event.id).map_err(wrong)?,
        dedup_key: text("/incident_key"),
        vendor_id: text("/incident/id").or_else(|| text("/id")),
        echo: ours && !matches!(what, VendorEventKind::Merged),
        what,
        by,
        at: event.occurred_at.and_then(|at| at.parse().ok()),
        digest,
    })))
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

fn what(event: &WebhookEvent) -> Option<VendorEventKind> {
    let data = &event.data;
    let people = || {
        let list = data.get("assignees").and_then(Value::as_array);
        let people = list.into_iter().flatten();
        people
            .filter_map(|one| one.get("summary")?.as_str().map(str::to_owned))
            .collect()
    };
    Some(match event.event_type.as_str() {
        "incident.triggered" => VendorEventKind::Opened,
        "incident.acknowledged" => VendorEventKind::Acknowledged,
        "incident.unacknowledged" => VendorEventKind::Unacknowledged,
        "incident.resolved" if is_merge(data) => VendorEventKind::Merged,
        "incident.resolved" => VendorEventKind::Resolved,
        "incident.reopened" => VendorEventKind::Reopened,
        "incident.reassigned" | "incident.delegated" => VendorEventKind::Reassigned(people()),
        "incident.escalated" => VendorEventKind::Escalated(people()),
        "incident.priority_updated" => {
            let level = data.pointer("/priority/summary").and_then(Value::as_str);
            VendorEventKind::Reprioritised(level.map(str::to_owned))
        }
        "incident.annotated" => {
            let note = data.get("content").and_then(Value::as_str)?;
            VendorEventKind::Noted(note.to_owned())
        }
        _ => return None,
    })
}

fn is_merge(data: &Value) -> bool {
    let reason = data.pointer("/resolve_reason/type").and_then(Value::as_str);
    reason.is_some_and(|reason| reason.starts_with("merge_resolve_reason"))
}

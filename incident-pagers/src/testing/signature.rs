//! Verification of the signatures of Standard Webhooks.

use chrono::Utc;

use super::book::RecordedRequest;
use crate::SigningSecret;

/// Maximum age of a timestamp, in seconds, as Standard Webhooks advises.
const TOLERANCE: u64 = 5 * 60;

/// Returns `true` if a request is signed with a secret, at a time near that of this machine.
pub(super) fn is_signed(seen: &RecordedRequest, secret: &SigningSecret) -> bool {
    let header = |name: &str| seen.header(name).unwrap_or_default();
    let Ok(seconds) = header("webhook-timestamp").parse::<i64>() else {
        return false;
    };
    let id = header("webhook-id");
    let expected = secret.sign(id, seconds, &seen.body);
    let mut signatures = header("webhook-signature").split(' ');
    let is_near = Utc::now().timestamp().abs_diff(seconds) <= TOLERANCE;
    !id.is_empty() && is_near && signatures.any(|one| one == expected)
}

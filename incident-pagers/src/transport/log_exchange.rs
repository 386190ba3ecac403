//! Logging of an exchange with a vendor.

use incident_core::paging::{DeliveryResult, TargetId};

use crate::content::truncate;
use crate::transport::secret::scrub;
use crate::transport::{Sent, VendorResponse};

/// Maximum length of a vendor's text in the log, in characters.
const WORDS: usize = 300;

/// Logs an exchange: at debug level if the vendor accepted, else as a warning.
///
/// The vendor's text is shortened, kept on one line, and the key is removed from it.
pub(crate) fn note(target: &TargetId, what: &str, sent: &Sent, answer: &DeliveryResult, key: &str) {
    let status = match sent {
        Sent::Answered(reply) => Some(reply.status.as_u16()),
        Sent::NotConnected(_) | Sent::Lost(_) => None,
    };
    let words = || truncate::single_line(&scrub(&words(sent), key), WORDS);
    let target = target.name();
    match answer {
        DeliveryResult::Accepted(_) => {
            tracing::debug!(target_id = target, status, "{what} accepted")
        }
        DeliveryResult::NotSent(not_sent) => tracing::warn!(
            target_id = target,
            status,
            words = words(),
            "{what} not sent: {}",
            not_sent.reason.words()
        ),
        DeliveryResult::Unknown => {
            let words = words();
            tracing::warn!(target_id = target, status, words, "{what}: outcome unknown");
        }
    }
}

fn words(sent: &Sent) -> String {
    match sent {
        Sent::Answered(reply) => explanation(reply),
        Sent::NotConnected(error) | Sent::Lost(error) => error.clone(),
    }
}

/// Returns the vendor's explanation if the body has one, else the body.
fn explanation(reply: &VendorResponse) -> String {
    let Some(body) = reply.json() else {
        return reply.text();
    };
    let message = body.get("message").and_then(|text| text.as_str());
    let errors = body.get("errors").map(ToString::to_string);
    match (message, errors) {
        (Some(message), Some(errors)) => format!("{message} {errors}"),
        (Some(message), None) => message.to_owned(),
        (None, Some(errors)) => errors,
        (None, None) => body.to_string(),
    }
}

//! The response with a proposed severity.

use incident_core::incident::{Priority, Severity};
use incident_core::response::{Classification, ClassificationFact, ClassificationReason};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! { ClassificationResponse ; }

/// The severity that facts speak for, with reasons.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ClassificationResponse {
    /// `true` if the day of a customer's event raised the severity to SEV2.
    floor: bool,
    /// By impact and urgency, if both are known.
    priority: Option<Priority>,
    /// The rules that fired, worst first.
    reasons: Vec<ReasonResponse>,
    severity: Severity,
    /// The facts that were not stated; none of them was taken for a no or a zero.
    unanswered: Vec<ClassificationFact>,
}

/// A rule that fired.
#[derive(JsonSchema, Serialize)]
struct ReasonResponse {
    /// The stable name of the rule.
    code: &'static str,
    /// The severity that it speaks for.
    severity: Severity,
    text: String,
}

impl ClassificationResponse {
    /// Creates the response.
    pub(crate) fn new(classified: &Classification) -> Self {
        let reason = |reason: &ClassificationReason| ReasonResponse {
            code: reason.code(),
            severity: reason.severity(),
            text: reason.to_string(),
        };
        Self {
            floor: classified.floor,
            priority: classified.priority,
            reasons: classified.reasons.iter().map(reason).collect(),
            severity: classified.severity,
            unanswered: classified.unanswered.clone(),
        }
    }
}

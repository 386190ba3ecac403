//! Responses of test pages.

use incident_core::paging::{PagerTest, TEST_LASTS, TestOutcome, TestedTarget, Urgency, test_key};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::response::response_bodies;

response_bodies! {  ; PagerTestResponse }

/// Outcome of a test page, which is resolved after a fixed time.
#[derive(JsonSchema, Serialize)]
pub(crate) struct PagerTestResponse<'a> {
    resolved_after_seconds: u64,
    targets: Vec<TestedTargetResponse<'a>>,
    urgency: Urgency,
}

impl<'a> From<&'a PagerTest> for PagerTestResponse<'a> {
    fn from(test: &'a PagerTest) -> Self {
        Self {
            resolved_after_seconds: TEST_LASTS.as_secs(),
            targets: test.targets.iter().map(Into::into).collect(),
            urgency: test.page.urgency,
        }
    }
}

/// Result of one pager.
#[derive(JsonSchema, Serialize)]
struct TestedTargetResponse<'a> {
    dedup_key: String,
    outcome: &'static str,
    reason: Option<&'static str>,
    retry_after_seconds: Option<u128>,
    target: &'a str,
    took_ms: u128,
}

impl<'a> From<&'a TestedTarget> for TestedTargetResponse<'a> {
    fn from(tested: &'a TestedTarget) -> Self {
        let wait = tested.retry_after;
        Self {
            dedup_key: test_key(&tested.target),
            outcome: tested.outcome.word(),
            reason: match tested.outcome {
                TestOutcome::NotSent(reason) => Some(reason.words()),
                TestOutcome::Unknown => Some("no response"),
                TestOutcome::Accepted => None,
            },
            retry_after_seconds: wait.map(|wait| wait.as_micros().div_ceil(1_000_000)),
            target: tested.target.name(),
            took_ms: tested.took.as_millis(),
        }
    }
}

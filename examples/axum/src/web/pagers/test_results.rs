//! The answers of the targets to a test page.

use incident_core::paging::{PagerTest, TestOutcome, TestedTarget};

use super::pager_texts::PagerTexts;
use crate::web::language::Language;
use crate::web::texts::{fill, grouped};

/// The answer of a target.
pub(super) struct TestLine {
    /// The name of the target.
    pub(super) target: String,
    /// `true` if it accepted the page.
    pub(super) is_accepted: bool,
    /// The answer in words.
    pub(super) answer: String,
    /// The time it took.
    pub(super) took: String,
}

/// The results of a test page.
pub(super) struct TestResults {
    /// The urgency in words.
    pub(super) urgency: &'static str,
    /// The answers, in the order of the targets.
    pub(super) lines: Vec<TestLine>,
}

impl TestResults {
    /// Creates the results of a test.
    #[must_use]
    pub(super) fn new(language: Language, texts: &PagerTexts, test: &PagerTest) -> Self {
        let lines = test.targets.iter();
        Self {
            urgency: texts.urgency_name(test.page.urgency),
            lines: lines.map(|one| line(language, texts, one)).collect(),
        }
    }
}

fn line(language: Language, texts: &PagerTexts, tested: &TestedTarget) -> TestLine {
    let answer = match tested.outcome {
        TestOutcome::Accepted => texts.accepted.to_owned(),
        TestOutcome::NotSent(reason) => format!("{}: {}", texts.not_sent, texts.reason(reason)),
        TestOutcome::Unknown => texts.unknown.to_owned(),
    };
    let answer = match tested.retry_after {
        Some(wait) => {
            let seconds = wait.as_millis().div_ceil(1_000).to_string();
            format!("{answer}, {}", fill(texts.try_in, &[("seconds", &seconds)]))
        }
        None => answer,
    };
    let millis = u64::try_from(tested.took.as_millis()).unwrap_or(u64::MAX);
    TestLine {
        target: tested.target.name().to_owned(),
        is_accepted: tested.outcome == TestOutcome::Accepted,
        answer,
        took: format!("{}\u{a0}ms", grouped(language, millis)),
    }
}

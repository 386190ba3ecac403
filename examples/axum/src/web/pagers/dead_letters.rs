//! Dead letters: messages that are no longer tried.

use incident_core::outbox::{Message, MessageBody};
use incident_core::paging::LastResult;
use incident_core::{IncidentId, MessageId, Timestamp};

use super::pager_texts::PagerTexts;
use crate::web::texts::fill;

/// A dead letter.
pub(super) struct DeadLetterLine {
    /// The id.
    pub(super) id: MessageId,
    /// The job in words.
    pub(super) job: String,
    /// The incident with its number, if it is a page.
    pub(super) incident: Option<(IncidentId, u64)>,
    /// Time of the commit.
    pub(super) since: Timestamp,
    /// The last result at each target, in words.
    pub(super) results: Vec<String>,
    /// `true` if it can be retried here.
    pub(super) may_retry: bool,
}

impl DeadLetterLine {
    /// Creates the line of a message.
    #[must_use]
    pub(super) fn new(texts: &PagerTexts, message: &Message) -> Self {
        let (job, incident) = match &message.body {
            MessageBody::Page(page) => {
                let action = texts.action(page.action);
                let job = match &page.rule {
                    Some(rule) => {
                        let rule = fill(texts.of_rule, &[("rule", rule.as_str())]);
                        format!("{action}, {rule}")
                    }
                    None => action.to_owned(),
                };
                (job, Some((page.incident_id, page.number)))
            }
            MessageBody::RecomputeCredits(_) => (texts.job_credits.to_owned(), None),
            MessageBody::SubmitCredits(_) => (texts.job_billing.to_owned(), None),
            MessageBody::EndTest(_) => (texts.job_test.to_owned(), None),
            MessageBody::Notice(notice) => {
                let names = [
                    ("group", notice.group.as_str()),
                    ("channel", notice.channel.as_str()),
                ];
                (fill(texts.job_notice, &names), None)
            }
            _ => (message.body.kind().to_owned(), None),
        };
        let result = |last: LastResult| match last {
            LastResult::NotSent(reason) => texts.reason(reason),
            LastResult::Accepted => texts.accepted,
            LastResult::Unknown => texts.unknown,
        };
        Self {
            id: message.id,
            job,
            may_retry: matches!(message.body, MessageBody::Page(_) | MessageBody::Notice(_)),
            incident,
            since: message.committed_at,
            results: message
                .log
                .iter()
                .map(|entry| format!("{}: {}", entry.target, result(entry.last)))
                .collect(),
        }
    }
}

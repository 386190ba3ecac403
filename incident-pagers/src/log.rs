//! A pager that writes log lines.

use std::time::Duration;

use async_trait::async_trait;
use incident_core::paging::{PageAction, PageAnswer, PageEvent, Receipt, TargetId};
use incident_core::port::Pager;
use incident_core::{Invalid, plain};

/// Writes each page as a line of the log at `warn`, and accepts it.
///
/// Nobody is woken: for development, demos, and hosts that page by other means.
#[derive(Clone, Debug)]
pub struct LogPager(TargetId);

impl LogPager {
    /// A log pager under another name than `log`.
    ///
    /// # Errors
    /// The name is not one of a target.
    pub fn named(name: &str) -> Result<Self, Invalid> {
        Ok(Self(TargetId::new(name)?))
    }
}

impl Default for LogPager {
    fn default() -> Self {
        Self(TargetId::log())
    }
}

#[async_trait]
impl Pager for LogPager {
    fn target_id(&self) -> TargetId {
        self.0.clone()
    }

    fn follows_severity(&self) -> bool {
        true
    }

    async fn send(&self, page: &PageEvent, _within: Duration) -> PageAnswer {
        let action = match page.action {
            PageAction::Trigger => "PAGE",
            PageAction::Acknowledge => "page acknowledged",
            PageAction::Resolve => "page resolved",
            PageAction::Reprioritise => "page has another severity",
        };
        tracing::warn!(
            target: "incident_pagers::log",
            dedup_key = %page.dedup_key,
            severity = %page.severity,
            number = page.number,
            "{action}: {}",
            // Whatever formats the log of the host: a title stays in its line.
            plain(page.title.as_str()),
        );
        PageAnswer::Accepted(Receipt::default())
    }
}

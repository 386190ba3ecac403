//! A pager that writes log lines.

use std::time::Duration;

use async_trait::async_trait;
use incident_core::paging::{DeliveryResult, PageAction, PageEvent, Receipt, TargetId};
use incident_core::port::Pager;
use incident_core::{ValidationError, plain};

/// A pager that writes each page as a log line at `warn` level, and accepts it.
///
/// It wakes no one: for development, demos, and hosts that page by other means.
#[derive(Clone, Debug)]
pub struct LogPager(TargetId);

impl LogPager {
    /// Creates a log pager under another name than `log`.
    ///
    /// # Errors
    /// Fails if the name is not 1 to 64 characters of `a-z`, `0-9`, `-` and `_`.
    pub fn named(name: &str) -> Result<Self, ValidationError> {
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

    async fn send(&self, page: &PageEvent, _timeout: Duration) -> DeliveryResult {
        let action = match page.action {
            PageAction::Trigger => "PAGE",
            PageAction::Acknowledge => "page acknowledged",
            PageAction::Resolve => "page resolved",
            PageAction::Reprioritise => "page severity changed",
        };
        tracing::warn!(
            target: "incident_pagers::log",
            dedup_key = %page.dedup_key,
            severity = %page.severity,
            number = page.number,
            "{action}: {}",
            // Escaped, so that a title cannot begin a line of its own in any log format.
            plain(page.title.as_str()),
        );
        DeliveryResult::Accepted(Receipt::default())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use incident_core::Title;
    use incident_core::testing::a_page;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// S9: a title cannot forge a log line, whatever format the host's log has.
    #[tokio::test]
    async fn a_title_forges_no_line() {
        let written = Written::default();
        let writer = written.clone();
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        tracing::callsite::rebuild_interest_cache();
        let mut page = a_page(PageAction::Trigger);
        page.title = Title::new("API down\nERROR forged\u{202e}").unwrap();
        let pager = LogPager::default();
        pager.send(&page, Duration::from_secs(1)).await;
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("API down\\nERROR forged\\u{202e}"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

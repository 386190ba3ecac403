//! A channel that writes log lines.

use std::time::Duration;

use async_trait::async_trait;
use incident_core::incident::Incident;
use incident_core::notice::Notice;
use incident_core::port::{Channel, ChannelError};
use incident_core::{Name, ValidationError, plain};

/// A channel that writes each notice as a log line at `warn` level.
///
/// It reaches no one by itself: for development, demos, and hosts that forward their log.
#[derive(Clone, Debug)]
pub struct LogChannel(Name);

impl LogChannel {
    /// Creates a log channel named `log`.
    ///
    /// # Errors
    /// Never fails: `log` is a valid name.
    pub fn new() -> Result<Self, ValidationError> {
        Ok(Self(Name::new("log")?))
    }
}

#[async_trait]
impl Channel for LogChannel {
    fn name(&self) -> &Name {
        &self.0
    }

    async fn send(
        &self,
        notice: &Notice,
        incident: &Incident,
        _timeout: Duration,
    ) -> Result<(), ChannelError> {
        tracing::warn!(
            target: "incident_pagers::log",
            group = %notice.group,
            rule = %notice.fired.rule,
            severity = %incident.severity,
            number = incident.number,
            late = notice.fired.late,
            "NOTICE: {}: {}",
            // Escaped, so that a title cannot begin a line of its own in any log format.
            plain(incident.title.as_str()),
            notice.fired.trigger.sentence(),
        );
        Ok(())
    }
}

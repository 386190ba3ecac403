//! The port to people beyond on-call.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::Name;
use crate::incident::Incident;
use crate::notice::Notice;

/// A client that sends notices: to a chat, a mailbox, a webhook.
///
/// # Contract
/// **Idempotent:** a notice that is sent again is one for the receiver, also if the incident changed
/// meanwhile: it is known by [`Notice::message_id`], which the receiver gets with it where the
/// channel has a place for it.
/// **Bounded:** answers within `timeout`, with [`ChannelError::Unavailable`] if there was no answer
/// by then. It does not wait before it sends, and does not send again by itself.
/// **Errors:** [`ChannelError::Rejected`] only if sending the same notice again is pointless; then
/// other notices are still sent. A wait that the receiver asked for is returned. No error, no debug
/// print and no log line contains a secret, such as a key or an address that anyone who has it may
/// post to. Every title is taken: whole, or escaped so that it stays on one line.
/// **Concurrent:** many notices may be sent at the same time.
/// **Cancellation:** dropping the future may leave the notice sent or not; it is then sent again.
#[async_trait]
pub trait Channel: Send + Sync + fmt::Debug {
    /// Returns the name, by which rules, audit and outbox know it.
    fn name(&self) -> &Name;

    /// Sends a notice about an incident, as it is now.
    async fn send(
        &self,
        notice: &Notice,
        incident: &Incident,
        timeout: Duration,
    ) -> Result<(), ChannelError>;
}

/// A notice that was not sent, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The receiver does not accept it. It is not tried again.
    #[error("the channel rejected the notice: {0}")]
    Rejected(String),
    /// The receiver did not answer, or asked to try later. It is tried again.
    #[error("the channel is unavailable: {reason}")]
    Unavailable {
        /// The reason, without secrets.
        reason: String,
        /// The wait that the receiver asked for.
        retry_after: Option<Duration>,
    },
}

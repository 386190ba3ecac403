//! The reason why a body is not read to its end.

/// The reason why a body is no longer awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyBroken {
    /// Nothing arrived for too long.
    #[error("timed out waiting for the request body")]
    Late,
    /// The server is stopping.
    #[error("the server is shutting down; retry")]
    Stopping,
}

//! The reason why a body is not read to its end.

/// The reason why a body is not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyBroken {
    /// Nothing came for too long.
    #[error("nothing of the body came for too long")]
    Late,
    /// The server stops.
    #[error("the server stops")]
    Stopping,
}

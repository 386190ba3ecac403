//! Why no pager was made.

use incident_core::ValidationError;

/// Why no pager was made.
///
/// **Handling:** show it to whoever configures the host; it holds no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PagerBuildError {
    /// A setting cannot be used.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// The HTTP client could not be made. Slim images often have no
    /// certificates: install `ca-certificates`, or bring a client.
    #[error("no HTTP client could be made (are the system's CA certificates installed?)")]
    Client(#[source] reqwest::Error),
    /// This build has no TLS, and the address needs it.
    #[error("{0} needs TLS: enable the feature `rustls`, or bring a client")]
    NoTls(crate::BaseUrl),
}

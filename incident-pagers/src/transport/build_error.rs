//! Errors of building a pager.

use incident_core::ValidationError;

/// An error of building a pager.
///
/// **Handling:** show it to the operator who configures the host; it holds no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PagerBuildError {
    /// A setting is not valid.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// The HTTP client could not be built. Slim images often have no certificates: install
    /// `ca-certificates`, or pass a client.
    #[error(
        "could not create an HTTP client; check that the system's CA certificates are installed"
    )]
    Client(#[source] reqwest::Error),
    /// This build has no TLS, and the address needs it.
    #[error("{} needs TLS: enable the feature `rustls`, or supply an HTTP client", .0.origin())]
    NoTls(crate::BaseUrl),
}

//! Authentication: the host says who sends a request.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use axum::http::request::Parts;
use incident_core::actor::Caller;

use crate::http::problem::Problem;

/// The login of a host: who sends a request, and in which role.
///
/// It is asked for every request to the operators' routes and to `/metrics`, unknown routes included,
/// so that callers without a login cannot probe for routes. The public routes, `/healthz`, `/readyz`
/// and the webhooks ask nobody.
///
/// Cookies are safe to use: a request that changes something, has no bearer token and
/// comes from a page of another site is rejected (403 `cross_site`), by `Sec-Fetch-Site` or `Origin`.
///
/// ```
/// use async_trait::async_trait;
/// use axum::http::request::Parts;
/// use incident_axum::{AuthError, Authenticate};
/// use incident_core::actor::{Caller, Role};
///
/// /// A header that a proxy in front sets.
/// struct ProxyLogin;
///
/// #[async_trait]
/// impl Authenticate for ProxyLogin {
///     async fn authenticate(&self, parts: &mut Parts) -> Result<Caller, AuthError> {
///         let name = parts.headers.get("x-user").ok_or(AuthError::Missing)?;
///         let name = name.to_str().map_err(|_| AuthError::Invalid)?;
///         let person = name.parse().map_err(|_| AuthError::Invalid)?;
///         Ok(Caller::person(person, Role::Responder))
///     }
/// }
/// ```
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// Returns the sender of a request. It may read and change the extensions of the request.
    ///
    /// # Errors
    /// Returns [`AuthError::Missing`] without credentials and for an expired session, and
    /// [`AuthError::Invalid`] for wrong credentials, both answered with 401. The latter are counted
    /// by the address of the client: from the 21st in a minute on they are answered with 429. The
    /// address is that of [`ClientInfo`](crate::ClientInfo) or of axum's `ConnectInfo`; requests
    /// without one share a count, and right credentials always pass.
    async fn authenticate(&self, parts: &mut Parts) -> Result<Caller, AuthError>;
}

/// The reason why the sender of a request is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// There are no credentials, or they have expired. HTTP: 401.
    Missing,
    /// The credentials are unknown or malformed. HTTP: 401, or 429 if they come too often.
    Invalid,
    /// There are several credentials; choosing one would be a guess. HTTP: 400.
    Repeated,
    /// The host cannot tell now, for instance because its session store is unavailable. HTTP: 503.
    Unavailable,
}

/// Time after which a request is worth repeating that the host could not authenticate.
const RETRY_AFTER: Duration = Duration::from_secs(2);

impl From<AuthError> for Problem {
    fn from(reason: AuthError) -> Self {
        match reason {
            AuthError::Missing | AuthError::Invalid => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "missing or invalid credentials",
            ),
            AuthError::Repeated => Self::unreadable("expected exactly one Authorization header"),
            AuthError::Unavailable => {
                Self::unavailable("the login is unavailable; retry").retry_after(RETRY_AFTER)
            }
        }
    }
}

//! The login of the demo.

use async_trait::async_trait;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use incident_axum::{AuthError, Authenticate, Tokens};
use incident_core::actor::Caller;

/// Names under which a browser reaches a server on its own machine.
const LOCAL: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// A login that takes requests without credentials for those of a certain person, for demos: the
/// console listens on loopback only with it. Wrong tokens are still refused.
#[derive(Clone, Debug)]
pub struct VisitorLogin {
    tokens: Tokens,
    visitor: Caller,
}

impl VisitorLogin {
    /// Creates a login with these tokens, and with this caller for requests without credentials.
    #[must_use]
    pub const fn new(tokens: Tokens, visitor: Caller) -> Self {
        Self { tokens, visitor }
    }
}

#[async_trait]
impl Authenticate for VisitorLogin {
    async fn authenticate(&self, parts: &mut Parts) -> Result<Caller, AuthError> {
        match self.tokens.find(&parts.headers) {
            Err(AuthError::Missing) if is_local(&parts.headers) => Ok(self.visitor.clone()),
            found => found,
        }
    }
}

/// Returns `true` if the request names this machine as its host. A page of another site can send
/// requests here under a name of its own, which leads to this machine (DNS rebinding).
fn is_local(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let host = host.to_str().unwrap_or_default();
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    LOCAL.into_iter().any(|name| {
        let rest = host.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use incident_core::actor::Role;

    use super::*;

    async fn caller(headers: &[(&str, &str)]) -> Result<Role, AuthError> {
        let tokens = Tokens::parse("ben:responder:0123456789abcdef").unwrap();
        let visitor = Caller::person("anna".parse().unwrap(), Role::Commander);
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let login = VisitorLogin::new(tokens, visitor);
        let found = login.authenticate(&mut parts).await;
        found.map(|caller| caller.role)
    }

    #[tokio::test]
    async fn only_requests_to_this_machine_without_credentials_are_the_visitors() {
        for host in ["127.0.0.1:8080", "127.0.0.1", "localhost:1", "[::1]:8080"] {
            assert_eq!(
                caller(&[("host", host)]).await,
                Ok(Role::Commander),
                "{host}"
            );
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost:x",
            "192.0.2.1:8080",
            "localhostx",
        ] {
            let refused = caller(&[("host", host)]).await;
            assert_eq!(refused, Err(AuthError::Missing), "{host}");
        }
        assert_eq!(caller(&[]).await, Err(AuthError::Missing));
        let two = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(caller(&two).await, Err(AuthError::Missing));
        let host = ("host", "127.0.0.1:8080");
        let ben = [host, ("authorization", "Bearer 0123456789abcdef")];
        assert_eq!(caller(&ben).await, Ok(Role::Responder));
        let wrong = [host, ("authorization", "Bearer 0123456789abcdeX")];
        assert_eq!(caller(&wrong).await, Err(AuthError::Invalid));
    }
}

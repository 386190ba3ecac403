//! The HTTP client that pagers use.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect};

use crate::transport::base_url::BaseUrl;
use crate::transport::build_error::PagerBuildError;

/// Maximum time to connect. If it runs out, the page was certainly not sent.
const CONNECT: Duration = Duration::from_secs(3);

/// Time after which an idle connection is dropped. Many load balancers drop them after 5 s, and a
/// page on a connection that is just being closed has an unknown outcome.
const IDLE: Duration = Duration::from_secs(4);

/// Returns a client builder with the settings that pagers need, so that a host can add proxies or
/// certificates.
///
/// The client allows 3 s to connect, drops idle connections after 4 s, and follows no redirects: a
/// redirected page would carry its key to another address. A client of the host's own must not
/// follow redirects either: an answer from another address than the requested one counts as
/// unknown.
pub fn client_builder() -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("incident-pagers/", env!("CARGO_PKG_VERSION")))
}

/// Returns the host's client, or builds one for an address.
///
/// Fails, instead of panicking, if the system has no certificates or this build has no TLS.
pub(crate) fn client_for(given: Option<Client>, base: &BaseUrl) -> Result<Client, PagerBuildError> {
    if let Some(client) = given {
        return Ok(client);
    }
    if !base.is_plain() && cfg!(not(feature = "rustls")) {
        return Err(PagerBuildError::NoTls(base.clone()));
    }
    let builder = client_builder();
    let builder = if base.is_loopback() {
        // A proxy would send requests for this machine elsewhere.
        builder.no_proxy()
    } else {
        builder
    };
    let builder = if base.is_plain() {
        // Plain http needs no certificates, so a system without any must not fail here.
        without_certificates(builder)
    } else {
        builder
    };
    builder.build().map_err(PagerBuildError::Client)
}

#[cfg(feature = "rustls")]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder.tls_certs_only([])
}

#[cfg(not(feature = "rustls"))]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder
}

//! The HTTP client that pagers use.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect};

use crate::transport::base_url::BaseUrl;
use crate::transport::build_error::PagerBuildError;

/// The longest wait for a connection. Beyond it the page was certainly not sent.
const CONNECT: Duration = Duration::from_secs(3);

/// Idle connections are dropped before load balancers drop them (many do after
/// 5 s): a page on a connection that is just being closed has an unknown outcome.
const IDLE: Duration = Duration::from_secs(4);

/// A client as pagers want it, for a host to add proxies or certificates to.
///
/// It takes 3 s to connect, drops idle connections after 4 s, and follows no
/// redirects: a redirected page would carry its key to another address.
/// A client of the host's own must not follow redirects either: an answer that
/// comes from another address than the one that was asked counts as unknown.
pub fn client_builder() -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("incident-pagers/", env!("CARGO_PKG_VERSION")))
}

/// Returns the host's client, or builds one for an address. Building it fails, instead of
/// panicking, where the system has no certificates.
pub(crate) fn client_for(given: Option<Client>, base: &BaseUrl) -> Result<Client, PagerBuildError> {
    if let Some(client) = given {
        return Ok(client);
    }
    if !base.is_plain() && cfg!(not(feature = "rustls")) {
        return Err(PagerBuildError::NoTls(base.clone()));
    }
    let builder = client_builder();
    let builder = if base.is_loopback() {
        // A proxy would send what is meant for this machine elsewhere.
        builder.no_proxy()
    } else {
        builder
    };
    let builder = if base.is_plain() {
        // Needs no certificates, so a system without any will do.
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

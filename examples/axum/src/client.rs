//! The client of a request, as the server knows it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::Extensions;

/// A connection, for servers that treat connections of known callers better than others.
pub trait Connection: Send + Sync {
    /// Returns the address of the client.
    fn address(&self) -> IpAddr;

    /// Notes that a request on the connection came from a known caller.
    fn note_known(&self);
}

/// The extension of a request with its connection. A server that has no [`Connection`]s leaves it
/// out; then the address is that of axum's [`ConnectInfo`], if the host serves with it.
#[derive(Clone)]
pub struct ClientInfo(pub Arc<dyn Connection>);

impl fmt::Debug for ClientInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientInfo")
            .field(&self.0.address())
            .finish()
    }
}

/// Returns the address of a client, if the server passes it on.
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    let client = extensions.get::<ClientInfo>();
    let client = client.map(|client| client.0.address());
    client.or_else(|| {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        peer.map(|ConnectInfo(peer)| peer.ip())
    })
}

/// Notes that a request came from a known caller.
pub(crate) fn note_known(extensions: &Extensions) {
    if let Some(client) = extensions.get::<ClientInfo>() {
        client.0.note_known();
    }
}

//! The client of a request.

use std::net::IpAddr;
use std::sync::Arc;

use super::watch::Watch;

/// The client of a request. An extension of every request that came over a connection.
#[derive(Clone, Debug)]
pub(crate) struct ClientConnection(Arc<Watch>);

impl ClientConnection {
    pub(super) fn new(watch: Arc<Watch>) -> Self {
        Self(watch)
    }

    /// Returns the address that the connection came from: a proxy's, where there is one.
    #[must_use]
    pub(crate) fn address(&self) -> IpAddr {
        self.0.peer()
    }

    /// Notes that the client proved itself: its connection is the last that has to make room.
    pub(crate) fn note_known(&self) {
        self.0.known();
    }
}

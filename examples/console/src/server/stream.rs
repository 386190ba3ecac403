//! The socket of a connection: reports its activity, and replaces hyper's own responses.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::bare;
use super::client::ClientConnection;

/// The socket of a connection.
///
/// hyper responds to requests that it cannot parse (400, 414, 431) by itself, without a body, and
/// closes the connection. Such a response is the only data that it writes while waiting for a
/// request's head with everything flushed; here it is replaced by a problem.
pub(super) struct Stream {
    /// `None` once it was left with the connection.
    socket: Option<TcpStream>,
    client: Arc<ClientConnection>,
    is_blocked: bool,
    /// The bytes written instead of hyper's own response.
    instead: Option<Bytes>,
}

impl Stream {
    pub(super) fn new(socket: TcpStream, client: Arc<ClientConnection>) -> Self {
        Self {
            socket: Some(socket),
            client,
            is_blocked: false,
            instead: None,
        }
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        let socket = self.socket.as_mut();
        socket
            .map(Pin::new)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Notes whether the client is reading.
    fn noted<T>(&mut self, written: Poll<T>) -> Poll<T> {
        if written.is_pending() != self.is_blocked {
            self.is_blocked = written.is_pending();
            self.client.blocked(self.is_blocked);
        }
        written
    }

    /// Replaces hyper's own response by another one, and returns whether it did.
    fn is_replaced(&mut self, written: &[u8]) -> bool {
        if self.instead.is_none()
            && let Some(seen) = self.client.take_refused()
        {
            let status = bare::status_of(written, seen);
            self.instead = Some(bare::answer(status, seen));
        }
        self.instead.is_some()
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.instead.clone().filter(|left| !left.is_empty()) {
            let written = self.socket()?.poll_write(cx, &left);
            let written = ready!(self.noted(written))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Some(left) = self.instead.as_mut() {
                left.advance(written);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            self.client.leave_stream(socket);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = this.socket()?.poll_read(cx, buffer);
        if matches!(read, Poll::Ready(Ok(()))) {
            this.client
                .read(buffer.filled().get(before..).unwrap_or_default());
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_replaced(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = this.socket()?.poll_write(cx, bytes);
        this.noted(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let first = parts.iter().find(|part| !part.is_empty());
        if this.is_replaced(first.map_or(&[], |part| part)) {
            return Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()));
        }
        let written = this.socket()?.poll_write_vectored(cx, parts);
        this.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_instead(cx))?;
        ready!(this.socket()?.poll_flush(cx))?;
        this.client.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_instead(cx))?;
        this.socket()?.poll_shutdown(cx)
    }
}

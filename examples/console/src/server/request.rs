//! The body of a request, awaited until a deadline, and no longer than a stop allows.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

use super::client::ClientConnection;

/// Maximum number of unread bytes that are discarded to keep the connection open.
const DRAINED: u64 = 64 * 1024;
/// Maximum time for that.
const DRAINING: Duration = Duration::from_millis(200);

/// The body of a request.
pub(super) struct RequestBody {
    /// `None` once its rest was left with the connection.
    incoming: Option<Incoming>,
    client: Arc<ClientConnection>,
    ended: bool,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, client: Arc<ClientConnection>) -> Self {
        Self {
            incoming: Some(incoming),
            client,
            ended: false,
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(rest) = self.incoming.take().filter(|_| !self.ended) {
            self.client.leave_rest(rest);
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Some(broken) = this.client.broken() {
            return Poll::Ready(Some(Err(Box::new(broken))));
        }
        let Some(incoming) = this.incoming.as_mut() else {
            return Poll::Ready(None);
        };
        let frame = Pin::new(incoming).poll_frame(cx);
        match &frame {
            Poll::Pending => this.client.wants_body(cx.waker()),
            Poll::Ready(frame) => {
                this.ended |= !matches!(frame, Some(Ok(_)));
                let whole = this.ended || this.is_end_stream();
                this.client.has_body(whole);
            }
        }
        frame.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let incoming = self.incoming.as_ref();
        incoming.map_or_else(SizeHint::default, Body::size_hint)
    }
}

/// Discards the part of a body that a handler did not read; returns whether it reached the end.
///
/// Otherwise the connection would have to be closed after every early response, because the next
/// request follows the rest.
pub(super) async fn drain(client: &ClientConnection, expects: bool) -> bool {
    let Some(mut rest) = client.take_rest() else {
        return true;
    };
    if rest.is_end_stream() {
        return true;
    }
    // A client that expects `100 Continue` does not send its body unasked (RFC 9110, 10.1.1).
    if expects || rest.size_hint().lower() > DRAINED {
        return false;
    }
    client.drains();
    let reading = async {
        let mut read = 0;
        while let Some(frame) = rest.frame().await {
            let Ok(frame) = frame else {
                return false;
            };
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
            if read > DRAINED {
                return false;
            }
        }
        true
    };
    timeout(DRAINING, reading).await.unwrap_or(false)
}

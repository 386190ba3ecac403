//! One request, from its head to the end of its response.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use incident_axum::{ClientInfo, Connection};
use tower::Service;

use super::client::ClientConnection;
use super::request::{RequestBody, drain};

/// Responds to a request through the router.
pub(super) async fn answer(
    mut router: Router,
    client: Arc<ClientConnection>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    let (mut parts, incoming) = request.into_parts();
    let whole = incoming.is_end_stream();
    client.request(whole);
    let expects = parts.headers.contains_key(header::EXPECT);
    parts
        .extensions
        .insert(ClientInfo(Arc::clone(&client) as Arc<dyn Connection>));
    let body = if whole {
        Body::empty()
    } else {
        Body::new(RequestBody::new(incoming, Arc::clone(&client)))
    };
    let mut response = router.call(Request::from_parts(parts, body)).await?;
    // Boxed so that the future of a request without a body stays small.
    if !whole && !Box::pin(drain(&client, expects)).await {
        // The rest of the body is discarded after the response, and is not a request.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(response.map(|body| AnswerBody {
        body,
        _end: End(client),
    }))
}

/// The body of a response; hyper drops it when it has read all of it.
pub(super) struct AnswerBody {
    body: Body,
    _end: End,
}

struct End(Arc<ClientConnection>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.answered();
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

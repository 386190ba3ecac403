//! One connection, from its first request to its end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::answer;
use super::bare;
use super::client::{ClientConnection, HEAD, Order};
use super::stream::Stream;
use super::table::ConnectionEntry;

/// Maximum number of bytes read at a time.
const BUFFER: usize = 64 * 1024;
/// Maximum time to write a response of a few hundred bytes.
const SAYING: Duration = Duration::from_secs(2);
/// Maximum time to read from the client after a response, until it closes, so that a reset does not
/// overtake the response (RFC 9112, 9.6). Like nginx's `lingering_time`.
const LINGER: Duration = Duration::from_secs(30);
/// Maximum silence meanwhile (nginx's `lingering_timeout`).
const SILENCE: Duration = Duration::from_secs(5);
/// Buffer size meanwhile, in bytes: every connection may linger at once.
const LINGER_BUFFER: usize = 8 * 1024;
/// Maximum linger time while the server stops.
const LAST_LINGER: Duration = Duration::from_secs(1);
/// Maximum number of bytes read while lingering.
const LINGER_BYTES: usize = 64 * 1024 * 1024;

/// The outcome of serving a connection.
enum Ended {
    /// No response is due.
    Dropped,
    /// All responses were sent.
    Said,
    /// hyper could not parse a request and did not respond.
    Unreadable,
    /// The head of a request did not arrive in time.
    Late,
}

/// Serves a connection to its end.
pub(super) async fn serve(socket: TcpStream, entry: ConnectionEntry, router: Router) {
    let client = entry.client();
    let ended = converse(socket, client, router).await;
    let Some(mut socket) = client.take_stream() else {
        return;
    };
    let status = match ended {
        Ended::Dropped => return,
        Ended::Said => None,
        Ended::Unreadable => Some(StatusCode::BAD_REQUEST),
        Ended::Late => Some(StatusCode::REQUEST_TIMEOUT),
    };
    if let Some(status) = status {
        let bytes = bare::answer(status, client.seen());
        if !matches!(timeout(SAYING, socket.write_all(&bytes)).await, Ok(Ok(()))) {
            return;
        }
    }
    if status.is_none() && client.may_leave_at_once() {
        let _ = socket.shutdown().await;
        return;
    }
    linger(socket, client).await;
}

async fn converse(socket: TcpStream, client: &Arc<ClientConnection>, router: Router) -> Ended {
    let stream = TokioIo::new(Stream::new(socket, Arc::clone(client)));
    let service = service_fn(|request| answer(router.clone(), Arc::clone(client), request));
    let mut http = http1::Builder::new();
    // Deadlines are enforced by the table.
    http.header_read_timeout(None)
        .max_header_size(HEAD)
        .max_buf_size(BUFFER);
    let mut conversation = pin!(http.serve_connection(stream, service));
    loop {
        tokio::select! {
            biased;
            ended = conversation.as_mut() => return match ended {
                Err(error) if error.is_parse() && client.take_refused().is_some() => Ended::Unreadable,
                _ if client.has_ended() => Ended::Dropped,
                _ => Ended::Said,
            },
            order = client.order() => match order {
                Order::Close => return Ended::Dropped,
                Order::Late => return Ended::Late,
                Order::Finish => conversation.as_mut().graceful_shutdown(),
            },
        }
    }
}

/// Closes our side, and discards the bytes that still arrive.
async fn linger(mut socket: TcpStream, client: &ClientConnection) {
    client.lingers();
    if socket.shutdown().await.is_err() {
        return;
    }
    let reading = async {
        let mut buffer = vec![0; LINGER_BUFFER];
        let mut left = LINGER_BYTES;
        while let Ok(Ok(read @ 1..)) = timeout(SILENCE, socket.read(&mut buffer)).await {
            left = left.saturating_sub(read);
            if left == 0 {
                return;
            }
        }
    };
    let longest = if client.is_stopping() {
        LAST_LINGER
    } else {
        LINGER
    };
    tokio::select! {
        _ = timeout(longest, reading) => {}
        _ = client.order() => {}
    }
}

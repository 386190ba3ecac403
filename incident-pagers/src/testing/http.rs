//! The part of HTTP/1.1 that a mock vendor needs, with control over every byte.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::book::RecordedRequest;

/// Maximum sizes of a head and of a body, in bytes.
const HEAD: usize = 64 * 1024;
const BODY: usize = 4 * 1024 * 1024;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MockReply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl MockReply {
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Stand-in\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }

    pub(super) async fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(&self.bytes()).await
    }

    /// Writes the head, and blanks as its body until the client is gone.
    pub(super) async fn write_without_end(&self, stream: &mut TcpStream) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 {} Stand-in\r\nTransfer-Encoding: chunked\r\n\r\n",
            self.status
        );
        stream.write_all(head.as_bytes()).await?;
        let chunk = format!("400\r\n{}\r\n", " ".repeat(0x400));
        loop {
            stream.write_all(chunk.as_bytes()).await?;
        }
    }

    pub(super) async fn drip(&self, stream: &mut TcpStream, pause: Duration) -> io::Result<()> {
        for byte in self.bytes() {
            tokio::time::sleep(pause).await;
            stream.write_all(&[byte]).await?;
        }
        Ok(())
    }
}

/// Reads one request. Returns `None` at the end of the connection.
pub(super) async fn read(stream: &mut TcpStream) -> io::Result<Option<RecordedRequest>> {
    let mut bytes = Vec::new();
    loop {
        if let Some((mut seen, head, length)) = head_of(&bytes)? {
            if length > BODY {
                return Err(broken("the body is too long"));
            }
            let mut body = bytes.split_off(head);
            let begun = body.len();
            if begun > length {
                return Err(broken(
                    "a second request came before the answer to the first",
                ));
            }
            body.resize(length, 0);
            let rest = body.get_mut(begun..).unwrap_or_default();
            stream.read_exact(rest).await?;
            seen.body = body;
            seen.at = Instant::now();
            return Ok(Some(seen));
        }
        if bytes.len() > HEAD {
            return Err(broken("the head is too long"));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return if bytes.is_empty() {
                Ok(None)
            } else {
                Err(broken("the request broke off"))
            };
        }
    }
}

/// Parses a head. Returns it with its length and that of the body, or `None` if it is incomplete.
fn head_of(bytes: &[u8]) -> io::Result<Option<(RecordedRequest, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(status) = request.parse(bytes) else {
        return Err(broken("this is not HTTP/1.1"));
    };
    let httparse::Status::Complete(head) = status else {
        return Ok(None);
    };
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_ascii_lowercase(), value)
        })
        .collect();
    let seen = RecordedRequest {
        at: Instant::now(),
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        headers,
        body: Vec::new(),
        status: None,
    };
    if seen.header("transfer-encoding").is_some() {
        return Err(broken("a body needs a Content-Length here"));
    }
    let length = match seen.header("content-length").map(str::parse) {
        None => 0,
        Some(Ok(length)) => length,
        Some(Err(_)) => return Err(broken("Content-Length is no number")),
    };
    Ok(Some((seen, head, length)))
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

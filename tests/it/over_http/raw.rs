//! A client that sends raw bytes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::over_http::harness::Answer;

/// Longer than any deadline that a test sets.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Raw(BufReader<TcpStream>);

impl Raw {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends bytes until the server stops reading; returns whether all were sent.
    pub(crate) async fn sends(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// Reads a response; returns `None` if the connection is closed instead.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        timeout(PATIENCE, self.read(true)).await.unwrap()
    }

    /// Reads a response to a `HEAD`, which has no body.
    pub(crate) async fn head(&mut self) -> Option<Answer> {
        timeout(PATIENCE, self.read(false)).await.unwrap()
    }

    async fn read(&mut self, has_body: bool) -> Option<Answer> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        loop {
            line.clear();
            self.0.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
        }
        let length = headers.get("content-length");
        let length = length.map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let mut body = vec![0; if has_body { length } else { 0 }];
        self.0.read_exact(&mut body).await.ok()?;
        Some(Answer {
            status,
            headers,
            text: String::from_utf8(body).unwrap(),
        })
    }

    /// Waits until the server closes, with or without a reset, and asserts that no byte arrives
    /// before; returns the time it took.
    pub(crate) async fn is_closed(&mut self) -> Duration {
        let started = Instant::now();
        let mut byte = [0; 1];
        let read = timeout(PATIENCE, self.0.read(&mut byte)).await.unwrap();
        assert!(!matches!(read, Ok(1..)), "something came");
        started.elapsed()
    }

    /// Returns whether the connection stays open and silent for a while.
    pub(crate) async fn is_open(&mut self) -> bool {
        let mut byte = [0; 1];
        timeout(Duration::from_millis(50), self.0.read(&mut byte))
            .await
            .is_err()
    }

    /// Reads to the end.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut bytes))
            .await
            .unwrap();
        bytes
    }
}

/// Returns a request with these header lines and a body.
pub(crate) fn request(line: &str, token: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{line} HTTP/1.1\r\nhost: x\r\n");
    if !token.is_empty() {
        text += &format!("authorization: Bearer {token}\r\n");
    }
    for header in headers {
        text += &format!("{header}\r\n");
    }
    if !body.is_empty() {
        text += "content-type: application/json\r\n";
        text += &format!("content-length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

/// Returns a request that announces a body of this length without sending it.
pub(crate) fn announced(line: &str, token: &str, headers: &[&str], length: usize) -> String {
    let length = format!("content-length: {length}");
    let all: Vec<&str> = headers.iter().copied().chain([length.as_str()]).collect();
    request(line, token, &all, "")
}

//! Pages for people, over HTTP.

mod about;
mod audit;
mod classify;
mod declare;
mod frame;
mod incident;
mod incidents;
mod pagers;
mod rights;
mod sla;
mod switches;

use std::fmt::Write as _;

use reqwest::Method;

use crate::over_http::harness::{Answer, Server};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml");

/// The words that no page of another language shows.
const ENGLISH: [&str; 8] = [
    ">Active<",
    ">All incidents<",
    ">SLA and credits<",
    ">Display<",
    ">Language<",
    ">Sign out<",
    "Skip to the content",
    "Status page",
];

/// Loads a page as a browser does.
pub(crate) async fn page(server: &Server, token: &str, path: &str) -> Answer {
    page_in(server, token, path, "en").await
}

/// Loads a page in a language.
pub(crate) async fn page_in(server: &Server, token: &str, path: &str, language: &str) -> Answer {
    let headers = [HTML, ("accept-language", language)];
    browse(server, Method::GET, token, path, &headers, None).await
}

/// Sends a form of our own pages as a browser does.
pub(crate) async fn submit(
    server: &Server,
    token: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> Answer {
    submit_in(server, token, path, fields, "en").await
}

/// Sends a form of our own pages as a browser with a language does.
pub(crate) async fn submit_in(
    server: &Server,
    token: &str,
    path: &str,
    fields: &[(&str, &str)],
    language: &str,
) -> Answer {
    let headers = [
        HTML,
        ("accept-language", language),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let body = form(fields).into_bytes();
    browse(server, Method::POST, token, path, &headers, Some(body)).await
}

/// Sends a request, and reads its response without the document of the API: pages are not in it.
async fn browse(
    server: &Server,
    method: Method,
    token: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
) -> Answer {
    let response = server.response(method, token, path, headers, body).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let answer = Answer {
        status,
        headers,
        text: response.text().await.unwrap(),
    };
    if status >= 400 || status == 200 {
        must_be_safe(&answer);
    }
    answer
}

/// Asserts what holds for every page: nothing is inline, nothing is cached, all is of this host.
fn must_be_safe(answer: &Answer) {
    let media = answer.header("content-type").unwrap();
    if !media.starts_with("text/html") {
        return;
    }
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let text = &answer.text;
    assert!(text.starts_with("<!doctype html>"), "{text}");
    for inline in [
        " style=",
        " onclick=",
        " onload=",
        "<style",
        "javascript:",
        "<script>",
    ] {
        assert!(!text.contains(inline), "{inline}: {text}");
    }
    assert_eq!(text.matches("<h1").count(), 1, "{text}");
    let mut ids: Vec<&str> = text
        .split(" id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id stands twice: {text}");
}

/// Asserts that a page in another language shows no English of the frame.
pub(crate) fn must_not_be_english(answer: &Answer) {
    for word in ENGLISH {
        assert!(!answer.text.contains(word), "{word}: {}", answer.text);
    }
}

/// Writes a form as browsers do.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        for (text, end) in [(name, "="), (value, "")] {
            for byte in text.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                        body.push(char::from(byte));
                    }
                    b' ' => body.push('+'),
                    other => write!(body, "%{other:02X}").unwrap(),
                }
            }
            body.push_str(end);
        }
    }
    body
}

/// Returns the value of an element that is followed by a name: `value_of(page, "name=\"key\" value=\"")`.
pub(crate) fn after<'t>(answer: &'t Answer, start: &str) -> &'t str {
    let found = answer.text.split_once(start);
    let (_, rest) = found.unwrap_or_else(|| panic!("{start} is not in {}", answer.text));
    rest.split('"').next().unwrap()
}

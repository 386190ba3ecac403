//! The page of an incident, and the forms with which people act on it.

mod acts;
mod coordination;
mod edit;
mod entries;
mod notified;
mod publish;
mod rules;
mod show;
mod ticks;
mod updates;

use serde_json::{Value, json};

use super::{after, page};
use crate::over_http::harness::{Answer, Server};

/// A text that would run, break out of an attribute, or hide the text around it.
const HOSTILE: &str = "<script>alert(1)</script> \"'&\u{202e}evil";
/// The same text in a page.
const HARMLESS: &str = "&lt;script&gt;alert(1)&lt;/script&gt; &quot;&#39;&amp;\\u{202e}evil";

/// Declares an incident; returns its path in the API and that of its page.
async fn declared(server: &Server, more: &Value) -> (String, String) {
    let path = server.declare(more).await;
    let page = path.trim_start_matches("/sys").to_owned();
    (path, page)
}

/// Declares one of SEV2.
async fn any(server: &Server) -> (String, String) {
    declared(server, &json!({})).await
}

/// Returns the value of a hidden field of the first form that has it.
pub(super) fn hidden<'p>(page: &'p Answer, name: &str) -> &'p str {
    after(page, &format!("name=\"{name}\" value=\""))
}

/// Loads the key of the form on a page.
pub(super) async fn key_of(server: &Server, token: &str, path: &str) -> String {
    let shown = page(server, token, path).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    hidden(&shown, "key").to_owned()
}

/// Returns the part of a page from one text to another.
pub(super) fn between<'p>(page: &'p Answer, start: &str, end: &str) -> &'p str {
    let (_, rest) = page
        .text
        .split_once(start)
        .unwrap_or_else(|| panic!("{start} is not in {}", page.text));
    rest.split(end).next().unwrap()
}

/// Asserts that a form was refused about a field: the error stands beside it, the summary leads to
/// it, and a text that was typed is still there.
pub(super) fn must_be_refused(answer: &Answer, status: u16, field: &str, typed: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    let text = &answer.text;
    assert!(
        text.contains(&format!("id=\"{field}-error\"")),
        "{field}: {text}"
    );
    assert!(
        text.contains(&format!("<a href=\"#{field}\">")),
        "{field}: {text}"
    );
    assert!(text.contains(typed), "{typed} is gone: {text}");
}

/// Returns the address that a form led to.
pub(super) fn led_to(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("location").unwrap()
}

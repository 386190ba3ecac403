//! Small pages of HTML.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::shows_nothing;

use super::problem::NOSNIFF;

/// Nothing is loaded, framed or run; forms are sent to this host only.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A text as it stands in HTML, between tags or in a quoted attribute. Invisible characters are
/// written as their code points.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                ' ' | '\n' => f.write_char(character)?,
                other if shows_nothing(other.encode_utf8(&mut [0; 4])) => {
                    write!(f, "{}", other.escape_unicode())?;
                }
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Returns `true` if the client is a browser that shows a page to a person.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/html"))
}

/// Responds with a page whose `main` is HTML already.
pub(crate) fn page(status: StatusCode, title: &str, main: &str) -> Response {
    let title = Escaped(title);
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <main>\n<h1>{title}</h1>\n{main}</main>\n</html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, HTML),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ),
    ];
    (status, headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_text_is_text() {
        let hostile = "<script>alert('a' & \"b\")</script>\u{202e}";
        let shown = Escaped(hostile).to_string();
        assert_eq!(
            shown,
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;\\u{202e}"
        );
    }
}

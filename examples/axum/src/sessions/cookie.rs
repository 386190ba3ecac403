//! The cookie of a session (RFC 6265bis).

use axum::http::{HeaderMap, HeaderValue, header};

use super::session::Secret;

/// Name of the cookie over HTTPS. The prefix makes browsers refuse it from other hosts, subdomains
/// and plain HTTP.
const SECURE: &str = "__Host-incident_session";
/// Name of the cookie over plain HTTP, where browsers refuse that prefix and `Secure`.
const PLAIN: &str = "incident_session";

/// Returns the secret in the session cookie of a request. None if there are several: one of them
/// was set by somebody else.
pub(crate) fn secret(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let pairs = cookies.filter_map(|value| value.to_str().ok());
    let mut values = pairs
        .flat_map(|pairs| pairs.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| name.trim() == name_of(secure))
        .map(|(_, value)| value.trim());
    let first = values.next()?;
    match values.next() {
        Some(_) => None,
        None => Secret::parse(first),
    }
}

/// Returns the `Set-Cookie` of a new session. The browser forgets it when it closes, and the server
/// when it expires.
///
/// `SameSite=Lax`: with `Strict` a link in a mail or from another login arrives signed out.
pub(crate) fn set(secret: &Secret, secure: bool) -> Option<HeaderValue> {
    header_value(&secret.text(), secure, "")
}

/// Returns the `Set-Cookie` that makes a browser forget its session.
pub(crate) fn clear(secure: bool) -> Option<HeaderValue> {
    header_value("", secure, "; Max-Age=0")
}

fn header_value(value: &str, secure: bool, more: &str) -> Option<HeaderValue> {
    let (name, flag) = (name_of(secure), if secure { "; Secure" } else { "" });
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{flag}{more}");
    HeaderValue::from_str(&text).ok()
}

const fn name_of(secure: bool) -> &'static str {
    if secure { SECURE } else { PLAIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cookies: &[&[u8]], secure: bool) -> Option<String> {
        let values = cookies
            .iter()
            .map(|one| (header::COOKIE, HeaderValue::from_bytes(one).unwrap()));
        secret(&HeaderMap::from_iter(values), secure).map(|one| one.text())
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let text = Secret::random().text();
        let named = format!("{SECURE}={text}");
        let among = format!("a=b; {named}; c");
        for cookies in [
            &[named.as_bytes()][..],
            &[among.as_bytes()],
            &[b"a=b", named.as_bytes()],
        ] {
            assert_eq!(found(cookies, true).as_ref(), Some(&text));
            assert_eq!(found(cookies, false), None, "a name per scheme");
        }
        let plain = format!("{PLAIN}={text}");
        assert_eq!(found(&[plain.as_bytes()], false), Some(text));
        assert_eq!(found(&[plain.as_bytes()], true), None);
    }

    /// Bad input: hostile cookies sign nobody in, and break nothing.
    #[test]
    fn hostile_cookies_are_no_session() {
        let text = Secret::random().text();
        let twice = format!("{SECURE}={text}; {SECURE}={text}");
        let quoted = format!("{SECURE}=\"{text}\"");
        let long = format!("{SECURE}={}", "A".repeat(60_000));
        for cookies in [
            &[twice.as_bytes()][..],
            &[quoted.as_bytes()],
            &[long.as_bytes()],
            &[b"__Host-incident_session="],
            &[b"__Host-incident_session"],
            &[b"=;==;;;"],
            &[b"\xff\xfe=\xfd"],
            &[],
        ] {
            assert_eq!(found(cookies, true), None);
        }
    }

    #[test]
    fn attributes_follow_the_scheme() {
        let secret = Secret::random();
        let text = secret.text();
        let expected = format!("{SECURE}={text}; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(set(&secret, true).unwrap(), expected.as_str());
        let expected = format!("{PLAIN}={text}; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(set(&secret, false).unwrap(), expected.as_str());
        let cleared = clear(true).unwrap();
        assert_eq!(
            cleared,
            "__Host-incident_session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
        );
    }
}

//! The check of addresses that may be shown as links.

use crate::ValidationError;

/// Maximum length of an address, in bytes.
pub(crate) const URL_BYTES: usize = 2048;

pub(super) fn check_https(text: &str) -> Result<(), ValidationError> {
    let wrong = || {
        ValidationError::new(
            "url",
            "an https:// URL of at most 2048 bytes, with a host and without user name or password",
        )
    };
    if text.len() > URL_BYTES
        || text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err(wrong());
    }
    // RFC 3986: scheme "://" authority, which ends at the first "/", "?" or "#".
    let scheme = text.get(..8).ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("https://") {
        return Err(wrong());
    }
    let rest = text.get(8..).unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') || !is_host(authority) {
        return Err(wrong());
    }
    Ok(())
}

/// Returns `true` for `host`, `host:port` or `[v6]:port`, with a host that is not empty.
fn is_host(authority: &str) -> bool {
    let (host, port) = match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((inside, after)) => {
            if inside.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("v6", after)
        }
        None => match authority.split_once(':') {
            Some((host, _)) => (host, authority.get(host.len()..).unwrap_or_default()),
            None => (authority, ""),
        },
    };
    let port_ok = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => digits.parse::<u16>().is_ok() && digits.bytes().all(|b| b.is_ascii_digit()),
    };
    let labels_ok = host
        .strip_suffix('.')
        .unwrap_or(host)
        .split('.')
        .all(|label| !label.is_empty());
    let characters_ok = host
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '%'));
    port_ok && labels_ok && characters_ok
}

#[cfg(test)]
mod tests {
    use crate::HttpsUrl;

    #[test]
    fn post_mortem_addresses_need_https_and_a_host() {
        for good in [
            "https://notion.so/x",
            "HTTPS://docs.google.com/d/1#h",
            "https://wiki.example:8443/a?b=c@d",
            "https://[2001:db8::1]:443/",
            "https://bücher.example",
        ] {
            assert!(HttpsUrl::new(good).is_ok(), "{good} was refused");
        }
        for bad in [
            "http://notion.so/x",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://user:pw@host/",
            "https://user@host",
            "https://host:99999/",
            "https://:443/",
            "https://a..b/",
            "https://a b/",
            "https://host\\@evil/",
            "https://[::zz]/",
            "ftp://host/",
            "//host/",
            "",
            "https://host/\u{7}",
            "https://host/\u{a0}x",
            "https://host/a\\b",
            "https://host/a b",
            "https://[2001:db8::1]443/",
            "https://host:+1/",
            "https://.host/",
            "https://a*b/",
        ] {
            assert!(HttpsUrl::new(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn an_address_has_at_most_2048_bytes() {
        let of = |bytes: usize| format!("https://host/{}", "x".repeat(bytes - 13));
        assert!(HttpsUrl::new(&of(2048)).is_ok());
        assert!(HttpsUrl::new(&of(2049)).is_err());
    }
}

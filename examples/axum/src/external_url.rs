//! The address under which browsers reach the host.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;
use axum::http::uri::Scheme;

/// The address under which browsers reach the host, such as `https://console.example`, without the
/// prefix at which the routers are mounted.
///
/// It is the only source of absolute links, as the `Host` of a request is chosen by its sender. It is
/// parsed from `https://HOST[:PORT][/PATH]`; plain `http` is for this machine only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalUrl {
    origin: String,
    path: String,
    secure: bool,
}

impl ExternalUrl {
    /// Returns `true` for HTTPS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns the origin, as browsers send it: `https://console.example`, with the port only if it
    /// is not that of the scheme.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the absolute link to a path of the host that begins with `/`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

/// The address without a slash at its end.
impl fmt::Display for ExternalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl FromStr for ExternalUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected an address such as https://console.example, without query; http only for localhost";
        // An IRI would have to be converted, and a fragment is dropped by the parser.
        if text
            .bytes()
            .any(|byte| !byte.is_ascii_graphic() || byte == b'#')
        {
            return Err(EXPECTED);
        }
        let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(EXPECTED);
        };
        let secure = *scheme == Scheme::HTTPS;
        let host = authority.host().to_ascii_lowercase();
        let is_known = secure || (*scheme == Scheme::HTTP && is_loopback(&host));
        let has_user = authority.as_str().contains('@');
        if !is_known || has_user || host.is_empty() || uri.query().is_some() {
            return Err(EXPECTED);
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            None | Some("") => None,
            Some(_) => Some(authority.port_u16().ok_or(EXPECTED)?),
        };
        let standard = if secure { 443 } else { 80 };
        let port = port.filter(|port| *port != standard);
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self {
            origin: format!("{scheme}://{host}{port}"),
            path: uri.path().trim_end_matches('/').to_owned(),
            secure,
        })
    }
}

/// Returns `true` if a host, without its port, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let name = address.to_ascii_lowercase();
    // RFC 6761, 6.3: names below `localhost` are loopback addresses.
    name == "localhost"
        || name.ends_with(".localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_reduced_to_what_browsers_send() {
        for (text, shown, origin, secure) in [
            (
                "https://console.example",
                "https://console.example",
                "https://console.example",
                true,
            ),
            (
                "https://Console.Example:443/",
                "https://console.example",
                "https://console.example",
                true,
            ),
            (
                "https://a.example:8443/ops/",
                "https://a.example:8443/ops",
                "https://a.example:8443",
                true,
            ),
            (
                "http://localhost:8080",
                "http://localhost:8080",
                "http://localhost:8080",
                false,
            ),
            (
                "http://127.0.0.1:80",
                "http://127.0.0.1",
                "http://127.0.0.1",
                false,
            ),
            (
                "http://[::1]:8080/",
                "http://[::1]:8080",
                "http://[::1]:8080",
                false,
            ),
        ] {
            let url: ExternalUrl = text.parse().unwrap();
            assert_eq!(
                (url.to_string().as_str(), url.origin(), url.is_secure()),
                (shown, origin, secure)
            );
        }
        let url: ExternalUrl = "https://a.example/ops".parse().unwrap();
        assert_eq!(
            url.join("/sys/incidents"),
            "https://a.example/ops/sys/incidents"
        );
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in [
            "",
            "console.example",
            "/ops",
            "http://console.example",
            "http://localhost.evil.example",
            "ftp://localhost",
            "https://",
            "https://user@console.example",
            "https://console.example/?a=b",
            "https://console.example/#a",
            "https://console.example:99999",
            "https://m\u{fc}nchen.example",
            "https://a b.example",
        ] {
            assert!(text.parse::<ExternalUrl>().is_err(), "{text}");
        }
    }
}

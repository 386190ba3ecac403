//! Base URL of a vendor's API.

use std::fmt;
use std::str::FromStr;

use incident_core::ValidationError;
use reqwest::Url;

/// The base URL of an API: `https://host[:port][/prefix]`.
///
/// Plain `http` is allowed for loopback addresses only: a key must not cross a network in the
/// clear.
///
/// [`Debug`](fmt::Debug) prints the origin alone: the path of an incoming webhook is a secret of the
/// chat that made it.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Parses a base URL.
    ///
    /// # Errors
    /// Fails if the URL is not https (or http on loopback), has a user name, a password, a query
    /// or a fragment, or is the URL of a call (`/v2/enqueue`, `/v2/alerts`) instead of that of the
    /// API.
    pub fn new(text: &str) -> Result<Self, ValidationError> {
        let wrong = |expected| ValidationError::new("url", expected);
        let mut url = Url::parse(text.trim())
            .map_err(|_| wrong("a URL such as https://events.pagerduty.com"))?;
        let safe = match url.scheme() {
            "https" => true,
            "http" => is_loopback(&url),
            _ => false,
        };
        if !safe {
            return Err(wrong(
                "an https URL; http is allowed only for loopback addresses",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("a URL without user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("a URL without query or fragment"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if path.ends_with("/v2/enqueue") || path.ends_with("/v2/alerts") {
            return Err(wrong("the base URL of the API, without /v2/..."));
        }
        url.set_path(&path);
        Ok(Self(url))
    }

    /// Returns scheme, host and port, such as `https://chat.example`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Returns `true` if the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Returns `true` if the URL is reached without TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Returns the URL of a call. `path` begins with a slash and is already encoded.
    pub(crate) fn call(&self, path: &str) -> Result<Url, ValidationError> {
        let base = self.0.as_str().trim_end_matches('/');
        let wrong = |_| ValidationError::new("url", "a base URL to which a path can be added");
        Url::parse(&format!("{base}{path}")).map_err(wrong)
    }
}

/// The base URL of a vendor's region, or one set by the host.
#[cfg(feature = "vendors")]
#[derive(Clone, Debug)]
pub(crate) enum Base {
    Known(&'static str),
    Given(BaseUrl),
}

#[cfg(feature = "vendors")]
impl Base {
    pub(crate) fn url(self) -> Result<BaseUrl, ValidationError> {
        match self {
            Self::Known(text) => BaseUrl::new(text),
            Self::Given(url) => Ok(url),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    // IPv6 addresses are in brackets.
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BaseUrl").field(&self.origin()).finish()
    }
}

impl FromStr for BaseUrl {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debug_print_has_no_path() {
        let base = BaseUrl::new("https://chat.example:8443/services/c4n4ry").unwrap();
        assert_eq!(base.origin(), "https://chat.example:8443");
        assert_eq!(
            format!("{base:?}"),
            r#"BaseUrl("https://chat.example:8443")"#
        );
    }

    #[test]
    fn only_safe_addresses_are_taken() {
        for (text, shown) in [
            (
                "https://events.pagerduty.com",
                "https://events.pagerduty.com",
            ),
            (
                "https://events.pagerduty.com/",
                "https://events.pagerduty.com",
            ),
            (
                "https://api.atlassian.com/jsm/ops/integration/",
                "https://api.atlassian.com/jsm/ops/integration",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.9.9.9:1", "http://127.9.9.9:1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://localhost:8080/x", "http://localhost:8080/x"),
        ] {
            let base = BaseUrl::new(text).unwrap();
            assert_eq!(base.to_string(), shown);
            assert!(shown.starts_with(&base.origin()));
            assert_eq!(
                base.call("/v2/alerts/sys-incident%3A1/close")
                    .unwrap()
                    .as_str(),
                format!("{shown}/v2/alerts/sys-incident%3A1/close")
            );
        }
        for wrong in [
            "",
            "events.pagerduty.com",
            "http://events.pagerduty.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://user:pass@events.pagerduty.com",
            "https://events.pagerduty.com?x=1",
            "https://events.pagerduty.com#x",
            "https://events.pagerduty.com/v2/enqueue",
            "https://api.opsgenie.com/v2/alerts/",
            "https://",
        ] {
            assert!(BaseUrl::new(wrong).is_err(), "{wrong}");
        }
    }
}

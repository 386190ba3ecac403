//! The address to listen on: an IP address or a host name, and a port.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Maximum time to resolve a host name.
const RESOLVED: Duration = Duration::from_secs(10);

/// A host and a port, in the form of `INCIDENT_BIND`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind(String);

impl Default for Bind {
    fn default() -> Self {
        Self("127.0.0.1:8080".to_owned())
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Bind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.parse::<SocketAddr>().is_err() && !is_named(text) {
            return Err("expected HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080");
        }
        Ok(Self(text.to_owned()))
    }
}

/// Returns `true` if a text is a host name with a port. IPv6 addresses need brackets.
fn is_named(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    // Digits and dots that do not parse as an address are a mistyped address, not a name.
    let is_name = host.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_name && host.len() <= 253 && host.bytes().all(fits) && port.parse::<u16>().is_ok()
}

impl Bind {
    /// Returns every address of the host, in the order in which they are tried.
    ///
    /// # Errors
    /// Fails if the name is unknown or is not resolved in time.
    pub async fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        let resolved = tokio::time::timeout(RESOLVED, tokio::net::lookup_host(&self.0)).await;
        Ok(resolved.map_err(std::io::Error::from)??.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_addresses_are_taken_with_a_port() {
        for good in [
            "127.0.0.1:8080",
            "[::1]:0",
            "0.0.0.0:80",
            "localhost:8080",
            "db-1.example:1",
        ] {
            assert_eq!(good.parse::<Bind>().unwrap().to_string(), good);
        }
        for wrong in [
            "",
            "nowhere",
            ":8080",
            "localhost",
            "localhost:",
            "localhost:99999",
            "127.0.0.1:99999",
            "127.0.0:80",
            "::1:8080",
            "a b:80",
            "http://localhost:80",
            "localhost:+80x",
        ] {
            assert!(wrong.parse::<Bind>().is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_name_has_addresses() {
        let bind: Bind = "localhost:8080".parse().unwrap();
        let found = bind.addresses().await.unwrap();
        assert!(
            found
                .iter()
                .all(|one| one.ip().is_loopback() && one.port() == 8080)
        );
        assert!(!found.is_empty());
        let unknown: Bind = "no-such-host.invalid:80".parse().unwrap();
        assert!(unknown.addresses().await.is_err());
    }
}

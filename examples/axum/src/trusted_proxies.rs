//! The proxies whose `X-Forwarded-For` is believed.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Header in which proxies list the addresses that a request came from, the nearest last.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// Maximum number of addresses that are read, from the nearest on.
const MAX_HOPS: usize = 32;

/// Networks of proxies whose `X-Forwarded-For` is believed; none by default. A client can write
/// anything into that header, so it counts only as far as such proxies have extended it.
///
/// ```
/// use incident_axum::TrustedProxies;
///
/// let proxies: TrustedProxies = "10.0.0.0/8, ::1".parse()?;
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Returns the address of the client of a request that came from `peer`: the nearest address
    /// that is not a trusted proxy. An unreadable entry counts as the end of the list.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = values
            .map(|value| value.to_str().unwrap_or_default())
            .flat_map(|value| value.rsplit(','));
        for hop in hops.take(MAX_HOPS) {
            let Some(address) = address(hop.trim()) else {
                break;
            };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Parses an entry; some proxies add the port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().map(|socket| socket.ip());
    let address = text.parse().or_else(|_| with_port()).ok()?;
    Some(IpAddr::to_canonical(&address))
}

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let network = |(at, entry): (usize, &str)| {
            let entry = entry.trim();
            let one = entry
                .parse::<IpAddr>()
                .map(|one| IpNet::from(one.to_canonical()));
            one.or_else(|_| entry.parse::<IpNet>()).map_err(|_| {
                let at = at + 1;
                format!("entry {at}: expected an address or a network such as 10.0.0.0/8")
            })
        };
        list.split(',')
            .enumerate()
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies: TrustedProxies = "10.0.0.0/8, 192.0.2.7, fd00::/8".parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(FORWARDED_FOR, value);
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_named_proxies_are_believed() {
        for (peer, forwarded, expected) in [
            ("203.0.113.1", &["198.51.100.1"][..], "203.0.113.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // The client wrote the first entry itself.
            ("10.0.0.1", &["127.0.0.1, 198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                &["127.0.0.1", "198.51.100.1, 192.0.2.7"],
                "198.51.100.1",
            ),
            ("10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3"),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("fd00::1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, "], "10.0.0.1"),
            ("10.0.0.1", &["\u{e9}"], "10.0.0.1"),
        ] {
            assert_eq!(client(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn wrong_networks_are_refused() {
        for (list, at) in [
            ("", 1),
            ("10.0.0.0/33", 1),
            ("10.0.0.1, proxy", 2),
            ("10.0.0.1,", 2),
        ] {
            let error = list.parse::<TrustedProxies>().unwrap_err();
            assert!(error.starts_with(&format!("entry {at}: ")), "{error}");
        }
    }
}

//! The address of a ClickHouse server.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// Default name of the table.
const TABLE: &str = "usage_events";

/// Default name of the database and of the user, which is ClickHouse's own.
const DEFAULT: &str = "default";

/// ClickHouse's ports for HTTP and for HTTPS.
const PORTS: (u16, u16) = (8123, 8443);

/// A server, a database and a table:
/// `clickhouse+http://USER:PASSWORD@HOST:8123/DATABASE?table=usage_events`, or with
/// `clickhouse+https`. Neither `Debug` nor `Display` shows the password.
///
/// ```
/// let address: incident_usage_clickhouse::Address =
///     "clickhouse+http://app:secret@ch.internal/console".parse()?;
/// assert_eq!(address.to_string(), "console.usage_events at ch.internal:8123");
/// # Ok::<(), incident_usage_clickhouse::AddressError>(())
/// ```
#[derive(Clone)]
pub struct Address {
    /// The server's URL without user, password, path or query.
    pub(crate) base: Url,
    pub(crate) user: String,
    pub(crate) password: SecretString,
    pub(crate) database: String,
    pub(crate) table: String,
}

/// An address that cannot be used. The error repeats no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct AddressError(&'static str);

const SHAPE: AddressError =
    AddressError("clickhouse+http://USER:PASSWORD@HOST:8123/DATABASE?table=TABLE");
const NAME: AddressError = AddressError(
    "names of a database and a table, each of at most 64 letters, digits and underscores",
);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default().unwrap_or_default();
        write!(f, "{}.{} at {host}:{port}", self.database, self.table)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix("clickhouse+").ok_or(SHAPE)?;
        let mut base = Url::parse(rest).map_err(|_| SHAPE)?;
        let port = match base.scheme() {
            "http" => PORTS.0,
            "https" => PORTS.1,
            _ => return Err(SHAPE),
        };
        if base.port().is_none() {
            base.set_port(Some(port)).map_err(|()| SHAPE)?;
        }
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(Cow::into_owned).map_err(|_| SHAPE)
        };
        let user = decoded(base.username())?;
        let password = decoded(base.password().unwrap_or_default())?;
        let database = match base.path().trim_matches('/') {
            "" => DEFAULT.to_owned(),
            name => identifier(name)?,
        };
        let mut table = TABLE.to_owned();
        for (name, value) in base.query_pairs() {
            match &*name {
                "table" => table = identifier(&value)?,
                _ => return Err(SHAPE),
            }
        }
        base.set_username("").map_err(|()| SHAPE)?;
        base.set_password(None).map_err(|()| SHAPE)?;
        base.set_path("/");
        base.set_query(None);
        base.set_fragment(None);
        Ok(Self {
            base,
            user: if user.is_empty() {
                DEFAULT.to_owned()
            } else {
                user
            },
            password: password.into(),
            database,
            table,
        })
    }
}

impl Address {
    /// Returns the table's quoted name for use in a statement.
    pub(crate) fn name(&self) -> String {
        format!("`{}`.`{}`", self.database, self.table)
    }

    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }

    pub(crate) fn password(&self) -> &str {
        self.password.expose_secret()
    }
}

/// Checks a name: only characters that ClickHouse takes without escaping are accepted.
fn identifier(name: &str) -> Result<String, AddressError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if (1..=64).contains(&name.len()) && name.bytes().all(fits) {
        Ok(name.to_owned())
    } else {
        Err(NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_clickhouse_has_it() {
        let address: Address = "clickhouse+http://127.0.0.1".parse().unwrap();
        assert_eq!(
            address.to_string(),
            "default.usage_events at 127.0.0.1:8123"
        );
        assert_eq!((&*address.user, address.password()), ("default", ""));
        let tls: Address = "clickhouse+https://a%40b:p%2Fq@ch.example/x?table=all_events"
            .parse()
            .unwrap();
        assert_eq!(tls.to_string(), "x.all_events at ch.example:8443");
        assert_eq!((&*tls.user, tls.password()), ("a@b", "p/q"));
        assert_eq!(tls.name(), "`x`.`all_events`");
        assert_eq!(tls.base.as_str(), "https://ch.example:8443/");
    }

    #[test]
    fn wrong_ones_are_refused_and_no_password_is_told() {
        for wrong in [
            "",
            "http://h/d",
            "clickhouse://u:canary@h",
            "clickhouse+ftp://u:canary@h",
            "clickhouse+http://u:canary@h:port/d",
            "clickhouse+http://u:%ff@h/canary",
            "clickhouse+http://u:canary@h/a.b",
            "clickhouse+http://u:canary@h/d?table=t`; drop table x; --",
            "clickhouse+http://u:canary@h/d?tabel=t",
            "clickhouse+http://u:canary@h/d?table=",
        ] {
            let error = wrong.parse::<Address>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{wrong}");
        }
        let address: Address = "clickhouse+http://u:canary@h/d".parse().unwrap();
        assert!(!format!("{address} {address:?} {address:#?}").contains("canary"));
    }
}

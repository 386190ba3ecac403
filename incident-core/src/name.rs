//! Names and texts that come from outside, each checked once when it is made.
//!
//! Names are the host's: opaque, case-sensitive, never trimmed or folded.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Most bytes in a name of a tenant, user, service or person.
pub const NAME_BYTES: usize = 200;
/// Most characters in a title.
pub const TITLE_CHARS: usize = 500;
/// Most bytes in a message, a summary or another free text.
pub const TEXT_BYTES: usize = 16 * 1024;

/// Most bytes in the name of a rule.
const RULE_BYTES: usize = 40;

/// Makes a cheaply cloned string type whose content was checked by `$check`.
macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The value, after the check its type stands for.
            ///
            /// # Errors
            /// The text is not acceptable; the error says what was expected.
            pub fn new(text: &str) -> Result<Self, Invalid> {
                $check(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                $check(&text)?;
                Ok(Self(Arc::from(text)))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.as_ref().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

fn check_name(text: &str) -> Result<(), Invalid> {
    if text.is_empty() || text.len() > NAME_BYTES || text.chars().any(char::is_control) {
        return Err(Invalid::new(
            "name",
            "1 to 200 bytes of text without control characters",
        ));
    }
    Ok(())
}

/// What it may hold, it may hold in the key of an alert at any vendor.
fn check_rule(text: &str) -> Result<(), Invalid> {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    // Pagers that were down are probed under this word.
    let reserved = text == "probe";
    if text.is_empty() || text.len() > RULE_BYTES || !text.bytes().all(fits) || reserved {
        return Err(Invalid::new(
            "rule",
            "1 to 40 of a-z, 0-9, `-` and `_`, and not `probe`",
        ));
    }
    Ok(())
}

fn check_title(text: &str) -> Result<(), Invalid> {
    let blank = text.chars().all(char::is_whitespace);
    if blank || text.contains('\0') || text.chars().count() > TITLE_CHARS {
        return Err(Invalid::new(
            "title",
            "1 to 500 characters, not only blanks, without NUL",
        ));
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), Invalid> {
    if text.contains('\0') || text.len() > TEXT_BYTES {
        return Err(Invalid::new("text", "at most 16 KiB of text without NUL"));
    }
    Ok(())
}

fn check_said(text: &str) -> Result<(), Invalid> {
    check_text(text)?;
    if text.chars().all(char::is_whitespace) {
        return Err(Invalid::new("text", "at least one visible character"));
    }
    Ok(())
}

fn check_https(text: &str) -> Result<(), Invalid> {
    let wrong = || {
        Invalid::new(
            "url",
            "an https:// address with a host and without user name or password, at most 2048 bytes",
        )
    };
    if text.len() > 2048
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

/// `host`, `host:port` or `[v6]:port`, with something in the host.
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

checked_string!(
    /// A tenant of the host's platform, for example `tenant-fr`.
    TenantId, check_name
);
checked_string!(
    /// A user of a tenant, as the host's usage events name it.
    UserId, check_name
);
checked_string!(
    /// One of the host's services, for example `api`.
    ServiceId, check_name
);
checked_string!(
    /// A person, service or integration that acts, or a person named in a role.
    PersonName, check_name
);
checked_string!(
    /// Another short name: a label, a channel, a key of an alert.
    Name, check_name
);
checked_string!(
    /// The name of a rule by which an incident goes to others than on-call, for
    /// example `security`.
    RuleName, check_rule
);
checked_string!(
    /// The title of an incident: 1 to 500 characters with something to see.
    Title, check_title
);
checked_string!(
    /// A free text of at most 16 KiB without NUL; it may be empty.
    Text, check_text
);
checked_string!(
    /// A free text of at most 16 KiB without NUL, with something to see.
    Statement, check_said
);
checked_string!(
    /// An `https` address with a host and without credentials.
    HttpsUrl, check_https
);
checked_string!(
    /// A text somebody wrote *for the public*. Nothing else may be shown there.
    PublicText, check_said
);

impl Default for Text {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl From<Statement> for Text {
    fn from(said: Statement) -> Self {
        Self(said.0)
    }
}

impl Name {
    /// A name that we made ourselves.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl Title {
    /// A title that we made ourselves.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl Statement {
    /// A sentence that we made ourselves.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl PersonName {
    /// The name of the policy as an actor.
    pub(crate) fn policy() -> Self {
        Self(Arc::from("policy"))
    }

    /// The name of who issues credits, as an actor.
    pub(crate) fn billing() -> Self {
        Self(Arc::from("billing"))
    }

    /// The name of pagers as an actor.
    pub(crate) fn pager() -> Self {
        Self(Arc::from("pager"))
    }
}

impl PublicText {
    /// A sentence that we made ourselves, of public words only.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl Text {
    /// A text cut to what fits, between characters and without NUL.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        let mut end = text.len().min(TEXT_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(Arc::from(
            text.get(..end).unwrap_or_default().replace('\0', ""),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_they_are() {
        for good in [
            "#en.wikipedia",
            "Google Cloud Networking",
            " tenant ",
            "É",
            &"x".repeat(200),
        ] {
            assert_eq!(TenantId::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a\nb",
            "a\0",
            "\u{85}",
            &"x".repeat(201),
            &"é".repeat(101),
        ] {
            assert!(TenantId::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn names_of_rules_fit_into_keys() {
        for good in ["security", "sev1-at_once", "7", &"x".repeat(40)] {
            assert!(RuleName::new(good).is_ok(), "{good:?} was refused");
        }
        for bad in ["", "Security", "a b", "a:b", "probe", "é", &"x".repeat(41)] {
            assert!(RuleName::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn titles_count_characters_and_texts_count_bytes() {
        assert!(Title::new(&"é".repeat(500)).is_ok());
        assert!(Title::new(&"é".repeat(501)).is_err());
        assert!(Title::new(" \t").is_err());
        assert!(Text::new(&"é".repeat(8 * 1024)).is_ok());
        assert!(Text::new(&"é".repeat(8 * 1024 + 1)).is_err());
        assert!(Text::new("a\0b").is_err());
    }

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
        ] {
            assert!(HttpsUrl::new(bad).is_err(), "{bad} was accepted");
        }
    }
}

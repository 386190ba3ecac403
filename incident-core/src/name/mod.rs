//! Names and texts that come from outside, each checked once when it is created.
//!
//! Names are the host's: opaque, case-sensitive, never trimmed or folded.

pub(crate) mod https;
pub(crate) mod visible;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use self::https::check_https;
pub(crate) use self::visible::seen;
pub use self::visible::shows_nothing;
use crate::ValidationError;

/// Maximum length of the name of a tenant, user, service or person, in bytes.
pub const NAME_BYTES: usize = 200;
/// Maximum length of a title, in characters.
pub const TITLE_CHARS: usize = 500;
/// Maximum length of a message, a summary or another free text, in bytes.
pub const TEXT_BYTES: usize = 16 * 1024;
/// Maximum length of a text for the public, in bytes. Stores may hold longer ones, from before this
/// limit existed.
pub const PUBLIC_BYTES: usize = 4 * 1024;

/// Maximum length of the name of a rule, in bytes.
pub(crate) const RULE_BYTES: usize = 40;

/// The name that no rule has: the probe of a pager that was down uses it in its key.
pub(crate) const RESERVED_RULE: &str = "probe";

/// Defines a cheaply cloned string type whose content was checked by `$check`.
///
/// Deserializing one checks `$stored` alone, which every version so far has checked, so that stored
/// values stay readable. A value that arrives by serde is therefore checked again where a command
/// is decided, with [`check`](TenantId::check).
macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $check:path, $stored:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(into = "String")]
        pub struct $name(Arc<str>);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::stored(&text).map_err(D::Error::custom)
            }
        }

        impl $name {
            /// Creates a value after checking the text.
            ///
            /// # Errors
            /// Fails if the text is invalid; the error says what was expected.
            pub fn new(text: &str) -> Result<Self, ValidationError> {
                $check(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// Creates a value that was read from a store: also one that an earlier version
            /// accepted and this one would refuse.
            ///
            /// # Errors
            /// Fails if no version ever accepted the text.
            pub fn stored(text: &str) -> Result<Self, ValidationError> {
                $stored(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// Checks a deserialized value as [`new`](Self::new) checks a text; `field` names it in
            /// the error.
            ///
            /// # Errors
            /// Fails if the text is invalid by the rules of today, though a store may hold it.
            pub fn check(&self, field: &'static str) -> Result<(), ValidationError> {
                $check(&self.0).map_err(|wrong| wrong.at(field))
            }

            /// Returns the text, unchanged.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ValidationError;

            fn from_str(text: &str) -> Result<Self, ValidationError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ValidationError;

            fn try_from(text: String) -> Result<Self, ValidationError> {
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

fn stored_name(text: &str) -> Result<(), ValidationError> {
    // Without a branch, so that the compiler can check many bytes at a time.
    let printable = |all: bool, byte: u8| all & matches!(byte, b' '..=b'~');
    let is_plain = text.bytes().fold(true, printable);
    let has_control = !is_plain && text.chars().any(char::is_control);
    if text.is_empty() || text.len() > NAME_BYTES || has_control {
        return Err(ValidationError::new(
            "name",
            "1 to 200 bytes of text without control characters",
        ));
    }
    Ok(())
}

fn check_name(text: &str) -> Result<(), ValidationError> {
    stored_name(text)?;
    seen("name", text)
}

/// Checks the name of a rule, which must fit into the key of an alert at any vendor.
fn check_rule(text: &str) -> Result<(), ValidationError> {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let reserved = text == RESERVED_RULE;
    if text.is_empty() || text.len() > RULE_BYTES || !text.bytes().all(fits) || reserved {
        return Err(ValidationError::new(
            "rule",
            "1 to 40 characters from a-z, 0-9, `-` and `_`, but not the reserved name `probe`",
        ));
    }
    Ok(())
}

/// Checks the id of a checklist or of one of its items.
fn check_checklist_key(text: &str) -> Result<(), ValidationError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if text.is_empty() || text.len() > RULE_BYTES || !text.bytes().all(fits) {
        return Err(ValidationError::new(
            "id",
            "1 to 40 characters from a-z, 0-9 and `_`",
        ));
    }
    Ok(())
}

fn stored_title(text: &str) -> Result<(), ValidationError> {
    let blank = text.chars().all(char::is_whitespace);
    if blank || text.contains('\0') || text.chars().count() > TITLE_CHARS {
        return Err(ValidationError::new(
            "title",
            "1 to 500 characters, not only whitespace, without NUL",
        ));
    }
    Ok(())
}

fn check_title(text: &str) -> Result<(), ValidationError> {
    stored_title(text)?;
    seen("title", text)
}

fn check_text(text: &str) -> Result<(), ValidationError> {
    if text.contains('\0') || text.len() > TEXT_BYTES {
        return Err(ValidationError::new(
            "text",
            "at most 16 KiB of text without NUL",
        ));
    }
    Ok(())
}

fn stored_said(text: &str) -> Result<(), ValidationError> {
    check_text(text)?;
    if text.chars().all(char::is_whitespace) {
        return Err(ValidationError::new(
            "text",
            "at least one visible character",
        ));
    }
    Ok(())
}

fn check_said(text: &str) -> Result<(), ValidationError> {
    check_text(text)?;
    seen("text", text)
}

fn check_public(text: &str) -> Result<(), ValidationError> {
    if text.contains('\0') || text.len() > PUBLIC_BYTES {
        return Err(ValidationError::new(
            "text",
            "at most 4 KiB of text without NUL",
        ));
    }
    seen("text", text)
}

checked_string!(
    /// A tenant of the host's platform, for example `tenant-fr`.
    TenantId, check_name, stored_name
);
checked_string!(
    /// A user of a tenant, as the host's usage events name it.
    UserId, check_name, stored_name
);
checked_string!(
    /// One of the host's services, for example `api`.
    ServiceId, check_name, stored_name
);
checked_string!(
    /// A person, service or integration that acts, or a person named in a role.
    PersonName, check_name, stored_name
);
checked_string!(
    /// Another short name: a label, a channel, a key of an alert.
    Name, check_name, stored_name
);
checked_string!(
    /// The name of an escalation rule, which pages others than on-call, for example `security`.
    RuleName, check_rule, check_rule
);
checked_string!(
    /// The id of a checklist, for example `triage`, or of one of its items.
    ChecklistKey, check_checklist_key, check_checklist_key
);
checked_string!(
    /// The title of an incident: 1 to 500 characters, at least one of them visible.
    Title, check_title, stored_title
);
checked_string!(
    /// A free text of at most 16 KiB without NUL; it may be empty.
    Text, check_text, check_text
);
checked_string!(
    /// A free text of at most 16 KiB without NUL, with at least one visible character.
    Statement, check_said, stored_said
);
checked_string!(
    /// An `https` address with a host and without credentials.
    HttpsUrl, check_https, check_https
);
checked_string!(
    /// A text that was written *for the public*: at most 4 KiB, with at least one visible
    /// character. No other text may be shown to the public.
    PublicText, check_public, stored_said
);

impl Default for Text {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl Name {
    /// Creates a name from a text of the library, without a check.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl RuleName {
    /// Creates a name from a text of the library, without a check.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl ChecklistKey {
    /// Creates an id from a text of the library, without a check.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl Title {
    /// Creates a title from a text of the library, without a check.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl Statement {
    /// Creates a statement from a text of the library, without a check.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl PersonName {
    /// Returns the name of the policy as an actor.
    pub(crate) fn policy() -> Self {
        Self(Arc::from("policy"))
    }

    /// Returns the name of the issuer of credits as an actor.
    pub(crate) fn billing() -> Self {
        Self(Arc::from("billing"))
    }

    /// Returns the name of a channel as an actor: `channel:<name>`, or `channel` if that is longer
    /// than a name.
    pub(crate) fn channel(channel: &Name) -> Self {
        let name = Self::new(&format!("channel:{channel}"));
        name.unwrap_or_else(|_| Self(Arc::from("channel")))
    }

    /// Returns the name of pagers as an actor.
    pub(crate) fn pager() -> Self {
        Self(Arc::from("pager"))
    }
}

impl PublicText {
    /// Creates a text from public words only, without a check.
    pub(crate) fn made(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl Text {
    /// Cuts a text to the maximum length, between characters, and removes NULs.
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
    fn a_text_is_cut_between_characters() {
        assert_eq!(Text::cut("a\0b").as_str(), "ab");
        let fits = "é".repeat(8 * 1024);
        assert_eq!(Text::cut(&fits).as_str(), fits);
        // The last character would need one byte more than the limit leaves.
        let cut = Text::cut(&format!("x{fits}"));
        assert_eq!(cut.as_str(), format!("x{}", "é".repeat(8 * 1024 - 1)));
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
    fn texts_for_the_public_are_shorter_than_those_that_stores_hold() {
        assert!(PublicText::new(&"é".repeat(2 * 1024)).is_ok());
        assert!(PublicText::new(&"é".repeat(2 * 1024 + 1)).is_err());
        let old = serde_json::to_string(&"x".repeat(16 * 1024)).unwrap();
        let read: PublicText = serde_json::from_str(&old).unwrap();
        assert_eq!(
            read.check("public_message").unwrap_err().field(),
            "public_message"
        );
        assert!(
            serde_json::from_str::<PublicText>(&format!("\"{}\"", "x".repeat(16 * 1024 + 1)))
                .is_err()
        );
    }
}

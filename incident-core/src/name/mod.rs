//! Names and texts that come from outside, each checked once when it is made.
//!
//! Names are the host's: opaque, case-sensitive, never trimmed or folded.

mod https;
mod visible;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use self::https::check_https;
pub(crate) use self::visible::seen;
pub use self::visible::shows_nothing;
use crate::ValidationError;

/// Most bytes in a name of a tenant, user, service or person.
pub const NAME_BYTES: usize = 200;
/// Most characters in a title.
pub const TITLE_CHARS: usize = 500;
/// Most bytes in a message, a summary or another free text.
pub const TEXT_BYTES: usize = 16 * 1024;
/// Most bytes in a text for the public. Stores may hold longer ones, from before
/// there was this limit.
pub const PUBLIC_BYTES: usize = 4 * 1024;

/// Most bytes in the name of a rule.
const RULE_BYTES: usize = 40;

/// Makes a cheaply cloned string type whose content was checked by `$check`.
///
/// Reading one by serde checks `$stored` alone, which is what every version so
/// far has checked: what a store holds stays readable. What arrives by serde is
/// therefore checked once more where it is decided on, with
/// [`check`](TenantId::check).
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
            /// The value, after the check its type stands for.
            ///
            /// # Errors
            /// The text is not acceptable; the error says what was expected.
            pub fn new(text: &str) -> Result<Self, ValidationError> {
                $check(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The value as a store gives it back: also one that was taken by an
            /// earlier version and would be refused now.
            ///
            /// # Errors
            /// No version ever took it.
            pub fn stored(text: &str) -> Result<Self, ValidationError> {
                $stored(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// Checks one that was read by serde as [`new`](Self::new) checks a
            /// text, and names the field it stands in.
            ///
            /// # Errors
            /// The text is not acceptable any more, though a store may hold it.
            pub fn check(&self, field: &'static str) -> Result<(), ValidationError> {
                $check(&self.0).map_err(|wrong| wrong.at(field))
            }

            /// The text as it was given.
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
    // Without a branch, so that the compiler looks at many bytes at a time.
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

/// What it may hold, it may hold in the key of an alert at any vendor.
fn check_rule(text: &str) -> Result<(), ValidationError> {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    // Pagers that were down are probed under this word.
    let reserved = text == "probe";
    if text.is_empty() || text.len() > RULE_BYTES || !text.bytes().all(fits) || reserved {
        return Err(ValidationError::new(
            "rule",
            "1 to 40 of a-z, 0-9, `-` and `_`, and not `probe`",
        ));
    }
    Ok(())
}

fn stored_title(text: &str) -> Result<(), ValidationError> {
    let blank = text.chars().all(char::is_whitespace);
    if blank || text.contains('\0') || text.chars().count() > TITLE_CHARS {
        return Err(ValidationError::new(
            "title",
            "1 to 500 characters, not only blanks, without NUL",
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
    /// The name of a rule by which an incident goes to others than on-call, for
    /// example `security`.
    RuleName, check_rule, check_rule
);
checked_string!(
    /// The title of an incident: 1 to 500 characters with something to see.
    Title, check_title, stored_title
);
checked_string!(
    /// A free text of at most 16 KiB without NUL; it may be empty.
    Text, check_text, check_text
);
checked_string!(
    /// A free text of at most 16 KiB without NUL, with something to see.
    Statement, check_said, stored_said
);
checked_string!(
    /// An `https` address with a host and without credentials.
    HttpsUrl, check_https, check_https
);
checked_string!(
    /// A text somebody wrote *for the public*, at most 4 KiB with something to
    /// see. Nothing else may be shown there.
    PublicText, check_public, stored_said
);

impl Default for Text {
    fn default() -> Self {
        Self(Arc::from(""))
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
    fn a_text_is_cut_between_characters() {
        assert_eq!(Text::cut("a\0b").as_str(), "ab");
        let fits = "é".repeat(8 * 1024);
        assert_eq!(Text::cut(&fits).as_str(), fits);
        // The last character would need a byte more than there is.
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

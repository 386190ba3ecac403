//! The check that a text has a visible character.

use crate::ValidationError;

/// Returns `true` if a text has no visible character: it is empty, or has only white space, control
/// characters and invisible characters.
#[must_use]
pub fn shows_nothing(text: &str) -> bool {
    let first = text.as_bytes().first();
    // Most names begin with such a character.
    if first.is_some_and(u8::is_ascii_graphic) {
        return false;
    }
    text.chars()
        .all(|c| c.is_whitespace() || c.is_control() || is_invisible(c))
}

/// The characters that are invisible by themselves, as ranges from the first to the last.
///
/// These have the property `Default_Ignorable_Code_Point` (Unicode 16,
/// `DerivedCoreProperties.txt`): joiners, marks of direction, fillers, selectors of variants and
/// tags; further, marks of annotation, empty Braille, the null notehead, and joiners of
/// hieroglyphs.
pub(crate) const INVISIBLE: [(char, char); 20] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

fn is_invisible(c: char) -> bool {
    INVISIBLE
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&c))
}

/// Checks that a text has a visible character.
pub(crate) fn seen(field: &'static str, text: &str) -> Result<(), ValidationError> {
    if shows_nothing(text) {
        return Err(ValidationError::new(
            field,
            "at least one visible character",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        Name, PersonName, PublicText, RuleName, ServiceId, Statement, TenantId, Title, UserId,
    };

    /// L5: one function decides for every type that refuses blanks; stores may hold values that
    /// were accepted before.
    #[test]
    fn texts_of_nothing_to_see_are_refused_and_stay_readable() {
        let nothing = [
            " ",
            "\u{2003}",
            "\u{200b}",
            "\u{200f}",
            "\u{2060}",
            "\u{2064}",
            "\u{feff}",
            "\u{3164}",
            "\u{115f}",
            "\u{1160}",
            "\u{ffa0}",
            "\u{ad}",
            "\u{34f}",
            "\u{61c}",
            "\u{180b}",
            "\u{180e}",
            "\u{180f}",
            "\u{202a}",
            "\u{202e}",
            "\u{2066}",
            "\u{206f}",
            "\u{2800}",
            "\u{fe00}",
            "\u{fe0f}",
            "\u{e0100}",
            "\u{e01ef}",
            "\u{e0001}",
            "\u{e007f}",
            "\u{17b4}",
            "\u{2065}",
            "\u{fff9}",
            "\u{13430}",
            "\u{1bca0}",
            "\u{1d159}",
            "\u{1d173}",
            "\u{e0080}",
            "\u{e0fff}",
            "\u{200b} \u{2800}\u{feff}",
        ];
        for text in nothing {
            let taken = [
                TenantId::new(text).is_ok(),
                UserId::new(text).is_ok(),
                ServiceId::new(text).is_ok(),
                PersonName::new(text).is_ok(),
                Name::new(text).is_ok(),
                RuleName::new(text).is_ok(),
                Title::new(text).is_ok(),
                Statement::new(text).is_ok(),
                PublicText::new(text).is_ok(),
            ];
            assert_eq!(taken, [false; 9], "{text:?}");
            let json = serde_json::to_string(text).unwrap();
            let name: Name = serde_json::from_str(&json).unwrap();
            assert_eq!(name.check("label").unwrap_err().field(), "label");
            if text.trim().is_empty() {
                continue;
            }
            let title: Title = serde_json::from_str(&json).unwrap();
            assert_eq!(title.check("title").unwrap_err().field(), "title");
            let said: PublicText = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&said).unwrap(), json);
        }
        for text in ["\u{1}", "\u{7f}\u{9}", "\u{85}"] {
            assert!(
                Statement::new(text).is_err() && Title::new(text).is_err(),
                "{text:?}"
            );
        }
        for text in [
            "a",
            "\u{200b}a",
            "❤\u{fe0f}",
            "\u{1f469}\u{200d}\u{1f692}",
            "ᄀ",
            "⠁",
        ] {
            assert!(
                Title::new(text).is_ok() && TenantId::new(text).is_ok(),
                "{text:?}"
            );
        }
    }
}

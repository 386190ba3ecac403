//! Escaping of texts for one line of a log or of a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes characters that could leave the line that a text stands on, or change how it is read.
///
/// Control characters (line breaks, ESC and the C1 set among them), separators of lines and
/// paragraphs, and the characters that change the direction of writing (Unicode UAX #9; "Trojan
/// Source", CVE-2021-42574) are written as escapes.
///
/// ```
/// use incident_core::plain;
/// assert_eq!(plain("API down"), "API down");
/// assert_eq!(plain("API down\nERROR forged"), "API down\\nERROR forged");
/// assert_eq!(plain("\u{202e}nwod"), "\\u{202e}nwod");
/// ```
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ if is_unsafe(character) => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

fn is_unsafe(character: char) -> bool {
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    turns || character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S9: every character named above, each by itself and in the middle of a text.
    #[test]
    fn no_control_and_no_bidirectional_character_is_left() {
        let named = (0..=0x1f_u32)
            .chain(0x7f..=0x9f)
            .chain([0x61c, 0x200e, 0x200f, 0x2028, 0x2029])
            .chain(0x202a..=0x202e)
            .chain(0x2066..=0x2069);
        for code in named {
            let character = char::from_u32(code).unwrap();
            let escaped = plain(&format!("a{character}b")).into_owned();
            assert!(
                escaped.starts_with("a\\") && escaped.ends_with('b'),
                "{code:x}: {escaped:?}"
            );
            assert!(escaped.chars().all(|c| c == ' ' || c.is_ascii_graphic()));
            assert_eq!(plain(&escaped), escaped, "escaped once");
        }
        for fine in ["", "é", "日本", "\u{1f469}\u{200d}\u{1f692}", "a\\b"] {
            assert!(matches!(plain(fine), Cow::Borrowed(same) if same == fine));
        }
    }
}

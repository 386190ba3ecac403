//! The escaping of texts in HTML.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Safe};

/// A piece of HTML, which templates write as it is.
pub(crate) type Html = Safe<String>;

/// A text as it stands in HTML, between tags or in a quoted attribute.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Visible.write_escaped_str(f, self.0)
    }
}

/// The escaper of all templates: markup becomes text, and characters that could reorder or hide the
/// text around them are written as code points. Joiners and single marks of direction stay, as
/// words and emoji need them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: Write>(&self, mut out: W, text: &str) -> fmt::Result {
        text.chars()
            .try_for_each(|character| write_visible(&mut out, character))
    }
}

/// Returns `true` for control characters, for the embeddings, overrides and isolates of the
/// bidirectional algorithm (UAX 9, 2.1 to 2.4), and for characters that have no width.
const fn is_disguise(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn write_visible(out: &mut impl Write, character: char) -> fmt::Result {
    if is_disguise(character) {
        return write!(out, "{}", character.escape_unicode());
    }
    write_text(out, character)
}

fn write_text(out: &mut impl Write, character: char) -> fmt::Result {
    match character {
        '&' => out.write_str("&amp;"),
        '<' => out.write_str("&lt;"),
        '>' => out.write_str("&gt;"),
        '"' => out.write_str("&quot;"),
        '\'' => out.write_str("&#39;"),
        other => out.write_char(other),
    }
}

/// Returns a text for a field of a form, where it has to stay as it was typed: only markup is
/// escaped.
#[must_use]
pub(crate) fn as_typed(text: &str) -> Html {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        // Writing to a string cannot fail.
        let _ = write_text(&mut escaped, character);
    }
    Safe(escaped)
}

/// Returns a text that stands beside others in a line: as `bdi`, if it may have letters that are
/// written from right to left, which begin at U+0590. The other texts of a long list are spared the
/// element, which costs a browser time.
#[must_use]
pub(crate) fn isolated(text: &str) -> Html {
    let escaped = Escaped(text);
    match text.chars().any(|character| character >= '\u{590}') {
        true => Safe(format!("<bdi>{escaped}</bdi>")),
        false => Safe(escaped.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_disguises_are_text() {
        let escaped = |text: &str| {
            let mut out = String::new();
            Visible.write_escaped_str(&mut out, text).unwrap();
            out
        };
        assert_eq!(
            escaped("<b a='1' c=\"2\">&</b>\u{202e}\u{200b}\0"),
            "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;&lt;/b&gt;\\u{202e}\\u{200b}\\u{0}"
        );
        // A Persian word with a joiner, an emoji of several characters, and lines.
        let words = "می\u{200c}خواهم 👩\u{200d}💻\u{fe0f}\n\tb";
        assert_eq!(escaped(words), words);
        assert_eq!(as_typed("\u{202e}<").0, "\u{202e}&lt;");
        assert_eq!(isolated("<é> (1)").0, "&lt;é&gt; (1)");
        assert_eq!(isolated("<א>").0, "<bdi>&lt;א&gt;</bdi>");
        assert_eq!(isolated("\u{202e}").0, "<bdi>\\u{202e}</bdi>");
    }
}

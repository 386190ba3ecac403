//! Escaping of CSV cells, so that spreadsheets do not run them as formulas.

use std::borrow::Cow;

/// First characters of formulas: those of OWASP's "CSV Injection", their full-width forms, which
/// spreadsheets read as the same, and line ends, which hide the text after them.
const FORMULA: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// Escapes the text of a CSV cell: adds an apostrophe before text that a spreadsheet would take for
/// a formula.
///
/// ```
/// use incident_core::escape_csv_formula;
/// assert_eq!(escape_csv_formula("=cmd()"), "'=cmd()");
/// assert_eq!(escape_csv_formula("\u{ff1d}cmd()"), "'\u{ff1d}cmd()");
/// assert_eq!(escape_csv_formula("tenant-fr"), "tenant-fr");
/// ```
#[must_use]
pub fn escape_csv_formula(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S16: each first character of a formula, full-width ones too, and nothing else.
    #[test]
    fn formulas_have_an_apostrophe_before_them() {
        for first in "=+-@\t\r\n＝＋－＠".chars() {
            let text = format!("{first}cmd()");
            assert_eq!(escape_csv_formula(&text), format!("'{text}"));
        }
        for plain in ["", "tenant-fr", "a=b", "'=x", "é＝1", "#1", "1-2"] {
            assert_eq!(escape_csv_formula(plain), plain);
        }
    }
}
